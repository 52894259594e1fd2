//! Finding what is wrong with a policy that does not fit its schema.
//!
//! serde says that something does not fit; this says what, where, and what was probably meant. It
//! walks the text beside the published schema, so that the two cannot tell different stories.

use serde_json::{Map, Value};

use super::tree::{Entry, Node, Shape};
use super::{Place, PolicyError};
use crate::schema::{known_keys, nullable, resolved, schema};
use crate::{Bytes, Cpus, Policy, Span, escape_bounded};

/// How much of a value a message repeats.
const SHOWN: usize = 60;

/// The first thing in `root` that does not fit; `None` where all does. `text` is the source of
/// the offsets in the tree.
pub(super) fn diagnose(root: &Node, text: &str) -> Option<PolicyError> {
    let schema = schema();
    let walk = Walk { schema: &schema, text };
    walk.version(root).and_then(|()| walk.node(root, &schema, "")).err()
}

struct Walk<'a> {
    schema: &'a Value,
    text: &'a str,
}

impl Walk<'_> {
    fn place(&self, at: Option<usize>) -> Option<Place> {
        at.map(|offset| Place::of(self.text, offset))
    }

    /// The version comes first: in a policy of another version nothing else can be judged.
    fn version(&self, root: &Node) -> Result<(), PolicyError> {
        let Shape::Table(_) = root.shape else { return Ok(()) };
        let Some(entry) = root.get("version") else {
            return Err(PolicyError::Version { found: None, place: None });
        };
        if matches!(entry.node.shape, Shape::Integer(Some(n)) if n == i128::from(Policy::VERSION)) {
            return Ok(());
        }
        let place = self.place(entry.node.at);
        Err(PolicyError::Version { found: Some(shown(&entry.node)), place })
    }

    fn node(&self, node: &Node, schema: &Value, path: &str) -> Result<(), PolicyError> {
        if matches!(node.shape, Shape::Null) && nullable(schema) {
            return Ok(());
        }
        let (name, schema) = resolved(self.schema, schema);
        if let Some(result) = quantity(name, &node.shape) {
            return result.map_err(|expected| self.bad(node, path, expected));
        }
        if let Some(choices) = choices(schema) {
            return self.choice(node, path, choices);
        }
        if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
            return self.branches(node, branches, path);
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            return self.table(node, schema, properties, path);
        }
        match type_of(schema) {
            "object" => self.map(node, schema, path),
            "array" => self.list(node, schema, path),
            kind => self.leaf(node, kind, schema, path),
        }
    }

    fn table(
        &self,
        node: &Node,
        schema: &Value,
        properties: &Map<String, Value>,
        path: &str,
    ) -> Result<(), PolicyError> {
        let entries = self.entries(node, path)?;
        for entry in entries {
            let key = joined(path, &entry.key);
            let Some(inner) = properties.get(&entry.key) else {
                let nearest = nearest(self.schema, path, properties, &entry.key);
                let key = escape_bounded(&key, SHOWN * 2);
                return Err(PolicyError::UnknownKey { key, nearest, place: self.place(entry.at) });
            };
            self.node(&entry.node, inner, &key)?;
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if node.get(key).is_none() {
                let place = self.place(node.at);
                return Err(PolicyError::MissingKey { key: joined(path, key), place });
            }
        }
        Ok(())
    }

    fn map(&self, node: &Node, schema: &Value, path: &str) -> Result<(), PolicyError> {
        let inner = schema.get("additionalProperties").unwrap_or(&Value::Null);
        for entry in self.entries(node, path)? {
            self.node(&entry.node, inner, &joined(path, &escape_bounded(&entry.key, SHOWN)))?;
        }
        Ok(())
    }

    fn entries<'n>(&self, node: &'n Node, path: &str) -> Result<&'n [Entry], PolicyError> {
        let Shape::Table(entries) = &node.shape else {
            return Err(self.bad(node, path, "a table".to_owned()));
        };
        Ok(entries)
    }

    fn list(&self, node: &Node, schema: &Value, path: &str) -> Result<(), PolicyError> {
        let Shape::List(items) = &node.shape else {
            return Err(self.bad(node, path, "a list in brackets".to_owned()));
        };
        let inner = schema.get("items").unwrap_or(&Value::Null);
        for (index, item) in items.iter().enumerate() {
            self.node(item, inner, &format!("{path}[{index}]"))?;
        }
        Ok(())
    }

    /// A value that may take several forms is judged by the form that it seems to take.
    fn branches(&self, node: &Node, branches: &[Value], path: &str) -> Result<(), PolicyError> {
        let wants_table = matches!(node.shape, Shape::Table(_));
        let is_table =
            |branch: &&Value| resolved(self.schema, branch).1.get("properties").is_some();
        let real = || branches.iter().filter(|branch| type_of(branch) != "null");
        let fitting = real().find(|branch| is_table(branch) == wants_table);
        match (fitting, real().next()) {
            (Some(branch), _) | (None, Some(branch)) => self.node(node, branch, path),
            (None, None) => Ok(()),
        }
    }

    fn choice(&self, node: &Node, path: &str, choices: Vec<String>) -> Result<(), PolicyError> {
        let Shape::Text(text) = &node.shape else {
            return Err(self.bad(node, path, format!("one of {}", choices.join(", "))));
        };
        if choices.contains(text) {
            return Ok(());
        }
        Err(PolicyError::UnknownChoice {
            key: path.to_owned(),
            value: escape_bounded(text, SHOWN),
            choices,
            place: self.place(node.at),
        })
    }

    fn leaf(&self, node: &Node, kind: &str, schema: &Value, path: &str) -> Result<(), PolicyError> {
        let expected = match (kind, &node.shape) {
            ("string", Shape::Text(_)) | ("boolean", Shape::Bool(_)) => return Ok(()),
            ("integer", Shape::Integer(Some(number))) => {
                let top = match schema.get("format").and_then(Value::as_str) {
                    Some("uint32") => i128::from(u32::MAX),
                    _ => i128::from(u64::MAX),
                };
                if (0..=top).contains(number) {
                    return Ok(());
                }
                format!("a whole number from 0 to {top}")
            }
            ("integer", _) => "a whole number".to_owned(),
            ("boolean", _) => "true or false".to_owned(),
            _ => "text in quotes".to_owned(),
        };
        Err(self.bad(node, path, expected))
    }

    fn bad(&self, node: &Node, path: &str, expected: String) -> PolicyError {
        let key = if path.is_empty() { "policy" } else { path }.to_owned();
        PolicyError::BadValue { key, expected, found: shown(node), place: self.place(node.at) }
    }
}

