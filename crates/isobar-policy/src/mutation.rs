//! Hostile input for everything here that reads or shows foreign bytes: random bytes, broken
//! policies, and shapes that make careless readers slow or deep. The seeds are fixed, so that a
//! failure is the same failure tomorrow.
//!
//! More rounds than the default: ISOBAR_MUTATIONS=1000000.

use crate::parse::judged_by_schema;
use crate::random::Random;
use crate::{
    Diagnostic, MAX_POLICY_BYTES, PROFILES, Policy, PolicyError, escape_bytes, parse, parse_json,
    parse_toml, profile_text,
};

fn rounds() -> usize {
    std::env::var("ISOBAR_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

/// What must hold for any bytes.
pub(crate) fn check(bytes: &[u8]) {
    let shown = escape_bytes(bytes);
    assert!(!shown.chars().any(char::is_control), "{bytes:?} reached the terminal as {shown:?}");
    check_parsed(bytes, parse(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let read = parse_toml(text);
        if read.is_ok() {
            assert_eq!(judged_by_schema(text), None, "the reader took what is no policy: {text}");
        }
        check_parsed(bytes, read);
        check_parsed(bytes, parse_json(text));
    }
}

fn check_parsed(bytes: &[u8], parsed: Result<Policy, PolicyError>) {
    match parsed {
        Ok(policy) => {
            // A short text for a long list may become longer than what is read.
            if bytes.len() < MAX_POLICY_BYTES / 8 {
                check_round_trip(&policy);
            }
            for refusal in policy.validate() {
                let shown = Diagnostic::from(&refusal).render(false);
                assert!(shown.lines().count() == 2, "a remedy for each: {shown:?}");
            }
        }
        Err(error) => {
            let explained = !error.to_string().contains("what the schema describes");
            assert!(explained, "serde refused what the schema allows: {error}: {bytes:?}");
            let shown = Diagnostic::from(&error).render(false);
            let clean = !shown.chars().any(|c| c.is_control() && c != '\n');
            assert!(clean && shown.lines().count() == 2, "two lines, nothing raw: {shown:?}");
        }
    }
}

fn check_round_trip(policy: &Policy) {
    let toml = policy.to_toml();
    assert_eq!(parse_toml(&toml).as_ref(), Ok(policy), "TOML must lose nothing:\n{toml}");
    let json = serde_json::to_string(policy).expect("a policy is plain data");
    assert_eq!(parse_json(&json).as_ref(), Ok(policy), "JSON must lose nothing:\n{json}");
    assert_eq!(parse(json.as_bytes()).as_ref(), Ok(policy), "and is told from TOML:\n{json}");
}

/// A text with a few random faults.
fn mutated(random: &mut Random, text: &str) -> Vec<u8> {
    let tokens = [
        "=",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "\"",
        "'",
        "'''",
        "\n",
        ".",
        ",",
        "#",
        "\\u0000",
        "\0",
        "1e999",
        "-1",
        "0x7fffffffffffffff",
        "18446744073709551616",
        "1979-05-27",
        "true",
        "null",
        "version = 1\n",
        "\"memory\":",
        "limits",
        "fs",
        "ro",
        "target",
        "\u{feff}",
        "\u{202e}",
        "\u{1b}[2J",
        "nan",
        "[",
        "host",
        "{ host = {} }",
        "[['a']]",
        "[]",
        "{}",
    ];
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let until = (at + random.below(12)).min(bytes.len());
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] = random.next().to_le_bytes()[0],
            1 => drop(bytes.drain(at..until)),
            2 => {
                let again = bytes[at..until].to_vec();
                bytes.splice(at..at, again);
            }
            _ => drop(bytes.splice(at..at, random.one_of(&tokens).bytes())),
        }
    }
    bytes
}

#[test]
fn every_policy_survives_being_written_and_read() {
    let mut random = Random::seeded(1);
    for _ in 0..rounds() / 10 {
        check_round_trip(&random.policy());
    }
}

#[test]
fn broken_policies_are_refused_in_order() {
    let mut random = Random::seeded(2);
    let profiles: Vec<&str> = PROFILES.iter().filter_map(|name| profile_text(name)).collect();
    for round in 0..rounds() {
        let text = match round % 3 {
            0 => random.one_of(&profiles).to_owned(),
            1 => random.policy().to_toml(),
            _ => serde_json::to_string_pretty(&random.policy()).expect("plain data"),
        };
        check(&mutated(&mut random, &text));
    }
}

#[test]
fn random_bytes_are_refused_in_order() {
    let mut random = Random::seeded(3);
    for _ in 0..rounds() {
        let bytes: Vec<u8> =
            (0..random.below(64)).map(|_| random.next().to_le_bytes()[0]).collect();
        check(&bytes);
    }
}

#[test]
fn the_largest_and_deepest_texts_are_refused_in_order() {
    let room = MAX_POLICY_BYTES - 64;
    let fill = |unit: &str| unit.repeat(room / unit.len());
    for text in [
        fill("["),
        format!("a = {}", fill("[")),
        format!("a = {}", fill("{b=")),
        format!("a{} = 1", fill(".a")),
        format!("[a{}]", fill(".a")),
        fill("{\"a\":"),
        format!("{{\"a\":{}", fill("[")),
        format!("version = 1\nfs.ro = [{}]", fill("1,")),
        format!("version = 1\nfs.ro = [{}]", fill("'a',")),
        format!("version = 1\n{} = 1", fill("x")),
        format!("version = 1\nboundary = '{}'", fill("\u{1b}")),
        format!("version = 1\n{}limits.memory = 'x'", fill("#\n")),
        (0..room / 12).map(|n| format!("key{n:06}=1\n")).collect(),
        format!("{{{}", (0..room / 14).map(|n| format!("\"key{n:06}\":1,")).collect::<String>()),
    ] {
        check(text.as_bytes());
    }
    let long = " ".repeat(MAX_POLICY_BYTES + 1);
    let refused = PolicyError::TooLarge { bytes: long.len(), limit: MAX_POLICY_BYTES };
    assert_eq!(parse(long.as_bytes()), Err(refused), "one byte more is not read at all");
}
