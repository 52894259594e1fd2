//! Reading a policy from TOML or JSON.
//!
//! Text → [`Policy`]: bounded, then read, then (only where it does not fit) diagnosed against the
//! schema. A policy is untrusted until its reader has read it, so nothing here may panic, recurse
//! without a bound or take more than linear memory. What a policy *says* is judged later, by
//! [`Policy::validate`].

mod diagnose;
mod error;
mod shape;
mod tree;

#[cfg(test)]
mod tests;

use serde::Deserialize;
use toml::de::DeTable;

pub use self::error::{Place, PolicyError};
use self::tree::Node;
use crate::Policy;

/// The longest text that is read: 1 MiB.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

/// Reads a policy of either form: what begins with `{` is JSON, all else is TOML.
///
/// # Errors
/// As [`parse_toml`], and where `bytes` are not UTF-8.
pub fn parse(bytes: &[u8]) -> Result<Policy, PolicyError> {
    bounded(bytes.len())?;
    let text = std::str::from_utf8(bytes)
        .map_err(|error| PolicyError::NotUtf8 { offset: error.valid_up_to() })?;
    if text.trim_start().starts_with('{') { parse_json(text) } else { parse_toml(text) }
}

/// Reads a policy from TOML.
///
/// # Errors
/// The first of: too large, not TOML (with its place), another version, an unknown key (with the
/// nearest known one), a missing key, a value of the wrong type or outside its list of words.
pub fn parse_toml(text: &str) -> Result<Policy, PolicyError> {
    bounded(text.len())?;
    let table = DeTable::parse(text).map_err(|error| syntax_toml(text, &error))?;
    if !shape::well_shaped(table.get_ref()) {
        return Err(explain_toml(text, None));
    }
    match Policy::deserialize(toml::Deserializer::from(table)) {
        Ok(policy) if policy.version == Policy::VERSION => Ok(policy),
        Ok(_) => Err(explain_toml(text, None)),
        Err(error) => Err(explain_toml(text, Some(error.message()))),
    }
}

/// Why `text` was refused. Reads it once more, since the reader has used the first tree up.
fn explain_toml(text: &str, misfit: Option<&str>) -> PolicyError {
    match DeTable::parse(text) {
        Ok(table) => diagnose::diagnose(&Node::from_toml(&table), text)
            .unwrap_or_else(|| unexplained(misfit)),
        Err(error) => syntax_toml(text, &error),
    }
}

/// Reads a policy from JSON, which has the same schema as TOML.
///
/// # Errors
/// As [`parse_toml`]; an object with a doubled key is refused as not well formed.
pub fn parse_json(text: &str) -> Result<Policy, PolicyError> {
    bounded(text.len())?;
    let root: Node = serde_json::from_str(text).map_err(|error| syntax_json(&error))?;
    if let Some(error) = diagnose::diagnose(&root, text) {
        return Err(error);
    }
    serde_json::from_str(text).map_err(|error| unexplained(Some(&error.to_string())))
}

const fn bounded(bytes: usize) -> Result<(), PolicyError> {
    if bytes > MAX_POLICY_BYTES {
        return Err(PolicyError::TooLarge { bytes, limit: MAX_POLICY_BYTES });
    }
    Ok(())
}

fn syntax_toml(text: &str, error: &toml::de::Error) -> PolicyError {
    let offset = error.span().map_or(text.len(), |span| span.start);
    PolicyError::Syntax {
        format: "TOML",
        message: error.message().to_owned(),
        place: Place::of(text, offset),
    }
}

fn syntax_json(error: &serde_json::Error) -> PolicyError {
    let text = error.to_string();
    // The reader's text ends in the place, which is said once, by us.
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    PolicyError::Syntax {
        format: "JSON",
        message: message.to_owned(),
        place: Place { line: error.line(), column: error.column() },
    }
}

/// The reader refused what the schema allows. The tests look for such texts; a user gets the
/// reader's word.
fn unexplained(message: Option<&str>) -> PolicyError {
    PolicyError::BadValue {
        key: "policy".to_owned(),
        expected: "what the schema describes".to_owned(),
        found: message.unwrap_or("something else").to_owned(),
        place: None,
    }
}

/// What is wrong with `text` by the schema alone, whatever the reader says.
#[cfg(test)]
pub(crate) fn judged_by_schema(text: &str) -> Option<PolicyError> {
    let table = DeTable::parse(text).expect("the caller has read it");
    diagnose::diagnose(&Node::from_toml(&table), text)
}
