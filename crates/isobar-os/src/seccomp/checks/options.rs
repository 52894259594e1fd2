//! Rules for calls that hide many calls behind an option number: `prctl`, `seccomp`, `personality`,
//! `madvise`.
//!
//! Options that only concern the caller, or only take rights away, are listed. Options known to be
//! bad get EPERM. The rest gets EINVAL, as from a kernel that does not know it.

use linux_raw_sys::errno::EINVAL;
use linux_raw_sys::general::{F_NOTIFY, F_SETLEASE, MADV_MERGEABLE};
use linux_raw_sys::prctl::{
    PR_CAP_AMBIENT, PR_CAPBSET_DROP, PR_CAPBSET_READ, PR_GET_AUXV, PR_GET_CHILD_SUBREAPER,
    PR_GET_DUMPABLE, PR_GET_KEEPCAPS, PR_GET_MDWE, PR_GET_NAME, PR_GET_NO_NEW_PRIVS,
    PR_GET_PDEATHSIG, PR_GET_SECCOMP, PR_GET_SECUREBITS, PR_GET_SPECULATION_CTRL,
    PR_GET_THP_DISABLE, PR_GET_TID_ADDRESS, PR_GET_TIMERSLACK, PR_GET_TIMING, PR_GET_TSC,
    PR_SCHED_CORE, PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_MDWE,
    PR_SET_MM, PR_SET_NAME, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, PR_SET_PTRACER, PR_SET_SECCOMP,
    PR_SET_SECUREBITS, PR_SET_THP_DISABLE, PR_SET_TIMERSLACK, PR_SET_VMA,
    PR_TASK_PERF_EVENTS_DISABLE, PR_TASK_PERF_EVENTS_ENABLE,
};
use linux_raw_sys::ptrace::{
    SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
    SECCOMP_GET_ACTION_AVAIL, SECCOMP_GET_NOTIF_SIZES, SECCOMP_SET_MODE_FILTER,
    SECCOMP_SET_MODE_STRICT,
};

use crate::seccomp::rule::{ALLOW, Argument, Case, Check, DENY, Rule, errno};

/// The caller's own names, signals, timers and memory labels.
const OWN: &[u32] = &[
    PR_SET_PDEATHSIG,
    PR_GET_PDEATHSIG,
    PR_GET_DUMPABLE,
    PR_SET_DUMPABLE,
    PR_GET_TIMING,
    PR_SET_NAME,
    PR_GET_NAME,
    PR_GET_TSC,
    PR_SET_TIMERSLACK,
    PR_GET_TIMERSLACK,
    PR_SET_CHILD_SUBREAPER,
    PR_GET_CHILD_SUBREAPER,
    PR_GET_TID_ADDRESS,
    PR_SET_THP_DISABLE,
    PR_GET_THP_DISABLE,
    PR_GET_SPECULATION_CTRL,
    PR_SET_VMA,
    PR_GET_AUXV,
];

/// Rights of the caller: read, or given away. There is no capability that an ambient set could
/// take from the permitted one, nor one to keep.
const RIGHTS: &[u32] = &[
    PR_GET_KEEPCAPS,
    PR_SET_KEEPCAPS,
    PR_GET_SECCOMP,
    PR_SET_SECCOMP,
    PR_CAPBSET_READ,
    PR_CAPBSET_DROP,
    PR_GET_SECUREBITS,
    PR_SET_NO_NEW_PRIVS,
    PR_GET_NO_NEW_PRIVS,
    PR_CAP_AMBIENT,
    PR_SET_MDWE,
    PR_GET_MDWE,
];

/// Who may trace, what /proc shows as the program, performance counters, core scheduling.
const BAD: &[u32] = &[
    PR_SET_SECUREBITS,
    PR_TASK_PERF_EVENTS_DISABLE,
    PR_TASK_PERF_EVENTS_ENABLE,
    PR_SET_MM,
    PR_SCHED_CORE,
    PR_SET_PTRACER,
];

