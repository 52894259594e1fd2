//! What goes wrong while a sandbox is made or runs: faults of the fault build, an `isobar-init` that
//! is none, a path that is exchanged just then.

use std::fs;
use std::path::Path;
use std::process::Command;

use isobar_engine::policy::Code;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};

use super::staged::ordinary;
use super::{check, told};
use crate::harness::{Isobar, bin_dir, fault_dir};

/// What the cases here provoke.
pub(super) const COVERED: &[Code] = &[
    Code::ResolvePathChanged,
    Code::HostLandlockMissing,
    Code::LaunchStep,
    Code::LaunchChanged,
    Code::LaunchTimeout,
    Code::BoundaryFailed,
    Code::InitBuild,
    Code::InitProtocol,
    Code::SpawnFailed,
    Code::RunWait,
];

fn faulty(fault: &str) -> Isobar {
    let isobar = Isobar::new().program_in(&fault_dir()).env("ISOBAR_FAULT", fault);
    isobar.args(["run", "--", "true"])
}

#[test]
fn a_layer_that_is_broken() {
    check(Code::BoundaryFailed, faulty("skip-landlock"));
}

#[test]
fn a_step_of_the_launch_that_fails() {
    check(Code::LaunchStep, faulty("sethostname=EPERM"));
}

/// The host was known to have it when the run was planned.
#[test]
fn landlock_that_is_gone() {
    check(Code::HostLandlockMissing, faulty("landlock_create_ruleset=EOPNOTSUPP"));
}

/// Lets isobar wait at `point`, puts another directory in the place of the granted one, and goes on.
fn exchanged(code: Code, point: &str) {
    let isobar = ordinary(&fault_dir(), false);
    let scratch = isobar.scratch().to_owned();
    let (data, fifo) = (scratch.join("data"), scratch.join("fifo"));
    fs::create_dir(&data).unwrap();
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    let isobar = isobar.env("ISOBAR_FAULT_PAUSE", format!("{point}={}", fifo.display()));
    let mut running = isobar.args(["run", "--ro", "data:/data", "--", "true"]).spawn();
    let held = running.until_reads("fifo");
    fs::rename(&data, scratch.join("moved")).unwrap();
    fs::create_dir(&data).unwrap();
    drop(held);
    let ended = running.wait();
    assert_eq!(ended.codes(), [code.as_str()], "{ended}");
    told(code, &ended, &scratch);
}

#[test]
fn a_grant_that_is_exchanged_while_it_is_resolved() {
    exchanged(Code::ResolvePathChanged, "resolve");
}

#[test]
fn a_grant_that_is_exchanged_before_it_is_mounted() {
    exchanged(Code::LaunchChanged, "launch");
}

/// isobar with `init` in the place of its own, once it knows what the host can do.
fn with_init(init: &Path) -> Isobar {
    let script = format!(
        "set -e; \"$0\" run -- true; cp '{}' bin/new; mv bin/new bin/isobar-init; exec \"$0\" \"$@\"",
        init.display()
    );
    ordinary(&bin_dir(), false).under(["sh", "-c", &script]).args(["run", "--", "true"])
}

/// An `isobar-init` that says `words` on the agent's stream and then nothing any more.
#[expect(clippy::disallowed_methods, reason = "the compiler of the system makes a test's program")]
fn stub(dir: &Path, words: &[u8]) -> std::path::PathBuf {
    let (source, program) = (dir.join("stub.c"), dir.join("stub"));
    let bytes: Vec<_> = words.iter().map(u8::to_string).collect();
    let text = include_str!("stub.c").replace("WORDS", &bytes.join(","));
    fs::write(&source, text).unwrap();
    let made = Command::new("gcc")
        .args(["-O1", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-o"])
        .args([&program, &source])
        .status()
        .expect("the tests install a compiler");
    assert!(made.success(), "the stub is made");
    program
}

#[test]
fn an_init_of_another_build() {
    check(Code::InitBuild, with_init(&fault_dir().join("isobar-init")));
}

#[test]
fn an_init_that_says_what_it_may_not() {
    let dir = tempfile::Builder::new().prefix("isobar-test-").tempdir().unwrap();
    open_to_all(dir.path());
    // A frame of one byte, of a kind that nobody knows.
    check(Code::InitProtocol, with_init(&stub(dir.path(), &[1, 0, 0, 0, 99])));
}

#[test]
fn an_init_that_says_nothing() {
    let dir = tempfile::Builder::new().prefix("isobar-test-").tempdir().unwrap();
    open_to_all(dir.path());
    check(Code::LaunchTimeout, with_init(&stub(dir.path(), &[])));
}

fn open_to_all(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Arguments that fit no process of so little memory.
#[test]
fn a_process_that_cannot_be_made() {
    let script = "x=$(head -c 100000 /dev/zero | tr '\\0' x); \
                  exec \"$0\" \"$@\" $x $x $x $x $x $x $x $x $x $x $x $x $x $x $x";
    let isobar = ordinary(&bin_dir(), false).under(["sh", "-c", script]);
    let limit = ["run", "--memory", "1M", "--accept", "memory=per-process", "--", "true"];
    check(Code::SpawnFailed, isobar.args(limit));
}

#[test]
fn an_init_that_somebody_kills() {
    let isobar = Isobar::new();
    let scratch = isobar.scratch().to_owned();
    let script = "touch up; exec sleep 1000";
    let isobar = isobar.args(["run", "--workspace", ".", "--", "sh", "-c", script]);
    let mut running = isobar.spawn();
    running.until_exists("up");
    let pid = running.pid().as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let init = children.trim().parse().ok().and_then(Pid::from_raw);
    kill_process(init.expect("one child, which is init"), Signal::KILL).unwrap();
    let ended = running.wait();
    assert_eq!(ended.codes(), [Code::RunWait.as_str()], "{ended}");
    told(Code::RunWait, &ended, &scratch);
}
