//! The JSON Schema of a policy, as `isobar policy schema` prints it, and what is read off it.
//!
//! The schema is derived from the types, so it is what the reader accepts. Diagnosis and the
//! reference in the documents walk this one value.

use serde_json::Value;

use crate::Policy;

/// The schema of [`Policy`], in the dialect JSON Schema 2020-12.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Policy).to_value()
}

/// One key that a policy may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownKey {
    /// The dotted key, such as `limits.memory`; `[]` stands for an element of a list.
    pub(crate) path: String,
    /// The description in the schema.
    pub(crate) about: String,
    /// The schema of the value.
    pub(crate) schema: Value,
}

/// Every key of `root`, in the order of the schema.
pub(crate) fn known_keys(root: &Value) -> Vec<KnownKey> {
    let mut keys = Vec::new();
    collect(root, root, "", &mut keys);
    keys
}

fn collect(root: &Value, schema: &Value, path: &str, keys: &mut Vec<KnownKey>) {
    let (_, schema) = resolved(root, schema);
    for branch in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        collect(root, branch, path, keys);
    }
    if let Some(items) = schema.get("items") {
        collect(root, items, &format!("{path}[]"), keys);
    }
    for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let about = inner.get("description").and_then(Value::as_str).unwrap_or_default();
        keys.push(KnownKey {
            path: path.clone(),
            about: about.replace('\n', " "),
            schema: inner.clone(),
        });
        collect(root, inner, &path, keys);
    }
}

/// `schema` with a reference followed and `null` beside one other form put away, and the name
/// under which the schema defines it.
///
/// The derived schema has no reference that leads back to itself, which the tests prove; the walk
/// is bounded all the same.
pub(crate) fn resolved<'s>(root: &'s Value, schema: &'s Value) -> (Option<&'s str>, &'s Value) {
    let (mut name, mut schema) = (None, schema);
    for _ in 0..8 {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let short = target.trim_start_matches("#/$defs/");
            let Some(next) = root.get("$defs").and_then(|defs| defs.get(short)) else { break };
            (name, schema) = (Some(short), next);
        } else if let Some(only) = only_form(schema) {
            schema = only;
        } else {
            break;
        }
    }
    (name, schema)
}

