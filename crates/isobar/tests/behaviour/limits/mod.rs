//! Limits: each ends in, or is reported as, its own typed outcome with numbers.

mod cpu;
mod files;
mod memory;
mod output;
mod pids;
mod tmp;
mod wall;

use crate::guest::refused;
use crate::harness::{Ended, Isobar};

/// An ordinary user has no control group here: the limit is refused, and the message offers what
/// would help, the weaker form by name where there is one.
#[track_caller]
fn refused_without_control_group(isobar: Isobar, weaker: Option<&str>) {
    let ended = refused(isobar, "ISO-HOST-004");
    assert!(ended.err().contains("as root"), "one way out: {ended}");
    match weaker {
        Some(weaker) => {
            assert!(ended.err().contains(&format!("--accept {weaker}")), "the other: {ended}");
            let acceptable = ended.reported("/outcome/end/refusals/0/acceptable");
            assert_eq!(acceptable, weaker, "machines are told too: {ended}");
        }
        None => assert!(!ended.err().contains("--accept"), "there is no weaker form: {ended}"),
    }
}

/// The whole sandbox was killed for this limit.
#[track_caller]
fn killed_by(ended: &Ended, by: &str, code: i32) {
    assert_eq!(ended.code, Some(code), "the documented code: {ended}");
    assert_eq!(ended.how(), "killed", "{ended}");
    assert_eq!(ended.reported("/outcome/end/by"), by, "{ended}");
}
