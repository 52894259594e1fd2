//! Signals to isobar: the guest's to obey, once; and what a killed supervisor leaves.

use rustix::process::Signal;

use crate::harness::{Isobar, Running};

/// A guest that says when it is ready, in a workspace of its own.
fn started(script: &str) -> Running {
    let run =
        Isobar::run_command().args(["--workspace", ".", "--timeout", "50s", "--", "sh", "-c"]);
    let mut running = run.arg(script).spawn();
    running.until_exists("ready");
    running
}

#[test]
fn the_first_request_to_end_is_the_guests_to_obey() {
    let script = "trap 'exit 5' TERM; touch ready; while :; do sleep 0.05; done";
    let running = started(script);
    running.signal(Signal::TERM);
    let ended = running.wait();
    assert_eq!((ended.code, ended.how()), (Some(5), "exited"), "it chose its own end: {ended}");
}

#[test]
fn a_second_request_kills() {
    let script =
        "trap '' TERM INT; trap 'touch heard' USR1; touch ready; while :; do sleep 0.05; done";
    let mut running = started(script);
    running.signal(Signal::TERM);
    // In between, so that the two requests are seen one after the other.
    running.signal(Signal::USR1);
    running.until_exists("heard");
    running.signal(Signal::INT);
    let ended = running.wait();
    assert_eq!((ended.code, ended.how()), (Some(137), "killed"), "{ended}");
    assert_eq!(ended.reported("/outcome/end/by"), "user", "and it says who asked: {ended}");
}

#[test]
fn a_killed_supervisor_takes_its_sandbox_with_it() {
    let running = started("setsid sleep 1000 & touch ready; sleep 1000");
    running.signal(Signal::KILL);
    let ended = running.wait();
    assert_eq!(ended.signal, Some(9), "the harness has checked that nothing is left: {ended}");
}
