//! The pages that describe what is defined here: generated parts must be current, examples must
//! be what they claim.

use serde_json::Value;

use crate::schema::{KnownKey, known_keys, resolved, schema};
use crate::{
    Acceptance, Area, Clause, Code, EXIT_CODES, PROFILES, escape, golden, parse_toml, profile,
};

const ERRORS: &str = "../../docs/errors.md";
const EXITS: &str = "../../docs/exit-codes.md";
const POLICY: &str = "../../docs/policy.md";

#[test]
fn the_page_of_errors_lists_every_code() {
    let mut part = String::new();
    for area in Area::ALL {
        part.push_str(&format!("\n## {}\n\n", area.title()));
        part.push_str("| code | exit code | meaning |\n| --- | --- | --- |\n");
        for code in Code::ALL.iter().filter(|code| code.area() == area) {
            part.push_str(&format!("| `{code}` | {} | {} |\n", code.exit_code(), code.about()));
        }
    }
    part.push('\n');
    golden::check_part(ERRORS, "codes", &part);
}

#[test]
fn the_page_of_exit_codes_is_the_table_in_the_code() {
    let rows: String =
        EXIT_CODES.iter().map(|(code, meaning)| format!("| {code} | {meaning} |\n")).collect();
    golden::check_part(EXITS, "table", &format!("| code | meaning |\n| --- | --- |\n{rows}"));
}

// One test for both tables, since blessing rewrites the page.
#[test]
fn the_page_of_the_policy_lists_every_key_and_every_weaker_form() {
    golden::check_part(POLICY, "keys", &tables_of_keys());
    let rows: String = Acceptance::ALL
        .iter()
        .map(|one| format!("| `--accept {one}` | {} |\n", one.meaning()))
        .collect();
    let table = format!("\n| flag | what you give up |\n| --- | --- |\n{rows}\n");
    golden::check_part(POLICY, "acceptances", &table);
}

/// One table for each section.
fn tables_of_keys() -> String {
    let root = schema();
    let profiles: Vec<Value> = PROFILES
        .iter()
        .map(|name| serde_json::to_value(profile(name)).expect("plain data"))
        .collect();
    let columns: String = PROFILES.iter().map(|name| format!(" in `{name}` |")).collect();
    let rule = " --- |".repeat(PROFILES.len());
    let mut part = String::new();
    for section in [None, Some("fs"), Some("env"), Some("net"), Some("limits"), Some("identity")] {
        let mut keys = known_keys(&root);
        keys.retain(|key| key.path.split_once('.').map(|(name, _)| name) == section);
        keys.retain(|key| listed(&root, key));
        keys.sort_by_key(|key| place(&key.path));
        let title = section.map_or("Whole policy".to_owned(), |name| format!("`[{name}]`"));
        part.push_str(&format!("\n### {title}\n\n| key | value |{columns} meaning |\n"));
        part.push_str(&format!("| --- | --- |{rule} --- |\n"));
        for key in keys {
            let in_profiles: String =
                profiles.iter().map(|one| format!(" {} |", in_profile(one, &key.path))).collect();
            let (kind, about) = (kind(&root, &key.schema), cell(&key.about));
            part.push_str(&format!("| `{}` | {kind} |{in_profiles} {about} |\n", key.path));
        }
    }
    part.push('\n');
    part
}

/// Whether a key has a line of its own: a section has none, and the three lists of grants have
/// the same elements, so the first stands for all.
fn listed(root: &Value, key: &KnownKey) -> bool {
    let section = resolved(root, &key.schema).1.get("properties").is_some();
    let again = key.path.starts_with("fs.rw[]") || key.path.starts_with("fs.cow[]");
    !again && (key.path.contains('.') || !section)
}

/// Where a key stands in its table: in the order of the clauses, a clause before its parts.
fn place(path: &str) -> (usize, String) {
    let of = |name: &str| {
        let rest = path.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let position = Clause::ALL.iter().position(|clause| of(clause.name()));
    (position.map_or(0, |position| position + 1), path.to_owned())
}

/// What a profile says for a key.
fn in_profile(profile: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(profile, |value, name| value.get(name));
    match found {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| format!("`{}`", text(item))).collect();
            items.join(" ")
        }
        Some(Value::Object(pairs)) => {
            let pairs: Vec<String> =
                pairs.iter().map(|(name, value)| format!("`{name}={}`", text(value))).collect();
            pairs.join(" ")
        }
        Some(one @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
            format!("`{}`", text(one))
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a key's value looks like, in words.
fn kind(root: &Value, value: &Value) -> String {
    let (name, schema) = resolved(root, value);
    match name {
        Some("Bytes") => return "bytes".to_owned(),
        Some("Span") => return "time span".to_owned(),
        Some("Cpus") => return "processors".to_owned(),
        Some("GrantSpec") => return "path".to_owned(),
        _ => {}
    }
    if let Some(branches) = schema["oneOf"].as_array() {
        let words: Vec<String> =
            branches.iter().map(|one| format!("`{}`", text(&one["const"]))).collect();
        return words.join(", ");
    }
    let names = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        Value::String(name) => Some(name.as_str()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    };
    match names {
        Some("array") => format!("list of {}", kind(root, &schema["items"])),
        Some("integer") => match (schema["minimum"].as_u64(), schema["maximum"].as_u64()) {
            (Some(low), Some(high)) if low == high => format!("{low}"),
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) if low > 0 => format!("number, at least {low}"),
            _ => "number".to_owned(),
        },
        Some("object") if schema.get("properties").is_none() => "table of text".to_owned(),
        Some("object") => "table".to_owned(),
        _ => "text".to_owned(),
    }
}

/// Text that cannot end a cell of a Markdown table.
fn cell(about: &str) -> String {
    escape(about).replace('|', "\\|")
}

/// The code blocks of `language` in a page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let page = golden::read(page);
    let fence = format!("```{language}\n");
    let rest = page.split(&fence).skip(1);
    rest.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_example_of_a_policy_is_one() {
    let examples = blocks(POLICY, "toml");
    assert!(examples.len() >= 3, "the page has examples");
    for example in examples {
        let policy = parse_toml(&example).unwrap_or_else(|error| panic!("{error}:\n{example}"));
        let merged = profile("default").expect("built in").overlaid(policy);
        assert_eq!(merged.validate(), [], "a reader will copy it:\n{example}");
    }
}

#[test]
fn every_example_of_an_error_is_one() {
    let policies = blocks(POLICY, "toml-wrong");
    let messages = blocks(POLICY, "text");
    assert_eq!(policies.len(), messages.len(), "each wrong policy has its message");
    for (policy, message) in policies.iter().zip(messages) {
        let error = parse_toml(policy).expect_err("the page says that it is refused");
        assert_eq!(crate::Diagnostic::from(&error).render(false), message, "for {policy}");
    }
}

#[test]
fn pages_name_no_code_that_does_not_exist() {
    for page in [ERRORS, EXITS, POLICY] {
        for word in golden::read(page).split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
            let known = Code::ALL.iter().any(|code| code.as_str() == word);
            let placeholder = word == "ISO-AREA-NNN";
            assert!(!word.starts_with("ISO-") || known || placeholder, "{page} names {word}");
        }
    }
}
