//! The first process of a sandbox is told that one of its calls failed: nothing starts, the reason
//! has a code, and nothing is left. A mount that fails midway is one of them.

use crate::fail::{enforced, job, judge};
use crate::harness::{Isobar, fault_dir, is_root};
use crate::{alone, facts};

/// Each call that set-up rests on, and how it can fail where nothing was asked wrongly.
const CALLS: [(&str, &str); 30] = [
    ("capset", "EPERM"),
    ("chdir", "EACCES"),
    ("close_range", "ENOMEM"),
    ("dup3", "EMFILE"),
    ("execveat", "ENOMEM"),
    ("fchdir", "EACCES"),
    ("fsconfig", "EPERM"),
    ("fsmount", "ENOMEM"),
    ("fsopen", "EPERM"),
    ("landlock_add_rule", "ENOMEM"),
    ("landlock_create_ruleset", "ENOMEM"),
    ("landlock_restrict_self", "EPERM"),
    ("mkdirat", "ENOSPC"),
    ("mount_setattr", "EPERM"),
    ("move_mount", "EPERM"),
    ("open_tree", "EMFILE"),
    ("openat2", "EMFILE"),
    ("openat", "ENFILE"),
    ("pivot_root", "EINVAL"),
    ("prctl", "EPERM"),
    ("prlimit64", "EPERM"),
    ("seccomp", "ENOMEM"),
    ("setgroups", "EPERM"),
    ("sethostname", "EPERM"),
    ("setns", "EPERM"),
    ("setresgid", "EPERM"),
    ("setresuid", "EPERM"),
    ("symlinkat", "ENOSPC"),
    ("umount2", "EBUSY"),
    ("unshare", "ENOSPC"),
];

/// Which of a call's uses fails, counted from 1: the first, and some far into a series.
const USES: [u32; 4] = [1, 2, 6, 17];

#[test]
fn no_step_of_set_up_may_fail_unnoticed() {
    let _alone = alone();
    facts(true);
    let first = job(Isobar::from_dir(&fault_dir()).running()).run();
    assert_eq!((first.code, first.out().as_str()), (Some(0), "ran\n"), "without a fault: {first}");
    let whole = enforced(&first);
    let mut harmless = Vec::new();
    for (call, errno) in CALLS {
        let mut mattered = false;
        for number in USES {
            let fault = format!("{call}={errno}@{number}");
            println!("{fault}");
            let isobar = job(Isobar::from_dir(&fault_dir()).running()).env("ISOBAR_FAULT", &fault);
            let ended = isobar.spawn().wait_as_if_killed();
            judge(&ended, &whole, &fault);
            mattered |= ended.code != Some(0);
        }
        if !mattered {
            harmless.push(call);
        }
    }
    // An ordinary user cannot change its identity, and does not try.
    let unmade: &[&str] = if is_root() { &[] } else { &["setgroups", "setresgid", "setresuid"] };
    assert_eq!(harmless, unmade, "the failure of others changes the run: they are made");
}
