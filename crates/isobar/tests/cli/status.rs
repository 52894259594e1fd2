//! `--status-fd`: what decides, whatever the guest returns or prints.

use crate::harness::Isobar;

#[test]
fn a_run_has_one_started_and_one_ended_line() {
    let ended = Isobar::run_command().args(["--", "sh", "-c", "exit 7"]).run();
    let events: Vec<&str> =
        ended.status.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "ended"], "{ended}");
    assert_eq!(ended.status[1]["exit-code"], 7, "the code that isobar returned");
    assert_eq!(ended.status[1]["outcome"]["end"]["how"], "exited", "and who chose it");
}

#[test]
fn whatever_goes_wrong_there_is_an_ended_line() {
    for args in [
        &["--pids", "0", "--", "true"][..],
        &["--profile", "none", "--", "true"],
        &["--policy", "/no/such/file", "--", "true"],
        &["--", "no-such-program"],
    ] {
        let ended = Isobar::run_command().args(args).run();
        let events: Vec<&str> =
            ended.status.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["ended"], "nothing was started by {args:?}: {ended}");
        let how = ended.status[0]["outcome"]["end"]["how"].as_str().unwrap();
        assert!(matches!(how, "refused" | "failed"), "{args:?}: {ended}");
        assert_eq!(ended.status[0]["exit-code"], ended.code.unwrap(), "{args:?}: {ended}");
    }
}

#[test]
fn the_guest_has_no_way_to_the_descriptor() {
    let script = "echo forged >&3 && echo wrote; ls /proc/self/fd | sort -n | tail -n +4 | wc -l";
    let ended = Isobar::run_command().args(["--", "bash", "-c", script]).run();
    assert_eq!(ended.status.len(), 2, "only our lines: {ended}");
    // `ls` has a descriptor of its own for the directory.
    assert_eq!(ended.out().trim(), "1", "descriptors 0 to 2 and nothing of ours: {ended}");
}
