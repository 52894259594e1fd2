//! A supervisor that is told that one of its calls failed: it says what, starts nothing weaker and
//! leaves nothing.

use linux_raw_sys::errno;
use linux_raw_sys::general as linux;
use serde_json::Value;

use crate::harness::{Ended, Isobar, is_root};
use crate::traced::{Call, Traced};
use crate::{alone, facts, moments};

/// A run with every kind of thing that set-up makes.
pub(crate) fn job(isobar: Isobar) -> Isobar {
    let mut isobar = isobar.args(["--tmpfs", "/scratch:1M", "--timeout", "50s"]);
    if is_root() {
        isobar = isobar.args(["--memory", "256M", "--cpus", "1", "--cpu-time", "30s"]);
    }
    isobar.file("work/file", "");
    isobar.args(["--workspace", "work:/work", "--", "sh", "-c", "touch ran; echo ran"])
}

/// How a call can really fail: the machine is out of something, or does not allow it. `None` for
/// calls that never do (killing one's own child, asking for a limit), and for those whose failure is the end of any
/// program: its memory, its end.
fn failure(call: Call) -> Option<u32> {
    Some(match call.number {
        linux::__NR_open
        | linux::__NR_openat
        | linux::__NR_openat2
        | linux::__NR_pipe2
        | linux::__NR_dup
        | linux::__NR_fcntl
        | linux::__NR_socketpair
        | linux::__NR_epoll_create1
        | linux::__NR_eventfd2
        | linux::__NR_timerfd_create
        | linux::__NR_signalfd4
        | linux::__NR_pidfd_open
        | linux::__NR_memfd_create
        | linux::__NR_fsopen
        | linux::__NR_open_tree
        | linux::__NR_landlock_create_ruleset => errno::EMFILE,
        linux::__NR_write
        | linux::__NR_pwrite64
        | linux::__NR_writev
        | linux::__NR_ftruncate
        | linux::__NR_mkdir
        | linux::__NR_mkdirat
        | linux::__NR_rename
        | linux::__NR_renameat2
        | linux::__NR_epoll_ctl
        | linux::__NR_sendmsg => errno::ENOSPC,
        linux::__NR_clone | linux::__NR_clone3 | linux::__NR_vfork => errno::EAGAIN,
        linux::__NR_read | linux::__NR_pread64 | linux::__NR_getdents64 | linux::__NR_recvmsg => {
            errno::ENOMEM
        }
        linux::__NR_fstat
        | linux::__NR_stat
        | linux::__NR_lstat
        | linux::__NR_newfstatat
        | linux::__NR_statx
        | linux::__NR_readlink
        | linux::__NR_readlinkat
        | linux::__NR_access
        | linux::__NR_faccessat
        | linux::__NR_faccessat2
        | linux::__NR_getxattr
        | linux::__NR_statfs
        | linux::__NR_fstatfs => errno::EACCES,
        linux::__NR_flock => errno::ENOLCK,
        linux::__NR_mount
        | linux::__NR_fsconfig
        | linux::__NR_fsmount
        | linux::__NR_move_mount
        | linux::__NR_mount_setattr
        | linux::__NR_umount2
        | linux::__NR_unshare
        | linux::__NR_setns
        | linux::__NR_prctl
        | linux::__NR_unlink
        | linux::__NR_unlinkat
        | linux::__NR_rmdir => errno::EPERM,
        _ => return None,
    })
}

/// What a report says was asked for and enforced. By which mechanism may differ: a host fact that
/// could not be learned leaves another one that is as good, or none, and then there is a refusal.
pub(crate) fn enforced(ended: &Ended) -> Vec<String> {
    let scratch = ended.scratch().display().to_string();
    let lines = ended.reported("/lines").as_array().expect("a list of lines");
    let told = lines.iter().map(|line| {
        let binding = &line["binding"];
        assert_eq!(binding["accepted"], Value::Null, "nobody accepted a weaker form: {ended}");
        let evidence = line["evidence"].as_array().expect("a list");
        let holds = evidence.iter().all(|one| one["holds"] == true);
        assert!(holds, "a run whose evidence contradicts its plan is none: {line} {ended}");
        let asked = binding["asked"].to_string().replace(&scratch, "");
        format!("{} {asked} {}", binding["clause"], !evidence.is_empty())
    });
    told.collect()
}

/// Either the call did not matter, and then the run is as good as any; or the run has not been, or
/// has ended, with a code that says why.
pub(crate) fn judge(ended: &Ended, whole: &[String], what: &str) {
    assert!(!ended.err().contains("panicked"), "{what}: {ended}");
    assert_eq!(ended.signal, None, "{what}: {ended}");
    if ended.code == Some(0) {
        assert_eq!(ended.out(), "ran\n", "{what}: success is said of a whole run: {ended}");
        assert_eq!(enforced(ended), whole, "{what}: as much is enforced and shown: {ended}");
        return;
    }
    // What cannot be looked at is not lent: the guest may miss its program.
    if ended.code == Some(127) {
        assert_eq!(ended.how(), "not-executed", "{what}: {ended}");
        return;
    }
    assert_eq!(ended.code, Some(125), "{what}: it is isobar that failed: {ended}");
    assert!(!ended.codes().is_empty(), "{what}: an error has a code: {ended}");
}

#[test]
fn whatever_fails_is_said_and_weakens_nothing() {
    let _alone = alone();
    facts(true);
    let (calls, first) = Traced::start(job(Isobar::run_command())).count();
    assert_eq!((first.code, first.out().as_str()), (Some(0), "ran\n"), "traced it runs: {first}");
    let whole = enforced(&first);
    let mut told = 0;
    for moment in moments(calls) {
        let mut traced = Traced::start(job(Isobar::run_command()));
        let mut call = traced.reach(moment);
        // From there on to the first call that can fail.
        while let Some(one) = call
            && failure(one).is_none()
        {
            call = traced.finish_call().and_then(|()| traced.next_call());
        }
        let Some((one, errno)) = call.and_then(|one| Some((one, failure(one)?))) else {
            continue;
        };
        let what = format!("call {moment} of {calls}, {one:?}, fails with errno {errno}");
        // Shown where the run never ends.
        println!("{what}");
        traced.fail_call(i32::try_from(errno).expect("a small number"));
        let ended = traced.let_go();
        judge(&ended, &whole, &what);
        told += u32::from(ended.code == Some(125));
    }
    assert!(told > 0, "no failure mattered: nothing was tested");
}
