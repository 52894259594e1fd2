//! `isobar explain`: every clause, what holds it, how well that is known.

use isobar_engine::policy::Clause;
use serde_json::Value;

use crate::harness::Isobar;

fn explained(args: &[&str]) -> Value {
    let ended = Isobar::new().args(["explain", "--json"]).args(args).run();
    assert_eq!(ended.code, Some(0), "{ended}");
    serde_json::from_slice(&ended.stdout).unwrap()
}

#[test]
fn every_layer_has_a_grade_and_nothing_is_only_claimed_by_a_guest() {
    let found = explained(&[]);
    let lines = found["lines"].as_array().unwrap();
    let floor: Vec<&Value> =
        lines.iter().filter(|line| line["binding"]["clause"].is_null()).collect();
    assert!(floor.len() >= 8, "the floor has at least the namespaces: {found:#}");
    for line in floor {
        let grade = line["grade"].as_str();
        assert!(matches!(grade, Some("read-back" | "probed" | "asserted")), "{line:#}");
        let weak = grade == Some("asserted");
        let reason = line["binding"].get("weak-evidence-reason").is_some();
        assert!(!weak || reason, "less than probed needs a reason: {line:#}");
    }
    assert!(!found["shared"].as_array().unwrap().is_empty(), "something is always shared");
}

#[test]
fn every_clause_is_named_once_or_more() {
    let found = explained(&[]);
    for clause in Clause::ALL.iter().filter(|clause| **clause != Clause::Accept) {
        let named = |line: &Value| line["binding"]["clause"] == clause.name();
        assert!(found["lines"].as_array().unwrap().iter().any(named), "{clause} is missing");
    }
}

#[test]
fn a_plan_alone_claims_no_evidence() {
    let found = explained(&["--plan", "strict"]);
    for line in found["lines"].as_array().unwrap() {
        assert!(line.get("grade").is_none(), "nothing was observed: {line:#}");
    }
}

#[test]
fn it_takes_a_file_a_profile_or_flags() {
    let isobar = Isobar::new();
    isobar.file("p.toml", "version = 1\nlimits.pids = 77\n");
    let ended = isobar.args(["explain", "--plan", "p.toml"]).run();
    assert!(ended.out().contains("77"), "the file counts: {ended}");
    let ended = Isobar::new().args(["explain", "--plan", "--pids", "78"]).run();
    assert!(ended.out().contains("78"), "the flag counts: {ended}");
    let ended = Isobar::new().args(["explain", "--plan", "unknown"]).run();
    assert_eq!(ended.codes(), ["ISO-CLI-005"], "neither file nor profile: {ended}");
}

#[test]
fn the_table_of_system_calls_counts_what_it_lists() {
    let ended = Isobar::new().args(["explain", "--seccomp", "--json"]).run();
    let found: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let calls: Vec<&Value> = found["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|g| g["calls"].as_array().unwrap())
        .collect();
    for verdict in ["allow", "check", "guard", "deny", "absent"] {
        let listed = calls.iter().filter(|call| call["verdict"] == verdict).count();
        assert_eq!(found["counts"][verdict], listed, "{verdict}");
    }
    let of =
        |name: &str| calls.iter().find(|call| call["name"] == name).unwrap()["verdict"].clone();
    assert_eq!(of("read"), "allow", "no program does without");
    assert_eq!(of("clone3"), "absent", "its flags lie in memory, where no filter sees them");
    assert_eq!(of("kexec_load"), "deny", "no guest needs it");
}
