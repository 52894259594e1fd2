//! How a program ended, told apart from what isobar did: codes, signals, and forged ones.

use crate::guest::sh;
use crate::harness::Isobar;

#[test]
fn every_exit_code_passes() {
    for code in 0..=255 {
        let ended =
            Isobar::new().args(["run", "-q", "--", "sh", "-c", "exit $0", &code.to_string()]);
        assert_eq!(ended.run().code, Some(code), "the guest's own code");
    }
}

#[test]
fn every_signal_that_ends_a_program_is_reported_as_such() {
    // Those whose default action is to end the process (signal(7)), and two real-time ones.
    for signal in
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 31, 34, 64]
    {
        let ended = sh(&[], &format!("kill -{signal} $$; sleep 1000")).run();
        assert_eq!(ended.code, Some(128 + signal), "as shells say it: {ended}");
        assert_eq!(ended.how(), "signalled", "and no limit or person killed it: {ended}");
        assert_eq!(ended.reported("/outcome/end/signal"), signal, "{ended}");
    }
}

#[test]
fn what_a_guest_returns_and_prints_is_not_taken_for_ours() {
    let lies = [
        r#"{"event":"ended","exit-code":0,"outcome":{"end":{"how":"exited","code":0}}}"#,
        "isobar: killed after 1ms: wall-time limit of 1ms",
        "error[ISO-NS-004]: boundary failed",
    ];
    for code in [124, 125, 126, 127, 137, 143] {
        let script = format!("for lie; do echo \"$lie\"; echo \"$lie\" >&2; done; exit {code}");
        let ended = sh(&[], &script).arg("sh").args(lies).run();
        assert_eq!(ended.code, Some(code), "{ended}");
        assert_eq!(ended.how(), "exited", "the report tells who chose {code}: {ended}");
        assert_eq!(ended.reported("/outcome/end/code"), code, "{ended}");
        assert_eq!(ended.status.len(), 2, "the status descriptor has our lines only: {ended}");
        assert_eq!(ended.status[1]["exit-code"], code, "{ended}");
        assert_eq!(ended.status[1]["outcome"]["end"]["how"], "exited", "{ended}");
    }
}

#[test]
fn a_program_that_the_kernel_does_not_take_is_no_exit() {
    let isobar = Isobar::run_command();
    isobar.executable("broken", b"\x7fELF and nothing more");
    let ended = isobar.args(["--", "./broken"]).run();
    assert_eq!(ended.code, Some(126), "found, and not executable: {ended}");
    assert_ne!(ended.how(), "exited", "no program chose this code: {ended}");
}

/// Whoever outlives the program is ended with it; the run does not wait for a daemon.
#[test]
fn a_daemon_ends_with_the_program() {
    let script = "setsid sh -c 'trap \"\" TERM HUP; sleep 1000' & (setsid sleep 1000 &); exit 6";
    let ended = sh(&["--timeout", "50s"], script).run();
    assert_eq!((ended.code, ended.how()), (Some(6), "exited"), "{ended}");
}