/// The other form of `anyOf: [X, null]`.
fn only_form(schema: &Value) -> Option<&Value> {
    match schema.get("anyOf")?.as_array()?.as_slice() {
        [one, null] | [null, one] if is_null(null) => Some(one),
        _ => None,
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// Whether `schema` admits `null`, as JSON writes an unset key.
pub(crate) fn nullable(schema: &Value) -> bool {
    let in_type = match schema.get("type") {
        Some(Value::Array(names)) => names.iter().any(|name| name == "null"),
        _ => is_null(schema),
    };
    in_type
        || schema.get("anyOf").and_then(Value::as_array).is_some_and(|any| any.iter().any(is_null))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Acceptance, BoundaryKind, Clause, PROFILES, profile};

    #[test]
    fn the_schema_names_its_dialect_and_explains_every_key() {
        let schema = schema();
        let dialect = "https://json-schema.org/draft/2020-12/schema";
        assert_eq!(schema["$schema"], dialect, "readers pick their rules by it");
        assert_eq!(schema["title"], "Policy", "editors show it");
        for key in known_keys(&schema) {
            assert!(key.about.ends_with('.'), "{} has a description: {:?}", key.path, key.about);
        }
    }

    #[test]
    fn every_table_of_the_schema_is_closed() {
        let schema = schema();
        let defs = schema["$defs"].as_object().expect("definitions").values();
        for table in std::iter::once(&schema).chain(defs) {
            if table.get("properties").is_some() {
                assert_eq!(
                    table["additionalProperties"], false,
                    "unknown keys are refused: {table}"
                );
            }
        }
    }

    #[test]
    fn clauses_and_keys_are_the_same_names() {
        let clauses: BTreeSet<&str> = Clause::ALL.iter().map(|clause| clause.name()).collect();
        let keys = known_keys(&schema());
        // A clause is a key, or the section that it is all of.
        let paths: BTreeSet<&str> = keys.iter().map(|key| key.path.as_str()).collect();
        for clause in &clauses {
            assert!(paths.contains(clause), "{clause} cannot be asked for");
        }
        for path in paths {
            let inner = path.contains("[]") || path.starts_with("fs.workspace.");
            let section = ["version", "fs", "env", "net", "limits", "identity"].contains(&path);
            let clause = clauses.contains(path) || path.starts_with("env.") || path == "net.mode";
            assert!(inner || section || clause, "{path} is no clause, so no planner binds it");
        }
    }

    #[test]
    fn words_in_the_schema_are_those_of_the_flags() {
        let schema = schema();
        let words = |name: &str| -> Vec<String> {
            let branches = schema["$defs"][name]["oneOf"].as_array().expect("a list of words");
            branches.iter().map(|one| one["const"].as_str().expect("a word").to_owned()).collect()
        };
        let kinds = BoundaryKind::ALL.map(|kind| kind.name().to_owned());
        assert_eq!(words("BoundaryKind"), kinds, "one word for each boundary");
        let accepted = Acceptance::ALL.map(|one| one.name().to_owned());
        assert_eq!(words("Acceptance"), accepted, "one word for each weaker form");
    }

    #[test]
    fn following_references_ends() {
        let schema = schema();
        let keys = known_keys(&schema);
        assert!(keys.len() < 100, "a schema that contained itself would never end: {}", keys.len());
        for name in schema["$defs"].as_object().expect("definitions").keys() {
            let reference = serde_json::json!({ "$ref": format!("#/$defs/{name}") });
            let (_, end) = resolved(&schema, &reference);
            assert!(end.get("$ref").is_none(), "{name} leads somewhere");
        }
    }

    /// A judge of its own, so that the schema is not only held by the code that walks it.
    fn fits(root: &Value, schema: &Value, value: &Value) -> bool {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            return fits(root, &root["$defs"][target.trim_start_matches("#/$defs/")], value);
        }
        if let Some(any) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
            return any.iter().any(|branch| fits(root, branch, value));
        }
        if schema.get("const").is_some_and(|word| word != value) {
            return false;
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            Value::String(_) => vec![schema["type"].clone()],
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![],
        };
        types.iter().any(|name| match (name.as_str(), value) {
            (Some("string"), Value::String(_)) | (Some("null"), Value::Null) => true,
            (Some("integer" | "number"), Value::Number(number)) => {
                let (low, high) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
                let number = number.as_f64().expect("finite");
                low.is_none_or(|low| low <= number) && high.is_none_or(|high| number <= high)
            }
            (Some("array"), Value::Array(items)) => {
                items.iter().all(|item| fits(root, &schema["items"], item))
            }
            (Some("object"), Value::Object(pairs)) => {
                let properties = &schema["properties"];
                let required = schema["required"].as_array().into_iter().flatten();
                let complete = required
                    .map(|key| key.as_str().expect("a name"))
                    .all(|key| pairs.contains_key(key));
                complete
                    && pairs.iter().all(|(key, item)| match properties.get(key) {
                        Some(property) => fits(root, property, item),
                        None => {
                            schema["additionalProperties"].is_object()
                                && fits(root, &schema["additionalProperties"], item)
                        }
                    })
            }
            _ => false,
        })
    }

    #[test]
    fn profiles_fit_the_published_schema_and_misfits_do_not() {
        let schema = schema();
        for name in PROFILES {
            let value = serde_json::to_value(profile(name)).expect("plain data");
            assert!(fits(&schema, &schema, &value), "{name} is valid to any reader of the schema");
        }
        for text in [
            r#"{}"#,
            r#"{"version": 2}"#,
            r#"{"version": 1, "fs": {"rro": []}}"#,
            r#"{"version": 1, "fs": {"ro": [{"target": "/a"}]}}"#,
            r#"{"version": 1, "limits": {"pids": 0}}"#,
            r#"{"version": 1, "identity": {"uid": 0}}"#,
            r#"{"version": 1, "boundary": "docker"}"#,
        ] {
            let value = serde_json::from_str(text).expect("JSON");
            assert!(!fits(&schema, &schema, &value), "{text} must not be valid");
        }
    }
}