/// Judges a quantity by reading it. `None` where the schema's name is no quantity's.
fn quantity(name: Option<&str>, shape: &Shape) -> Option<Result<(), String>> {
    let text = match shape {
        Shape::Text(text) => Some(text.clone()),
        Shape::Integer(Some(number)) => Some(number.to_string()),
        Shape::Float(number) => Some(number.to_string()),
        Shape::Table(_)
        | Shape::List(_)
        | Shape::Integer(None)
        | Shape::Bool(_)
        | Shape::Date
        | Shape::Null => None,
    };
    let (reads, expected): (fn(&str) -> bool, _) = match name? {
        "Bytes" => {
            (|text| text.parse::<Bytes>().is_ok(), "bytes, such as 4096, \"64K\" or \"512M\"")
        }
        "Span" => (
            |text| text.parse::<Span>().is_ok(),
            "a time span, such as \"500ms\", \"30s\" or \"5m\"",
        ),
        "Cpus" => (|text| text.parse::<Cpus>().is_ok(), "processors, such as 2, 0.5 or 2.25"),
        _ => return None,
    };
    Some(if text.is_some_and(|text| reads(&text)) { Ok(()) } else { Err(expected.to_owned()) })
}

/// The words of an enumeration.
fn choices(schema: &Value) -> Option<Vec<String>> {
    let words: Vec<String> = match (schema.get("oneOf"), schema.get("enum")) {
        (Some(Value::Array(branches)), _) => branches
            .iter()
            .filter_map(|one| one.get("const")?.as_str().map(str::to_owned))
            .collect(),
        (_, Some(Value::Array(words))) => {
            words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
        }
        _ => return None,
    };
    Some(words)
}

/// The type that the schema states, nullability aside.
fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("null")
        }
        _ => "",
    }
}

/// The known key that was probably meant by `key` in the table `path`: one of the same table
/// whose name is alike, else the same name in another table, else a name that is alike there.
fn nearest(root: &Value, path: &str, here: &Map<String, Value>, key: &str) -> Option<String> {
    // An absurdly long key is like nothing, and comparing it is quadratic.
    if key.len() > 64 {
        return None;
    }
    let wanted = key.to_ascii_lowercase().replace('_', "-");
    let last = |full: &str| full.rsplit('.').next().unwrap_or_default().to_owned();
    let alike = |name: &str| {
        let distance = strsim::osa_distance(&wanted, name);
        (distance <= 1 + name.len() / 4).then_some(distance)
    };
    let best = |names: &[String]| {
        let scored = names.iter().filter_map(|full| Some((alike(&last(full))?, full.clone())));
        scored.min_by_key(|(distance, _)| *distance).map(|(_, full)| full)
    };
    let siblings: Vec<String> = here.keys().map(|name| joined(path, name)).collect();
    let everywhere: Vec<String> = known_keys(root).into_iter().map(|known| known.path).collect();
    let elsewhere = everywhere.iter().find(|full| last(full) == wanted).cloned();
    let dotted = everywhere.iter().find(|full| **full == wanted).cloned();
    dotted.or_else(|| best(&siblings)).or(elsewhere).or_else(|| best(&everywhere))
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What stands there, short enough for a message.
fn shown(node: &Node) -> String {
    match &node.shape {
        Shape::Table(_) => "a table".to_owned(),
        Shape::List(_) => "a list".to_owned(),
        Shape::Text(text) => format!("\"{}\"", escape_bounded(text, SHOWN)),
        Shape::Integer(Some(number)) => number.to_string(),
        Shape::Integer(None) => "a very large number".to_owned(),
        Shape::Float(number) => number.to_string(),
        Shape::Bool(truth) => truth.to_string(),
        Shape::Date => "a date".to_owned(),
        Shape::Null => "null".to_owned(),
    }
}
