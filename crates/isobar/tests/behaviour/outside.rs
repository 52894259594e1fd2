//! Programs that run outside any sandbox: to compare with, and to prepare what a test needs.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

/// Runs a program of the tests' own PATH to its end and returns what it printed.
#[track_caller]
pub(crate) fn outside<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>) -> String {
    let done = attempt(program, args);
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} outside: {}: {err}", done.status);
    String::from_utf8(done.stdout).expect("text")
}

/// As [`outside`], whatever comes of it.
#[expect(clippy::disallowed_methods, reason = "a test prepares and compares")]
pub(crate) fn attempt<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>) -> Output {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    command.output().unwrap_or_else(|error| panic!("cannot run {program}: {error}"))
}
