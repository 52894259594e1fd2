//! The process limit is exact: so many tasks of the guest, threads included, and not one more.

use isobar_boundary::{ExitReport, SandboxUsage};
use isobar_policy::{Clause, Controller};

use crate::harness::{Scene, end_of, line_of, python, readable, spawn, stdout};

const LIMIT: u32 = 7;
const EAGAIN: &str = "11";

const FORKS: &str = "
import os, time
count = 1
try:
    while True:
        if os.fork() == 0:
            time.sleep(1000)
        count += 1
except OSError as error:
    print(count, error.errno, flush=True)
    os.read(0, 1)
    os._exit(0)";

const THREADS: &str = "
import _thread, os
lock = _thread.allocate_lock()
lock.acquire()
count = 1
try:
    while True:
        _thread.start_new_thread(lock.acquire, ())
        count += 1
except RuntimeError:
    print(count, 11, flush=True)
    os.read(0, 1)
    os._exit(0)";

/// Lets a program make tasks until it cannot, and says how many it made.
fn fill(scene: &mut Scene, code: &str) -> (String, ExitReport, SandboxUsage) {
    scene.policy().limits.pids = Some(LIMIT);
    let mut sandbox = scene.launch();
    let mut process = spawn(&mut *sandbox, &python(code));
    let out = stdout(&mut *process);
    let line = line_of(&out);
    if !scene.counts_by_group() {
        // The agent samples; it says so when it has seen the limit met.
        readable(process.pollable());
        assert!(process.try_wait().is_none(), "the program still runs");
    }
    drop(process.streams().stdin.take());
    let report = end_of(&mut *process);
    (line, report, sandbox.destroy().unwrap())
}

fn check(scene: &mut Scene, code: &str) {
    let (line, report, usage) = fill(scene, code);
    assert_eq!(line, format!("{LIMIT} {EAGAIN}"), "the guest's tasks only, each of them");
    let hit = usage.limits_hit.iter().find(|hit| hit.clause == Clause::Pids);
    if scene.counts_by_group() {
        let hit = hit.expect("the group counts refused attempts");
        assert_eq!(hit.limit, u64::from(LIMIT), "in the user's number, without the agent");
        assert!(hit.observed >= 1, "at least one attempt was refused: {hit:?}");
        assert_eq!(report.pids_reached, None, "nobody needs to sample");
    } else {
        assert_eq!(hit, None, "no group, no counter");
        assert_eq!(report.pids_reached, Some(LIMIT), "the agent saw all of them");
    }
}

#[test]
fn processes_are_counted() {
    check(&mut Scene::new(), FORKS);
}

#[test]
fn threads_are_counted() {
    check(&mut Scene::new(), THREADS);
}

/// Root has the group usually; without it the same number holds by the user namespace.
#[test]
fn without_a_group_the_user_namespace_counts_the_same() {
    let mut scene = Scene::new();
    scene.facts.cgroups.remove(&Controller::Pids);
    check(&mut scene, FORKS);
}

#[test]
fn one_process_is_enough_for_a_program_that_makes_none() {
    let mut scene = Scene::new();
    scene.policy().limits.pids = Some(1);
    let ran = scene.run_spec(&python("print('alone')"));
    assert_eq!(ran.out, "alone\n", "the agent does not count: {}", ran.err);
}
