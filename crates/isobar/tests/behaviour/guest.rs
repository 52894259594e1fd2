//! Running guest code, and the outcome that most tests expect.

use std::path::Path;

use crate::harness::{Ended, Isobar};

/// `isobar run FLAGS -- sh -c SCRIPT`.
pub(crate) fn sh(flags: &[&str], script: &str) -> Isobar {
    Isobar::run_command().args(flags).args(["--", "sh", "-c", script])
}

/// `isobar run FLAGS -- bash -c SCRIPT`.
pub(crate) fn bash(flags: &[&str], script: &str) -> Isobar {
    Isobar::run_command().args(flags).args(["--", "bash", "-c", script])
}

/// `isobar run FLAGS -- python3 -c CODE`, with the Python of the caller's PATH.
pub(crate) fn python(flags: &[&str], code: &str) -> Isobar {
    Isobar::run_command().args(flags).args(["--", "python3", "-c", code])
}

/// The guest asserted everything, said so, and had nothing to complain about.
#[track_caller]
pub(crate) fn passes(isobar: Isobar) -> Ended {
    let ended = isobar.run();
    assert_eq!((ended.code, ended.how()), (Some(0), "exited"), "{ended}");
    assert!(ended.out().ends_with("ok\n"), "it came to its last line: {ended}");
    ended
}

/// Nothing was started: one refusal with this code, a remedy, the exit code of refusals.
#[track_caller]
pub(crate) fn refused(isobar: Isobar, code: &str) -> Ended {
    let ended = isobar.run();
    assert_eq!(ended.codes(), [code], "exactly this is wrong: {ended}");
    assert_eq!(ended.code, Some(125), "{ended}");
    assert!(ended.stdout.is_empty(), "no program ran: {ended}");
    let events: Vec<_> = ended.status.iter().map(|line| &line["event"]).collect();
    assert!(!events.iter().any(|event| *event == "started"), "nothing was started: {ended}");
    assert!(has_remedy(&ended), "a person is told what to do next: {ended}");
    ended
}

/// Whether each error on standard error is followed by its next step.
pub(crate) fn has_remedy(ended: &Ended) -> bool {
    let text = ended.err();
    let errors = text.lines().filter(|line| line.starts_with("error[")).count();
    let remedies = text.lines().filter(|line| line.trim_start().starts_with("remedy:")).count();
    errors > 0 && remedies >= errors
}

/// A path as text.
#[track_caller]
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are plain")
}

/// The limit that the report says was reached: clause, limit, observed.
#[track_caller]
pub(crate) fn limit_hit(ended: &Ended, clause: &str) -> (u64, u64) {
    let hits = ended.reported("/outcome/limits-hit").as_array().expect("a list");
    let hit = hits.iter().find(|hit| hit["clause"] == clause);
    let hit = hit.unwrap_or_else(|| panic!("no {clause} among {hits:?}: {ended}"));
    (hit["limit"].as_u64().unwrap(), hit["observed"].as_u64().unwrap())
}