/// Vector lengths and pointer authentication of the caller's own thread.
#[cfg(target_arch = "aarch64")]
const MACHINE: &[u32] = &[
    linux_raw_sys::prctl::PR_SVE_SET_VL,
    linux_raw_sys::prctl::PR_SVE_GET_VL,
    linux_raw_sys::prctl::PR_PAC_RESET_KEYS,
    linux_raw_sys::prctl::PR_SET_TAGGED_ADDR_CTRL,
    linux_raw_sys::prctl::PR_GET_TAGGED_ADDR_CTRL,
    linux_raw_sys::prctl::PR_PAC_SET_ENABLED_KEYS,
    linux_raw_sys::prctl::PR_PAC_GET_ENABLED_KEYS,
    linux_raw_sys::prctl::PR_SME_SET_VL,
    linux_raw_sys::prctl::PR_SME_GET_VL,
];
/// Nothing of that kind: x86-64 has `arch_prctl`.
#[cfg(target_arch = "x86_64")]
const MACHINE: &[u32] = &[];

/// `prctl`.
pub(in crate::seccomp) const PRCTL: Check = Check {
    says: "the caller's own settings, and giving rights away; options for tracing, memory layout, \
           counters and core scheduling get EPERM, others EINVAL",
    rule: Rule::Switch {
        argument: Argument::First,
        mask: u32::MAX,
        cases: &[
            Case { values: OWN, then: ALLOW },
            Case { values: RIGHTS, then: ALLOW },
            Case { values: MACHINE, then: ALLOW },
            Case { values: BAD, then: DENY },
        ],
        otherwise: &errno(EINVAL),
    },
};

/// `seccomp`: a further filter can only take more away, since the strictest answer counts. A
/// listener is another thing: it answers calls with descriptors and values of its own. Nor does a
/// filter of the guest's write to the host's log, or switch the speculation guards of its processes
/// off.
pub(in crate::seccomp) const SECCOMP: Check = Check {
    says: "further filters, for all threads if asked; a listener gets EPERM, other flags EINVAL",
    rule: Rule::Switch {
        argument: Argument::First,
        mask: u32::MAX,
        cases: &[
            Case {
                values: &[SECCOMP_SET_MODE_FILTER],
                then: Rule::Switch {
                    argument: Argument::Second,
                    mask: u32::MAX,
                    cases: &[Case {
                        values: &[
                            0,
                            SECCOMP_FILTER_FLAG_TSYNC,
                            SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
                            SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
                        ],
                        then: ALLOW,
                    }],
                    otherwise: &Rule::AnyBit {
                        argument: Argument::Second,
                        bits: SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        some: &DENY,
                        none: &errno(EINVAL),
                    },
                },
            },
            Case {
                values: &[
                    SECCOMP_SET_MODE_STRICT,
                    SECCOMP_GET_ACTION_AVAIL,
                    SECCOMP_GET_NOTIF_SIZES,
                ],
                then: ALLOW,
            },
        ],
        otherwise: &errno(EINVAL),
    },
};

/// `personality`: the default (0), and asking for the present one (all bits set). Others turn off
/// address randomisation or make readable memory executable.
pub(in crate::seccomp) const PERSONALITY: Check = Check {
    says: "only the default personality, and asking; others get EPERM",
    rule: Rule::Switch {
        argument: Argument::First,
        mask: u32::MAX,
        cases: &[Case { values: &[0, u32::MAX], then: ALLOW }],
        otherwise: &DENY,
    },
};

/// `madvise`: equal pages merged across sandboxes tell by their timing what the neighbour holds.
pub(in crate::seccomp) const MADVISE: Check = Check {
    says: "no MADV_MERGEABLE, which shares equal pages with strangers; it gets EINVAL",
    rule: Rule::Switch {
        argument: Argument::Third,
        mask: u32::MAX,
        cases: &[Case { values: &[MADV_MERGEABLE], then: errno(EINVAL) }],
        otherwise: &ALLOW,
    },
};

/// `fcntl`.
pub(in crate::seccomp) const FCNTL: Check = Check {
    says: "no F_SETLEASE, with which a reader stalls every writer on the host for as long as the \
           lease-break time, and no F_NOTIFY; both get EINVAL",
    rule: Rule::Switch {
        argument: Argument::Second,
        mask: u32::MAX,
        cases: &[Case { values: &[F_SETLEASE, F_NOTIFY], then: errno(EINVAL) }],
        otherwise: &ALLOW,
    },
};
