//! A supervisor that is killed before one of its calls leaves nothing, or what `isobar gc` and the
//! next start collect.

use serde_json::{Value, json};

use crate::harness::{Isobar, Left, is_root, skip};
use crate::traced::Traced;
use crate::{alone, facts, moments};

/// A run with everything that is made outside the sandbox, and a daemon that would outlive it.
fn job() -> Isobar {
    let mut isobar = Isobar::new().args(["run", "--tmpfs", "/scratch:1M", "--timeout", "50s"]);
    if is_root() {
        isobar = isobar.args(["--memory", "256M", "--cpus", "1", "--cpu-time", "30s"]);
    }
    isobar.file("work/file", "");
    let guest = "(setsid sleep 1000 > /dev/null 2>&1 &); echo ran";
    isobar.args(["--workspace", "work:/work", "--", "sh", "-c", guest])
}

/// The harness looks for what is left after each, and calls `isobar gc` where something is.
#[test]
fn killed_before_any_of_its_calls_it_leaves_nothing() {
    let _alone = alone();
    sweep(true);
}

/// The same where the host is probed first.
#[test]
fn killed_while_it_learns_about_its_host_it_leaves_nothing() {
    let _alone = alone();
    sweep(false);
}

fn sweep(known: bool) {
    facts(known);
    let (calls, whole) = Traced::start(job()).count();
    assert_eq!((whole.code, whole.out().as_str()), (Some(0), "ran\n"), "traced it runs: {whole}");
    let (mut killed, mut tried) = (0, 0);
    for moment in moments(calls) {
        tried += 1;
        facts(known);
        let mut traced = Traced::start(job());
        // Runs differ by some calls: one may be over before.
        if traced.reach(moment).is_none() {
            let ended = traced.let_go();
            assert_eq!(ended.code, Some(0), "call {moment} of {calls}: {ended}");
            continue;
        }
        let ended = traced.kill();
        assert_eq!(ended.signal, Some(9), "call {moment} of {calls}: {ended}");
        killed += 1;
    }
    assert!(killed * 10 >= tried * 9, "{killed} of {tried} were killed");
}

/// A supervisor that was killed when everything outside the sandbox was made.
fn abandoned() -> Left {
    facts(true);
    let mut traced = Traced::start(job());
    // The clone of the sandbox's first process comes after it.
    while traced.next_call().expect("a run clones").number != linux_raw_sys::general::__NR_clone3 {
        traced.finish_call();
    }
    let left = traced.kill_and_leave();
    assert!(!left.now().is_empty(), "a killed supervisor removes nothing");
    left
}

const OUTSIDE: &str = "root, whose sandboxes have control groups here";

/// Whoever starts next removes what a dead supervisor had made, without being asked to.
#[test]
fn the_next_start_collects() {
    let _alone = alone();
    if !is_root() {
        return skip("the_next_start_collects", OUTSIDE);
    }
    let left = abandoned();
    let next = Isobar::new().args(["run", "--memory", "64M", "--", "true"]).run();
    assert_eq!(next.code, Some(0), "{next}");
    assert_eq!(left.now(), Vec::<String>::new(), "the start before has removed it all");
}

#[test]
fn asked_to_it_collects_and_says_what() {
    let _alone = alone();
    if !is_root() {
        return skip("asked_to_it_collects_and_says_what", OUTSIDE);
    }
    let mut alive = Isobar::new().args(["run", "--workspace", ".", "--", "sh", "-c"]);
    alive = alive.arg("touch up; cat").stdin("");
    let mut alive = alive.spawn();
    alive.until_exists("up");
    let left = abandoned();
    let gc = || Isobar::new().args(["gc", "--json"]).run();
    let ended = gc();
    let told: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!((ended.code, &told["ending"]), (Some(0), &json!([])), "{ended}");
    assert!(told["living"].as_u64() >= Some(1), "what is alive is counted: {ended}");
    let removed = told["removed"].as_array().expect("a list").len();
    assert!(removed > 1, "a slot's file and at least one group: {ended}");
    assert_eq!(left.now(), Vec::<String>::new(), "what it says is so: {ended}");
    let again: Value = serde_json::from_slice(&gc().stdout).expect("JSON");
    assert_eq!(again["removed"], json!([]), "once is enough");
    let ended = alive.wait();
    assert_eq!(ended.code, Some(0), "the living sandbox was not touched: {ended}");
}
