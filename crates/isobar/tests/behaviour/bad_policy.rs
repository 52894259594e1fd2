//! Policies that cannot be read or meant: refused before anything starts, with the next step.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::guest::{refused, sh};
use crate::harness::{Isobar, is_root, skip};

fn with_policy(content: impl AsRef<[u8]>) -> Isobar {
    let isobar = Isobar::run_command();
    let file = isobar.file("policy.toml", content);
    isobar.arg("--policy").arg(file).args(["--", "true"])
}

#[test]
fn a_policy_that_cannot_be_read() {
    for path in ["no-such-file", "/", "/dev/zero", "/proc/self/mem", "policy.toml/inner"] {
        let isobar = Isobar::run_command();
        isobar.file("policy.toml", "version = 1\n");
        let ended = isobar.args(["--policy", path, "--", "true"]).run();
        assert_eq!(ended.code, Some(125), "{path}: {ended}");
        assert_eq!(ended.codes().len(), 1, "{path}: {ended}");
        assert!(ended.codes()[0].starts_with("ISO-POL-00"), "{path}: {ended}");
        assert!(crate::guest::has_remedy(&ended), "{path}: {ended}");
    }
}

#[test]
fn a_policy_that_is_closed_to_the_caller() {
    if is_root() {
        return skip("a_policy_that_is_closed_to_the_caller", "root may read everything");
    }
    let isobar = with_policy("version = 1\n");
    let file = isobar.scratch().join("policy.toml");
    fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
    refused(isobar, "ISO-POL-001");
}

#[test]
fn a_policy_that_is_no_text() {
    refused(with_policy([0x7f, b'E', b'L', b'F', 0xff, 0xfe, 0]), "ISO-POL-003");
    refused(with_policy("\u{0}\u{1}\u{2}"), "ISO-POL-004");
    refused(with_policy(""), "ISO-POL-005");
    refused(with_policy(vec![b' '; 2 << 20]), "ISO-POL-002");
    refused(with_policy("[".repeat(100_000)), "ISO-POL-004");
}

#[test]
fn a_value_with_a_nul() {
    refused(with_policy("version = 1\nenv.set.A = \"a\\u0000b\"\n"), "ISO-POL-020");
    refused(with_policy("version = 1\nenv.set.\"A\\u0000\" = \"b\"\n"), "ISO-POL-019");
    refused(with_policy("version = 1\nfs.ro = [\"/usr\\u0000/bin\"]\n"), "ISO-POL-015");
    refused(with_policy("version = 1\nidentity.hostname = \"a\\u0000b\"\n"), "ISO-POL-018");
}

#[test]
fn a_limit_of_zero() {
    for flag in [
        "--timeout",
        "--cpu-time",
        "--memory",
        "--pids",
        "--open-files",
        "--file-size",
        "--tmp-size",
        "--tmp-inodes",
        "--output-limit",
    ] {
        let ended = refused(sh(&[flag, "0"], "true"), "ISO-POL-011");
        assert_eq!(ended.reported("/outcome/end/how"), "refused", "{flag}: {ended}");
    }
    refused(sh(&["--tmpfs", "/scratch:0"], "true"), "ISO-POL-011");
}

#[test]
fn several_things_that_are_wrong_are_told_together() {
    let flags = ["--memory", "0", "--pids", "0", "--ro", "/usr:/proc/x", "--hostname", "a b"];
    let ended = sh(&flags, "true").run();
    let codes = ended.codes();
    for code in ["ISO-POL-011", "ISO-POL-013", "ISO-POL-018"] {
        assert!(codes.iter().any(|one| one == code), "{code} among {codes:?}: {ended}");
    }
    assert_eq!(ended.code, Some(125), "{ended}");
}

/// A megabyte in one value fits into a policy and into no environment.
#[test]
fn a_value_that_no_program_can_be_given() {
    let value = "x".repeat(900_000);
    refused(with_policy(format!("version = 1\nenv.set.LONG = \"{value}\"\n")), "ISO-RES-019");
}
