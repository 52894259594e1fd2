//! Rules for `clone`, and for calls that take the number of a process.
//!
//! The second kind guards PID 1 where it has the guest's uid: only the caller itself, named as 0.
//! A filter does not know the caller's number, so a caller that names itself by it is refused too.

use linux_raw_sys::general::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME,
    CLONE_NEWUSER, CLONE_NEWUTS, PRIO_PROCESS,
};

use crate::seccomp::rule::{ALLOW, Argument, Case, Check, DENY, Rule};

/// `CLONE_NEWTIME` lies in the byte that `clone` reads as the exit signal. No signal has that bit,
/// so the filter refuses it, whatever a later kernel makes of it.
const NAMESPACES: u32 = CLONE_NEWNS
    | CLONE_NEWCGROUP
    | CLONE_NEWUTS
    | CLONE_NEWIPC
    | CLONE_NEWUSER
    | CLONE_NEWPID
    | CLONE_NEWNET
    | CLONE_NEWTIME;

/// `clone`: the kernel takes the lower 32 bits of the flags (`lower_32_bits`, kernel/fork.c).
pub(in crate::seccomp) const CLONE: Check = Check {
    says: "threads and processes; a new namespace gets EPERM",
    rule: Rule::AnyBit { argument: Argument::First, bits: NAMESPACES, some: &DENY, none: &ALLOW },
};

const fn only_zero(argument: Argument) -> Rule {
    Rule::Switch {
        argument,
        mask: u32::MAX,
        cases: &[Case { values: &[0], then: ALLOW }],
        otherwise: &DENY,
    }
}

const SAYS_SELF: &str = "only on the caller, named by 0; else EPERM";

/// `prlimit64`, `sched_setaffinity`, `sched_setattr`, `sched_setparam`, `sched_setscheduler`.
pub(in crate::seccomp) const SELF: Check =
    Check { says: SAYS_SELF, rule: only_zero(Argument::First) };

const ZERO_SECOND: Rule = only_zero(Argument::Second);

/// `setpriority`. A process group or a user may contain PID 1.
pub(in crate::seccomp) const SELF_PRIORITY: Check = Check {
    says: SAYS_SELF,
    rule: Rule::Switch {
        argument: Argument::First,
        mask: u32::MAX,
        cases: &[Case { values: &[PRIO_PROCESS], then: ZERO_SECOND }],
        otherwise: &DENY,
    },
};

/// `IOPRIO_WHO_PROCESS` of linux/ioprio.h.
const IOPRIO_WHO_PROCESS: u32 = 1;

/// `ioprio_set`.
pub(in crate::seccomp) const SELF_IO_PRIORITY: Check = Check {
    says: SAYS_SELF,
    rule: Rule::Switch {
        argument: Argument::First,
        mask: u32::MAX,
        cases: &[Case { values: &[IOPRIO_WHO_PROCESS], then: ZERO_SECOND }],
        otherwise: &DENY,
    },
};
