//! Time, facts about the machine, and what a program may do to confine itself further.

use super::Verdict::Check;
use super::{Group, calls};
use crate::seccomp::checks::options::{PERSONALITY, SECCOMP};

pub(super) const TIME: Group = Group {
    name: "time",
    reason: "reading clocks, sleeping, timers of the caller's own; setting a clock is under \
             administration",
    rows: calls! {
        __NR_gettimeofday;
        __NR_clock_gettime;
        __NR_clock_getres;
        __NR_clock_nanosleep;
        __NR_nanosleep;
        __NR_times;
        __NR_getitimer;
        __NR_setitimer;
        __NR_timer_create;
        __NR_timer_settime;
        __NR_timer_gettime;
        __NR_timer_getoverrun;
        __NR_timer_delete;
        __NR_timerfd_create;
        __NR_timerfd_settime;
        __NR_timerfd_gettime;
        @x86_64
        __NR_time;
        __NR_alarm;
    },
};

pub(super) const MACHINE: Group = Group {
    name: "machine",
    reason: "facts about the machine that programs start by asking for, and randomness",
    rows: calls! {
        __NR_uname;
        __NR_sysinfo;
        __NR_getrandom;
        __NR_personality => Check(&PERSONALITY);
    },
};

pub(super) const CONFINEMENT: Group = Group {
    name: "confinement",
    reason: "a program may confine itself further; rules and filters only add up",
    rows: calls! {
        __NR_seccomp => Check(&SECCOMP);
        __NR_landlock_create_ruleset;
        __NR_landlock_add_rule;
        __NR_landlock_restrict_self;
    },
};
