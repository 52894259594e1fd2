//! Hosts that lack something: user namespaces switched off, control groups that cannot be written.
//!
//! The lack is staged around isobar in namespaces of its own, so that nothing else notices.

use std::fs;

use crate::guest::has_remedy;
use crate::harness::{Isobar, bin_dir, is_root, skip};

/// An installation that belongs to whoever runs the tests: in a user namespace with one number,
/// everybody else's files belong to nobody, and isobar does not trust those.
fn own_installation(isobar: Isobar) -> Isobar {
    let bin = isobar.scratch().join("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["isobar", "isobar-init"] {
        fs::copy(bin_dir().join(name), bin.join(name)).unwrap();
    }
    isobar.program_in(&bin)
}

#[test]
fn without_user_namespaces_the_switch_is_named() {
    let isobar = own_installation(Isobar::run_command());
    let switch = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"";
    let isobar = isobar.under(["unshare", "--user", "--map-root-user", "sh", "-c", switch]);
    let ended = isobar.args(["--", "echo", "started"]).run();
    assert_eq!((ended.code, ended.out().as_str()), (Some(125), ""), "{ended}");
    assert_eq!(ended.codes(), ["ISO-HOST-001"], "one cause is one refusal: {ended}");
    assert!(ended.err().contains("user.max_user_namespaces is 0"), "which switch: {ended}");
    assert!(ended.err().contains("sysctl user.max_user_namespaces="), "what to do: {ended}");
    assert_eq!(ended.how(), "refused", "a refusal, and no failure of isobar's own: {ended}");
    let events: Vec<_> = ended.status.iter().map(|line| &line["event"]).collect();
    assert!(!events.iter().any(|event| **event == "started") || events.len() == 2, "{ended}");
}

/// As inside a container: something lies over a part of /proc, and whoever calls has no rights
/// to take it away. The kernel then mounts no new /proc (mount_namespaces(7)).
#[test]
fn a_covered_proc_is_refused_with_the_containers_flag() {
    let isobar = own_installation(Isobar::run_command());
    let covered = "mount --bind /dev/null /proc/version && \
                   exec unshare --user --map-user=1000 --map-group=1000 \"$0\" \"$@\"";
    let outer = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", covered];
    let ended = isobar.under(outer).args(["--", "echo", "started"]).run();
    assert_eq!((ended.code, ended.out().as_str()), (Some(125), ""), "{ended}");
    assert_eq!(ended.codes(), ["ISO-HOST-002"], "one cause is one refusal: {ended}");
    assert!(ended.err().contains("parts of this /proc are covered"), "{ended}");
    assert!(ended.err().contains("unmask=ALL"), "the flag of container engines: {ended}");
}

/// As root of a container: user 0 without the rights that root's sandboxes need.
#[test]
fn root_without_rights_is_one_refusal() {
    let isobar = own_installation(Isobar::run_command());
    let bare = "exec setpriv --bounding-set -all --inh-caps -all \"$0\" \"$@\"";
    let outer = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", bare];
    let ended = isobar.under(outer).args(["--", "echo", "started"]).run();
    assert_eq!((ended.code, ended.out().as_str()), (Some(125), ""), "{ended}");
    assert_eq!(ended.codes(), ["ISO-HOST-001"], "one cause is one refusal: {ended}");
    assert!(ended.err().contains("run it as an ordinary user"), "{ended}");
}

#[test]
fn the_doctor_names_it_too() {
    let isobar = own_installation(Isobar::new());
    let switch = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"";
    let isobar = isobar.under(["unshare", "--user", "--map-root-user", "sh", "-c", switch]);
    let ended = isobar.args(["doctor"]).run();
    assert_ne!(ended.code, Some(0), "it is not ready: {ended}");
    let told = ended.out() + &ended.err();
    assert!(told.contains("user.max_user_namespaces is 0") && told.contains("sysctl"), "{told}");
}

/// Makes every control group hierarchy read-only around isobar. With `fresh` it has no facts from
/// another host, either.
fn read_only_groups(isobar: Isobar, fresh: bool) -> Isobar {
    let forget = if fresh { "mount -t tmpfs -o mode=700 none /run/isobar;" } else { "" };
    let script = format!(
        "set -e; for dir in /sys/fs/cgroup/*; do \
         mountpoint -q $dir && mount -o remount,bind,ro $dir; done; {forget} exec \"$0\" \"$@\""
    );
    isobar.under(["unshare", "--mount", "sh", "-c", &script])
}

#[test]
fn control_groups_that_cannot_be_written() {
    if !is_root() {
        return skip("control_groups_that_cannot_be_written", "root, to mount them read-only");
    }
    for (flag, value) in [("--memory", "64M"), ("--cpu-time", "10s"), ("--cpus", "1")] {
        // That there is a state directory, and that it holds facts that are wrong here.
        let ended = Isobar::run_command().args([flag, value, "--", "true"]).run();
        assert_eq!(ended.code, Some(0), "as it is, the host can do it: {ended}");
        for fresh in [true, false] {
            let isobar = read_only_groups(Isobar::run_command(), fresh);
            let ended = isobar.args([flag, value, "--", "echo", "started"]).run();
            assert_eq!((ended.code, ended.out().as_str()), (Some(125), ""), "{flag}: {ended}");
            assert_eq!(ended.codes(), ["ISO-HOST-005"], "{flag}: {ended}");
            assert!(has_remedy(&ended) && ended.err().contains("read-write"), "{flag}: {ended}");
        }
    }
}

/// Processes can be counted without a control group, so what needs nothing else runs.
#[test]
fn without_control_groups_a_plain_run_works_and_counts_its_processes() {
    if !is_root() {
        // The same mechanism counts an ordinary user's, see the limits.
        return skip("hosts::without_control_groups", "only root's groups can be taken away");
    }
    assert_eq!(Isobar::run_command().args(["--", "true"]).run().code, Some(0));
    let isobar = read_only_groups(Isobar::run_command(), true).args(["--pids", "5"]);
    let script = "for n in 1 2 3 4 5 6; do sleep 1000 & done; exit 0";
    let ended = isobar.args(["--", "bash", "-c", script]).run();
    assert_eq!(ended.how(), "exited", "{ended}");
    let (limit, _) = crate::guest::limit_hit(&ended, "limits.pids");
    assert_eq!(limit, 5, "{ended}");
}
