//! `--report` and the words after a run.

use serde_json::Value;

use crate::harness::{Isobar, is_root};

#[test]
fn success_is_silent() {
    let ended = Isobar::run_command().args(["--", "true"]).run();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stdout.is_empty() && ended.stderr.is_empty(), "no news is good news: {ended}");
    assert_eq!(ended.how(), "exited", "the report tells all the same");
}

#[test]
fn a_failing_program_speaks_for_itself() {
    let ended = Isobar::run_command().args(["--", "sh", "-c", "echo no >&2; exit 3"]).run();
    assert_eq!((ended.code, ended.err().as_str()), (Some(3), "no\n"), "isobar adds nothing");
    assert_eq!(ended.reported("/outcome/end/code"), 3, "the guest's own code");
}

#[test]
fn a_code_that_could_be_ours_gets_a_word() {
    let ended = Isobar::run_command().args(["--", "sh", "-c", "exit 125"]).run();
    assert_eq!(ended.code, Some(125), "{ended}");
    assert!(ended.err().contains("the program's own"), "whose code it is: {ended}");
    assert_eq!(ended.how(), "exited", "the report decides");
}

#[test]
fn the_table_goes_to_standard_error() {
    let ended = Isobar::new().args(["run", "--report", "-", "--", "echo", "hello"]).run();
    assert_eq!(ended.out(), "hello\n", "the guest's output stays clean: {ended}");
    let table = ended.err();
    assert!(table.contains("seccomp"), "the floor is shown: {table}");
    assert!(!table.contains('\u{1b}'), "no colour into a pipe: {table:?}");
}

#[test]
fn a_report_is_written_for_a_refused_run_too() {
    let ended = Isobar::run_command().args(["--pids", "0", "--", "true"]).run();
    assert_eq!((ended.code, ended.how()), (Some(125), "refused"), "{ended}");
    let code = ended.reported("/outcome/end/refusals/0/code");
    assert_eq!(code, "ISO-POL-011", "with the reason");
}

#[test]
fn a_report_in_the_workspace_is_ours_whatever_the_guest_did() {
    let isobar = Isobar::new();
    isobar.file("w/victim", "untouched");
    let script = "ln -s victim report.json; echo forged > forged";
    let ended = isobar
        .args(["run", "--workspace", "w", "--report", "w/report.json", "--", "sh", "-c", script])
        .run();
    if is_root() && ended.codes() == ["ISO-HOST-006"] {
        return crate::harness::skip("a_report_in_the_workspace", "no idmapped mounts here");
    }
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(ended.kept("w/victim"), b"untouched", "the guest's link was not followed");
    let report: Value = serde_json::from_slice(&ended.kept("w/report.json")).unwrap();
    assert_eq!(report["outcome"]["end"]["how"], "exited", "the name leads to our report");
}

#[test]
fn quiet_is_quiet() {
    let ended = Isobar::run_command().args(["--quiet", "--pids", "0", "--", "true"]).run();
    assert!(ended.stderr.is_empty(), "the report and the code tell: {ended}");
    assert_eq!((ended.code, ended.how()), (Some(125), "refused"), "{ended}");
}
