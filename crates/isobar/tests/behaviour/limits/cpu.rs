//! Processor time, and processors at a time.

use std::fs;
use std::time::{Duration, Instant};

use super::{killed_by, refused_without_control_group};
use crate::guest::{limit_hit, sh};
use crate::harness::is_root;

/// Each child uses a little and ends; only their sum is too much.
const MANY_SHORT: &str = "while :; do sh -c 'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done' & \
     sh -c 'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done'; wait; done";

#[test]
fn the_time_of_all_processes_counts() {
    let run = || sh(&["--cpu-time", "600ms", "--timeout", "50s"], MANY_SHORT);
    if !is_root() {
        return refused_without_control_group(run(), Some("cpu-time=per-process"));
    }
    let ended = run().run();
    killed_by(&ended, "cpu-time", 124);
    let (limit, used) = limit_hit(&ended, "limits.cpu-time");
    assert_eq!(limit, 600, "milliseconds");
    assert!(used >= 600, "not before it was used up: {used}");
}

#[test]
fn time_that_passes_is_no_processor_time() {
    if is_root() {
        let ended = sh(&["--cpu-time", "300ms"], "sleep 0.5; exit 3").run();
        assert_eq!((ended.code, ended.how()), (Some(3), "exited"), "{ended}");
    }
}

/// The kernel counts for each process and rounds up to seconds.
#[test]
fn the_accepted_weaker_form_ends_each_process() {
    let flags = ["--cpu-time", "1s", "--accept", "cpu-time=per-process", "--timeout", "50s"];
    let ended = sh(&flags, "while :; do :; done").run();
    // Where the whole can be had, accepting less changes nothing.
    killed_by(&ended, "cpu-time", 124);
    assert_eq!(limit_hit(&ended, "limits.cpu-time").0, 1000, "milliseconds: {ended}");
    if !is_root() {
        assert_eq!(ended.reported("/accepted/0"), "cpu-time=per-process", "the report repeats it");
    }
}

/// The number of the process that runs the guest's init, and the directory of its cpu group.
fn cpu_group(supervisor: i32) -> String {
    let children = format!("/proc/{supervisor}/task/{supervisor}/children");
    let init = fs::read_to_string(children).expect("isobar runs");
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", init.trim())).expect("init runs");
    let named = |line: &str| {
        let mut fields = line.splitn(3, ':');
        let controllers = fields.nth(1)?;
        let path = fields.next()?;
        let holds = controllers.split(',').any(|one| one == "cpu");
        holds.then(|| format!("/sys/fs/cgroup/{controllers}{path}"))
    };
    groups.lines().find_map(named).expect("a cpu group")
}

#[test]
fn two_spinners_are_held_to_a_fifth_of_a_processor() {
    let script = "while :; do :; done & touch ready; while :; do :; done";
    let flags = ["--cpus", "0.2", "--timeout", "50s", "--workspace", "."];
    if !is_root() {
        return refused_without_control_group(sh(&flags, script), None);
    }
    let mut running = sh(&flags, script).spawn();
    running.until_exists("ready");
    let group = cpu_group(running.pid().as_raw_nonzero().get());
    let quota =
        fs::read_to_string(format!("{group}/cpu.cfs_quota_us")).expect("the group is there");
    assert_eq!(quota, "20000\n", "a fifth of each period of 100 ms, in {group}");
    let throttled = || {
        let text = fs::read_to_string(format!("{group}/cpu.stat")).expect("the group is there");
        let line = text.lines().find_map(|line| line.strip_prefix("nr_throttled "));
        line.expect("it is counted").parse::<u64>().expect("a number")
    };
    let start = Instant::now();
    while throttled() == 0 && start.elapsed() < Duration::from_secs(40) {
        // There is nothing to be notified by, and a test that spins would compete with them.
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(throttled() > 0, "the kernel held the spinners back");
    running.signal(rustix::process::Signal::TERM);
    let ended = running.wait();
    assert_eq!(ended.reported("/outcome/end/signal"), 15, "{ended}");
}
