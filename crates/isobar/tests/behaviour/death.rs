//! The end of isobar itself, asked for or not: what it runs ends with it.

use std::time::Duration;

use rustix::process::Signal;

use crate::guest::{bash, sh};
use crate::harness::{Isobar, is_root};

/// What a sandbox may be doing when its supervisor dies.
const BUSY: &str = "trap '' TERM INT HUP; (setsid sh -c 'kill -STOP $$' &); \
    (setsid sleep 1000 &); while :; do sh -c : ; done";

/// Moments spread over start, set-up and run; the same in each run of the suite.
fn moments(count: u64) -> impl Iterator<Item = Duration> {
    let mut state = 0x5eed_u64;
    (0..count).map(move |n| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // Most of set-up is over within some milliseconds; a few come late.
        let most = if n % 5 == 0 { 200_000 } else { 12_000 };
        Duration::from_micros((state >> 33) % most)
    })
}

#[test]
fn killed_at_any_moment_it_leaves_nothing() {
    let flags: &[&str] = if is_root() { &["--memory", "256M", "--cpus", "1"] } else { &[] };
    for moment in moments(30) {
        let running = Isobar::run_command().args(flags).args(["--", "sh", "-c", BUSY]);
        let running = running.spawn();
        // No synchronisation: the moment is what is tested.
        std::thread::sleep(moment);
        running.signal(Signal::KILL);
        let ended = running.wait();
        assert_eq!(
            ended.signal,
            Some(9),
            "at {moment:?}; the harness looked for the rest: {ended}"
        );
    }
}

/// The guest says what it got; each request but a second one is its own affair.
#[test]
fn signals_are_passed_to_the_guest() {
    let cases = [
        ("TERM", Signal::TERM),
        ("INT", Signal::INT),
        ("HUP", Signal::HUP),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
    ];
    for (name, signal) in cases {
        let script =
            format!("trap 'echo {name}; exit 5' {name}; touch ready; while :; do sleep 0.05; done");
        let mut running = bash(&["--workspace", ".", "--timeout", "50s"], &script).spawn();
        running.until_exists("ready");
        running.signal(signal);
        let ended = running.wait();
        assert_eq!(ended.out(), format!("{name}\n"), "{ended}");
        assert_eq!((ended.code, ended.how()), (Some(5), "exited"), "it chose its end: {ended}");
    }
}

#[test]
fn signals_end_a_guest_that_does_not_care() {
    for (number, signal) in
        [(15, Signal::TERM), (2, Signal::INT), (1, Signal::HUP), (10, Signal::USR1)]
    {
        let script = "touch ready; exec sleep 1000";
        let mut running = sh(&["--workspace", ".", "--timeout", "50s"], script).spawn();
        running.until_exists("ready");
        running.signal(signal);
        let ended = running.wait();
        assert_eq!(ended.code, Some(128 + number), "as without isobar: {ended}");
        assert_eq!(ended.reported("/outcome/end/signal"), number, "{ended}");
    }
}

/// A guest that is stopped hears nothing; the second request needs no consent.
#[test]
fn a_second_request_ends_whatever_the_guest_is_doing() {
    for script in [
        "touch ready; kill -STOP $$; sleep 1000",
        "trap '' INT TERM; touch ready; while :; do :; done",
        "trap '' INT TERM; touch ready; yes > /dev/null; sleep 1000",
    ] {
        let mut running = sh(&["--workspace", ".", "--timeout", "50s"], script).spawn();
        running.until_exists("ready");
        running.signal(Signal::TERM);
        // Two of one kind may be merged while they wait; two kinds are not.
        running.signal(Signal::INT);
        let ended = running.wait();
        assert_eq!((ended.code, ended.how()), (Some(137), "killed"), "{ended}");
        assert_eq!(ended.reported("/outcome/end/by"), "user", "{ended}");
    }
}
