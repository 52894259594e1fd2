//! Help and version.

use crate::harness::Isobar;
use crate::harness::scrub::scrub;

fn shown(args: &[&str]) -> String {
    let ended = Isobar::new().args(args).run();
    assert_eq!(ended.code, Some(0), "help is no error: {ended}");
    assert!(ended.stderr.is_empty(), "help is what was asked for: {ended}");
    ended.out()
}

#[test]
fn help_of_each_command() {
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("help", shown(&["--help"]));
        insta::assert_snapshot!("help-run", shown(&["run", "--help"]));
        insta::assert_snapshot!("help-doctor", shown(&["doctor", "--help"]));
        insta::assert_snapshot!("help-policy", shown(&["policy", "--help"]));
    });
}

#[test]
fn help_fits_a_terminal_and_ends_with_the_exit_codes() {
    for args in [&["--help"][..], &["run", "--help"]] {
        let text = shown(args);
        for line in text.lines() {
            assert!(line.chars().count() <= 104, "too wide for a terminal: {line}");
        }
        let (_, table) = text.split_once("Exit codes:").expect("the table is there");
        assert!(table.contains("  125 ") && !table.contains("--ro"), "and nothing follows it");
    }
}

#[test]
fn version_names_the_build() {
    let text = scrub(&shown(&["--version"]), std::path::Path::new("/nowhere"));
    assert_eq!(text, format!("isobar {} (build BUILD)\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_flag_is_documented_and_every_documented_flag_exists() {
    const DOCUMENT: &str = include_str!("../../../../docs/cli.md");
    let help: String =
        [&["run"][..], &["doctor"], &["explain"], &["attack"], &["setup"], &["policy", "show"]]
            .into_iter()
            .map(|command| shown(&[command, &["--help"][..]].concat()))
            .collect();
    let shown = flags(&help);
    let documented = flags(DOCUMENT);
    // Part of the schema and not built, so help does not offer them.
    let not_offered = ["--cow", "--root", "--workspace-exit"];
    for flag in shown.iter().filter(|flag| *flag != "--help") {
        assert!(documented.contains(flag), "docs/cli.md does not know {flag}");
    }
    for flag in documented.iter().filter(|flag| !not_offered.contains(&flag.as_str())) {
        assert!(shown.contains(flag), "docs/cli.md knows {flag}, and no command does");
    }
}

/// The long flags that a text names.
fn flags(text: &str) -> std::collections::BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    let is_flag = |word: &&str| word.starts_with("--") && word.len() > 3 && !word.ends_with('-');
    words.filter(is_flag).map(str::to_owned).collect()
}
