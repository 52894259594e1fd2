//! Where tables and lists may stand in a policy.
//!
//! Derived readers are lenient: they take a list for a table (its values by position) and a table
//! for a word. A policy that means something only by accident of that is refused, and this cheap
//! look at the tree finds it. The two lists are held against the schema by a test.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys whose value is a table; `[]` stands for an element.
pub(super) const TABLES: &[&str] = &[
    "env",
    "env.set",
    "fs",
    "fs.cow[]",
    "fs.ro[]",
    "fs.rw[]",
    "fs.tmpfs[]",
    "fs.workspace",
    "identity",
    "limits",
    "net",
];

/// Keys whose value is a list.
pub(super) const LISTS: &[&str] =
    &["accept", "env.allow", "fs.cow", "fs.ro", "fs.rw", "fs.tmpfs", "fs.unprotect"];

/// Whether every table and list below `table` stands where the schema has one.
pub(super) fn well_shaped(table: &DeTable<'_>) -> bool {
    table.iter().all(|(key, value)| node(key.get_ref(), value))
}

fn node(path: &str, value: &Spanned<DeValue<'_>>) -> bool {
    match value.get_ref() {
        DeValue::Table(table) => {
            TABLES.contains(&path)
                && table
                    .iter()
                    .all(|(key, value)| node(&format!("{path}.{}", key.get_ref()), value))
        }
        DeValue::Array(list) => {
            let element = format!("{path}[]");
            LISTS.contains(&path) && list.iter().all(|value| node(&element, value))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::schema::{known_keys, resolved, schema};

    /// The keys whose values, or whose elements, may be tables and lists, by the schema.
    fn containers() -> (Vec<String>, Vec<String>) {
        let root = schema();
        let (mut tables, mut lists) = (Vec::new(), Vec::new());
        let is_table = |schema: &Value| {
            let (_, schema) = resolved(&root, schema);
            let forms = schema.get("anyOf").and_then(Value::as_array);
            let branches = forms.cloned().unwrap_or_else(|| vec![schema.clone()]);
            branches.iter().any(|branch| resolved(&root, branch).1["type"] == "object")
        };
        for key in known_keys(&root) {
            if is_table(&key.schema) {
                tables.push(key.path.clone());
            }
            if key.schema["type"] == "array" {
                lists.push(key.path.clone());
                if is_table(&key.schema["items"]) {
                    tables.push(format!("{}[]", key.path));
                }
            }
        }
        tables.sort();
        lists.sort();
        (tables, lists)
    }

    #[test]
    fn tables_and_lists_are_those_of_the_schema() {
        let (tables, lists) = containers();
        assert_eq!(TABLES, tables, "a key that becomes a table belongs in the list");
        assert_eq!(LISTS, lists, "a key that becomes a list belongs in the list");
    }
}
