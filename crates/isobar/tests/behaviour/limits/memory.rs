//! Memory of the whole sandbox: wherever it goes, too much ends the sandbox.

use super::{killed_by, refused_without_control_group};
use crate::guest::{limit_hit, python, sh};
use crate::harness::{Isobar, is_root};

const LIMIT: u64 = 48 << 20;
const FLAGS: [&str; 4] = ["--memory", "48M", "--timeout", "50s"];

#[track_caller]
fn check(isobar: Isobar) {
    if !is_root() {
        return refused_without_control_group(isobar, Some("memory=per-process"));
    }
    let ended = isobar.run();
    killed_by(&ended, "memory", 137);
    let (limit, peak) = limit_hit(&ended, "limits.memory");
    assert_eq!(limit, LIMIT, "{ended}");
    // The kernel charges in batches, so the peak may stay some pages below.
    assert!((LIMIT - (1 << 20)..=LIMIT).contains(&peak), "the peak is the limit: {peak}");
}

#[test]
fn one_process_that_wants_too_much() {
    check(python(&FLAGS, "x = b'x' * (200 << 20)"));
}

#[test]
fn a_child_of_a_program_that_would_go_on() {
    check(sh(&FLAGS, "python3 -c 'x = b\"x\" * (200 << 20)'; echo survived; sleep 1000"));
}

#[test]
fn many_processes_together() {
    let script = "for n in $(seq 20); do \
        (x=$(head -c 6000000 /dev/zero | tr '\\0' x); sleep 1000; echo \"$x\") & done; wait";
    check(sh(&FLAGS, script));
}

#[test]
fn files_in_tmp() {
    check(sh(&FLAGS, "head -c 200000000 /dev/zero > /tmp/file; sleep 1000"));
}

#[test]
fn shared_memory() {
    check(sh(&FLAGS, "head -c 60000000 /dev/zero > /dev/shm/file; sleep 1000"));
}

#[test]
fn files_without_a_name() {
    let code = "
import os
file = os.memfd_create('m')
while True: os.write(file, bytes(1 << 20))";
    check(python(&FLAGS, code));
}

#[test]
fn a_program_that_keeps_within_is_not_touched() {
    if is_root() {
        let ended = python(&FLAGS, "x = b'x' * (16 << 20); print('ok')").run();
        assert_eq!((ended.code, ended.how()), (Some(0), "exited"), "{ended}");
        let peak = ended.reported("/outcome/usage/peak-memory-bytes").as_u64().unwrap();
        assert!((16 << 20..LIMIT).contains(&peak), "and what it used is told: {peak}");
    }
}

#[test]
fn the_accepted_weaker_form_binds_each_process() {
    let flags = [&FLAGS[..], &["--accept", "memory=per-process"]].concat();
    let code = "
try: x = b'x' * (200 << 20)
except MemoryError: print('refused', flush=True)
import subprocess
subprocess.run(['python3', '-c', 'x = b\"x\" * (20 << 20); print(\"enough\")'], check=True)";
    let ended = python(&flags, code).run();
    if is_root() {
        // Where the whole can be had, accepting less changes nothing.
        return killed_by(&ended, "memory", 137);
    }
    assert_eq!(ended.out(), "refused\nenough\n", "each process has its own: {ended}");
    assert_eq!(ended.reported("/accepted/0"), "memory=per-process", "the report repeats it");
}
