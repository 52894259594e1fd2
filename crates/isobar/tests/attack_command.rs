//! `isobar attack` as its users meet it: its table, its JSON, its choice of attempts.

#[cfg(test)]
#[path = "harness/mod.rs"]
mod harness;

#[cfg(test)]
mod command {
    use isobar_attack::{CATALOGUE, DOCUMENT};
    use serde_json::Value;

    use crate::harness::{Ended, Isobar, bin_dir};

    fn attack(args: &[&str]) -> Ended {
        Isobar::new().arg("attack").args(args).run()
    }

    #[test]
    fn everything_that_can_be_tried_here_is_held() {
        let ended = attack(&[]);
        assert_eq!(ended.code, Some(0), "nothing gets out: {ended}");
        let table = ended.out();
        for attempt in CATALOGUE {
            let row = table.lines().find(|line| line.contains(&format!(" {} ", attempt.name)));
            let row = row.unwrap_or_else(|| panic!("{} has no row: {table}", attempt.name));
            let tried = row.trim_start().starts_with("held ");
            assert!(tried || row.contains("not run") && attempt.needs.is_some(), "{row}");
        }
        assert!(!table.contains('\x1b'), "a pipe is no terminal: {table:?}");
        assert!(table.contains(DOCUMENT), "it says where to read on: {table}");
        assert!(ended.stderr.is_empty(), "results are data: {ended}");
    }

    #[test]
    fn json_names_layers_and_verdict_of_each_attempt() {
        let ended = attack(&["--json", "--only", "user-namespace", "--only", "old-root"]);
        let results: Value = serde_json::from_slice(&ended.stdout).expect("it is JSON");
        assert_eq!(results["version"], 1, "whoever reads it knows the form: {results}");
        let names: Vec<_> =
            results["attempts"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(
            names,
            ["user-namespace", "old-root"],
            "those that were asked for, in that order"
        );
        let first = &results["attempts"][0];
        assert_eq!(first["layers"][0], "seccomp filter", "{first}");
        assert_eq!(first["verdict"], "held", "{first}");
        assert!(
            first["by"].as_str().is_some_and(|by| by.contains("EPERM")),
            "and what refused it: {first}"
        );
    }

    #[test]
    fn a_list_tries_nothing() {
        let ended = attack(&["--list", "--json"]);
        assert_eq!(ended.code, Some(0), "{ended}");
        let results: Value = serde_json::from_slice(&ended.stdout).expect("it is JSON");
        let attempts = results["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), CATALOGUE.len(), "all of them");
        assert!(
            attempts.iter().all(|one| one.get("verdict").is_none()),
            "without a verdict: {results}"
        );
        let table = attack(&["--list"]).out();
        assert!(CATALOGUE.iter().all(|attempt| table.contains(attempt.name)), "{table}");
    }

    #[test]
    fn the_strict_profile_holds_too() {
        let ended = attack(&["--profile", "strict"]);
        assert_eq!(ended.code, Some(0), "a stricter policy does not weaken the boundary: {ended}");
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let ended = attack(&["--only", "teleport"]);
        assert_eq!(ended.code, Some(125), "nothing was tried: {ended}");
        assert_eq!(ended.codes(), ["ISO-CLI-002"], "{ended}");
        assert!(ended.err().contains("old-root"), "what could have been meant: {ended}");
    }

    #[test]
    fn a_boundary_that_is_not_built_is_no_success() {
        let ended = attack(&["--boundary", "microvm", "--only", "mount"]);
        assert_eq!(ended.code, Some(125), "an attack on nothing says nothing: {ended}");
        assert!(ended.out().contains("error"), "each attempt says why: {ended}");
    }

    #[test]
    fn a_payload_that_is_missing_is_said_before_anything_runs() {
        let copy = Isobar::new();
        for name in ["isobar", "isobar-init"] {
            let to = copy.scratch().join(name);
            std::fs::copy(bin_dir().join(name), to).expect("it can be copied");
        }
        let dir = copy.scratch().to_owned();
        let ended = copy.program_in(&dir).arg("attack").run();
        assert_eq!(ended.code, Some(125), "{ended}");
        assert!(ended.err().contains("isobar-attack-payload"), "it names what is missing: {ended}");
        assert!(ended.stdout.is_empty(), "and claims nothing: {ended}");
    }
}
