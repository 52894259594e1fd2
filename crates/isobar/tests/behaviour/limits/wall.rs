//! The deadline, against guests that do not want to end.

use super::killed_by;
use crate::guest::{limit_hit, sh, text};
use crate::harness::{Ended, Isobar};
use crate::outside::outside;

const LIMIT: &str = "700ms";

/// The typed outcome with its numbers. That nothing is left, the harness has checked.
#[track_caller]
fn overdue(ended: &Ended) {
    killed_by(ended, "wall-time", 124);
    let (limit, observed) = limit_hit(ended, "limits.wall-time");
    assert_eq!(limit, 700, "milliseconds");
    assert!(observed >= 700, "not before its time: {observed}");
}

macro_rules! stubborn {
    ($($name:ident = $script:literal;)*) => { $(
        #[test]
        fn $name() {
            // The output of a flood has nowhere to be kept.
            let run = sh(&["--timeout", LIMIT, "--pids", "50"], $script);
            overdue(&run.through_shell("> /dev/null 2>&1").run());
        }
    )* };
}

stubborn! {
    a_sleeper = "exec sleep 1000";
    one_that_ignores_signals = "trap '' TERM INT HUP QUIT USR1; while :; do sleep 100; done";
    one_that_stops_itself = "kill -STOP $$; sleep 1000";
    one_with_a_daemon_in_a_session_of_its_own =
        "(setsid sh -c 'trap \"\" TERM HUP; sleep 1000' &); exec sleep 1000";
    one_that_stops_its_daemon_first = "(setsid sh -c 'kill -STOP $$' &); exec sleep 1000";
    one_that_floods = "exec yes";
    one_that_floods_both_outputs = "yes & exec yes >&2";
    one_that_spins = "while :; do :; done";
    one_that_forks_without_end = "f() { f | f & }; f; sleep 1000";
    one_that_fills_its_tmp = "while :; do head -c 1000000 /dev/zero > /tmp/$$; done";
}

/// The parent cannot be reached by any signal but SIGKILL until the child lets go.
#[test]
fn one_that_is_held_in_vfork() {
    let isobar = Isobar::run_command();
    let code = "#include <unistd.h>\nint main(void) { if (vfork() == 0) for (;;) pause(); }";
    let (source, program) = (isobar.file("held.c", code), isobar.scratch().join("held"));
    outside("gcc", ["-w", "-o", text(&program), text(&source)]);
    overdue(&isobar.args(["--timeout", LIMIT, "--", "./held"]).run());
}

#[test]
fn one_that_waits_for_input_that_never_comes() {
    let isobar = sh(&["--timeout", LIMIT], "exec cat");
    outside("mkfifo", [isobar.scratch().join("silent")]);
    // Open for writing too, so that it never ends.
    overdue(&isobar.through_shell("<> silent").run());
}

/// A reader that has stopped must not hold up the deadline.
#[test]
fn one_whose_output_nobody_reads() {
    let reader = "| { until grep -q ended \"$ISOBAR_TEST_STATUS\"; do sleep 0.05; done; }";
    let ended = sh(&["--timeout", LIMIT], "exec yes").through_shell(reader).run();
    assert_eq!(ended.status[1]["exit-code"], 124, "{ended}");
    assert_eq!(ended.reported("/outcome/end/by"), "wall-time", "{ended}");
}

#[test]
fn one_that_ends_in_time_is_not_touched() {
    let ended = sh(&["--timeout", "50s"], "exit 3").run();
    assert_eq!((ended.code, ended.how()), (Some(3), "exited"), "{ended}");
    let hits = ended.reported("/outcome/limits-hit").as_array().map(Vec::len);
    assert_eq!(hits, Some(0), "no limit was reached: {ended}");
}
