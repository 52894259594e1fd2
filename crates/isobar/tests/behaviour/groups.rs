//! An ordinary user with a supplementary group, which no unprivileged process can drop.
//!
//! Only root can start somebody with a group of its choice, so these tests become that somebody.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::guest::has_remedy;
use crate::harness::{Ended, Isobar, bin_dir, is_root, skip};
use crate::outside::outside;

/// Nobody's number, and a group that is nobody's either.
const USER: u32 = 31_777;
const GROUP: u32 = 31_778;

/// isobar as [`USER`] with [`GROUP`], in a scratch directory that it may write; `None` for an
/// ordinary user.
fn member(test: &str) -> Option<Isobar> {
    if !is_root() {
        skip(test, "root, to start somebody with a supplementary group");
        return None;
    }
    let isobar = Isobar::new();
    chown(isobar.scratch(), Some(USER), Some(USER)).unwrap();
    fs::create_dir(isobar.scratch().join("bin")).unwrap();
    // Where the checkout lies may be closed to others.
    for name in ["isobar", "isobar-init"] {
        fs::copy(bin_dir().join(name), isobar.scratch().join("bin").join(name)).unwrap();
    }
    let bin = isobar.scratch().join("bin");
    let home = isobar.scratch().to_owned();
    let who = [format!("--reuid={USER}"), format!("--regid={USER}"), format!("--groups={GROUP}")];
    let isobar = isobar.program_in(&bin).env("PATH", "/usr/bin:/bin").env("HOME", &home);
    // With a runtime directory of its own, nothing of this user is left.
    let isobar = isobar.env("XDG_RUNTIME_DIR", &home);
    Some(isobar.under(["setpriv"]).under(who).under(["--inh-caps=-all", "--"]))
}

/// The report that was written beside the run.
fn report(ended: &Ended) -> String {
    String::from_utf8(ended.kept("report.json")).unwrap()
}

fn socket(dir: &Path, mode: u32, group: u32) -> UnixListener {
    fs::create_dir_all(dir).unwrap();
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    let path = dir.join("engine.sock");
    let listener = UnixListener::bind(&path).unwrap();
    chown(&path, Some(0), Some(group)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    listener
}

#[test]
fn the_report_says_that_the_groups_stay() {
    let Some(isobar) = member("the_report_says_that_the_groups_stay") else { return };
    let ended = isobar.args(["run", "--report", "report.json", "--", "id", "-G"]).run();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(ended.out(), "1000 65534\n", "nameless inside, and still there: {ended}");
    assert!(report(&ended).contains(&GROUP.to_string()), "the group is named: {ended}");
    assert!(report(&ended).contains("stay in force"), "and what it means");
}

#[test]
fn a_socket_that_only_the_group_opens_is_refused() {
    let Some(isobar) = member("a_socket_that_only_the_group_opens_is_refused") else { return };
    let listener = socket(&isobar.scratch().join("data/run"), 0o660, GROUP);
    for mode in ["--ro", "--rw", "--workspace"] {
        let Some(isobar_again) = member("") else { return };
        let dir = isobar.scratch().join("data");
        let grant = format!("{}:/data", dir.display());
        let ended = isobar_again.args(["run", mode, &grant, "--", "echo", "started"]).run();
        assert_eq!(ended.codes(), ["ISO-HOST-008"], "{mode}: {ended}");
        assert_eq!((ended.code, ended.out().as_str()), (Some(125), ""), "{mode}: {ended}");
        assert!(ended.err().contains("engine.sock") && has_remedy(&ended), "{mode}: {ended}");
    }
    drop(listener);
}

/// Everybody's socket is no secret of the group, and a closed one is closed.
#[test]
fn other_sockets_are_no_reason() {
    let test = "other_sockets_are_no_reason";
    for (mode, group) in [(0o666, GROUP), (0o600, GROUP), (0o660, 0)] {
        let Some(isobar) = member(test) else { return };
        let listener = socket(&isobar.scratch().join("data/run"), mode, group);
        let ended = isobar.args(["run", "--ro", "data:/data", "--", "true"]).run();
        assert_eq!(ended.code, Some(0), "mode {mode:o}: {ended}");
        drop(listener);
    }
}

/// Root's own groups are cleared, so nothing has to be said.
#[test]
fn a_guest_of_root_has_no_group_of_the_callers() {
    if is_root() {
        let group = format!("--groups={GROUP}");
        let isobar = Isobar::run_command().under(["setpriv", &group, "--"]);
        let ended = isobar.args(["--", "id", "-G"]).run();
        assert_eq!(ended.out(), "1000\n", "{ended}");
        let report = ended.report.as_ref().expect("a report").to_string();
        assert!(!report.contains(&GROUP.to_string()), "{report}");
    } else {
        let ended = Isobar::run_command().args(["--", "id", "-G"]).run();
        let expected = outside("id", ["-G"]).split_whitespace().count();
        let found = ended.out().split_whitespace().count();
        assert_eq!(found, expected, "as many as the caller has: {ended}");
    }
}
