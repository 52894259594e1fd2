//! The text of a policy as a tree whose nodes remember where they stand.
//!
//! Made only when a policy was refused (TOML) or must be searched for doubled keys (JSON), so it
//! may be slow; it is never large, since the text is bounded first.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One value of the text.
#[derive(Debug)]
pub(super) struct Node {
    /// Byte offset of the value, where the reader tells (TOML).
    pub(super) at: Option<usize>,
    /// What it is.
    pub(super) shape: Shape,
}

/// One key of a table.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Byte offset of the key, where the reader tells (TOML).
    pub(super) at: Option<usize>,
    /// Its value.
    pub(super) node: Node,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Shape {
    /// A table or object, in the order of the text.
    Table(Vec<Entry>),
    /// An array.
    List(Vec<Node>),
    /// A string.
    Text(String),
    /// A whole number; `None` where it does not fit.
    Integer(Option<i128>),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A date or time (TOML).
    Date,
    /// Nothing (JSON).
    Null,
}

impl Node {
    /// The value of `key`, where this is a table that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        let Shape::Table(entries) = &self.shape else { return None };
        entries.iter().find(|entry| entry.key == key)
    }

    /// The tree of a TOML document.
    pub(super) fn from_toml(table: &Spanned<DeTable<'_>>) -> Self {
        Self { at: Some(0), shape: shape_of_table(table.get_ref()) }
    }
}

fn shape_of_table(table: &DeTable<'_>) -> Shape {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            at: Some(key.span().start),
            node: node_of(value),
        })
        .collect();
    // The reader sorts by name; people read from top to bottom.
    entries.sort_by_key(|entry| entry.at);
    Shape::Table(entries)
}

fn node_of(value: &Spanned<DeValue<'_>>) -> Node {
    let shape = match value.get_ref() {
        DeValue::Table(table) => shape_of_table(table),
        DeValue::Array(list) => Shape::List(list.iter().map(node_of).collect()),
        DeValue::String(text) => Shape::Text(text.to_string()),
        DeValue::Integer(number) => {
            Shape::Integer(i128::from_str_radix(number.as_str(), number.radix()).ok())
        }
        DeValue::Float(number) => Shape::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => Shape::Bool(*truth),
        DeValue::Datetime(_) => Shape::Date,
    };
    Node { at: Some(value.span().start), shape }
}

/// Reads JSON, and refuses an object with a doubled key: which of two values would hold is
/// nothing that a policy may leave open.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = deserializer.deserialize_any(ShapeVisitor)?;
        Ok(Self { at: None, shape })
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Shape, E> {
        Ok(Shape::Bool(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Shape, E> {
        Ok(Shape::Integer(Some(i128::from(number))))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Shape, E> {
        Ok(Shape::Integer(Some(i128::from(number))))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Shape, E> {
        Ok(Shape::Float(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text(text.to_owned()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = items.next_element()? {
            list.push(node);
        }
        Ok(Shape::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Shape, A::Error> {
        let (mut entries, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(key) = pairs.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(de::Error::custom(format_args!("doubled key {key:?}")));
            }
            entries.push(Entry { key, at: None, node: pairs.next_value()? });
        }
        Ok(Shape::Table(entries))
    }
}
