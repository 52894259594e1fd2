//! A reader that is slow must slow the guest down, not fill isobar's memory.

use std::fs;

use crate::guest::sh;

/// Bytes of memory that isobar may hold at any time of a run.
const MOST_KIB: u64 = 32 << 10;

/// The largest resident set so far, KiB (proc_pid_status(5), VmHWM).
fn peak_kib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("isobar still runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is there");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The guest writes 1 GiB and then waits, so that isobar is still there to be looked at.
#[test]
fn a_gibibyte_passes_a_reader_of_small_pieces_in_little_memory() {
    let script = "head -c 1073741824 /dev/zero; read -r line";
    let mut running = sh(&[], script).stdin("").spawn();
    let pid = running.pid().as_raw_nonzero().get();
    // In small pieces first: by then the guest has filled every buffer on the way.
    for _ in 0..1024 {
        running.take(512);
    }
    let early = peak_kib(pid);
    assert!(early < MOST_KIB, "{early} KiB while the reader was slow");
    let mut left = (1 << 30) - 1024 * 512;
    while left > 0 {
        left -= running.take(left.min(1 << 20)).len();
    }
    let late = peak_kib(pid);
    assert!(late < MOST_KIB, "{late} KiB after a gibibyte");
    running.give(b"end\n");
    let ended = running.wait();
    assert_eq!((ended.code, ended.stdout.len()), (Some(0), 0), "and not a byte more: {ended}");
}
