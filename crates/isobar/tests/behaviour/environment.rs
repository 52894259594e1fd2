//! The guest's environment: little of the caller's, and what the policy sets.

use crate::guest::{passes, python, sh};
use crate::harness::Isobar;

/// Looks for the caller's secret wherever a guest could find it.
const SEARCH: &str = "
import glob, os
token = b'canary-' + b'5f21c0'
found = [name for name, value in os.environb.items() if token in name + value]
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/task/*/environ') \\
        + glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/comm') + ['/proc/self/mountinfo']:
    try:
        if token in open(path, 'rb').read(): found.append(path)
    except OSError: pass
assert not found, found
print(sorted(os.environ))
print('ok')";

#[test]
fn secrets_of_the_caller_stay_outside() {
    let isobar = python(&[], SEARCH);
    let mut isobar =
        isobar.env("CANARY", "canary-5f21c0").env("AWS_SECRET_ACCESS_KEY", "canary-5f21c0");
    for name in [
        "PYTHONPATH",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "BASH_ENV",
        "SSH_AUTH_SOCK",
        "XDG_DATA_HOME",
    ] {
        isobar = isobar.env(name, "/canary-5f21c0");
    }
    let ended = passes(isobar);
    let names = "['HOME', 'LANG', 'PATH']";
    assert!(ended.out().starts_with(names), "nothing but what the profile names: {ended}");
    let report = ended.report.as_ref().expect("a report").to_string();
    assert!(!report.contains("canary-5f21c0"), "the report may be passed on");
}

/// The supervisor outside keeps the caller's environment, as any program does; the loader's
/// variables must not have reached the static executables that face the guest either.
#[test]
fn only_names_of_the_allow_list_pass() {
    let isobar = sh(&[], "env | sort");
    let isobar = isobar.env("LC_ALL", "C.UTF-8").env("TZ", "Pacific/Auckland").env("EDITOR", "vi");
    let ended = isobar.run();
    let names: Vec<_> =
        ended.out().lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    // The shell sets PWD itself.
    assert_eq!(names, ["HOME", "LANG", "LC_ALL", "PATH", "PWD", "TZ"], "{ended}");
}

#[test]
fn variables_are_passed_and_set_by_name() {
    let flags = [
        "--env",
        "PASSED",
        "--env",
        "SET=a=b c",
        "--env",
        "EMPTY=",
        "--env",
        "ABSENT",
        "--env",
        "PRE_*",
    ];
    let script = r#"printf '%s|' "$PASSED" "$SET" "${EMPTY-unset}" "${ABSENT-unset}" "$PRE_ONE""#;
    let isobar = sh(&flags, script).env("PASSED", "from outside").env("PRE_ONE", "1");
    let ended = isobar.run();
    assert_eq!(ended.out(), "from outside|a=b c||unset|1|", "{ended}");
    let report = ended.report.as_ref().expect("a report").to_string();
    assert!(!report.contains("a=b c"), "values may be secrets and stay out of the report");
}

#[test]
fn home_is_the_guests_own_unless_set() {
    let ended = sh(&[], "echo $HOME; cd && pwd; mktemp > /dev/null && echo ok").run();
    assert_eq!(ended.out(), "/tmp\n/tmp\nok\n", "{ended}");
    let ended = sh(
        &["--env", "HOME=/tmp/me", "--env", "TMPDIR=/tmp/t"],
        "mkdir $HOME $TMPDIR; cd; pwd; mktemp",
    )
    .run();
    assert!(ended.out().starts_with("/tmp/me\n/tmp/t/"), "{ended}");
}

#[test]
fn path_leads_only_to_what_the_guest_sees() {
    let isobar = Isobar::run_command();
    isobar.file("bin/tool", "");
    let path =
        format!("{}:/usr/bin:relative:/bin:/nowhere", isobar.scratch().join("bin").display());
    let ended = isobar.env("PATH", path).args(["--", "sh", "-c", "echo $PATH"]).run();
    assert_eq!(ended.out(), "/usr/bin:/bin\n", "{ended}");
}
