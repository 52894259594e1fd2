//! Calls that make, await, name, signal and limit processes and threads.

use super::Verdict::{Absent, Check, Guard};
use super::{Group, calls};
use crate::seccomp::checks::options::PRCTL;
use crate::seccomp::checks::processes::{CLONE, SELF, SELF_IO_PRIORITY, SELF_PRIORITY};

pub(super) const PROCESSES: Group = Group {
    name: "processes",
    reason: "programs start programs; all stay in the sandbox's pid namespace, under this filter, \
             and are counted by the pids limit",
    rows: calls! {
        __NR_clone => Check(&CLONE);
        __NR_clone3 => Absent, "its flags lie in memory, where a filter cannot see them; C libraries \
                                fall back on clone";
        __NR_execve;
        __NR_execveat, "runs a descriptor; the filter and no_new_privs stay";
        __NR_exit;
        __NR_exit_group;
        __NR_wait4;
        __NR_waitid;
        __NR_getpid;
        __NR_getppid;
        __NR_gettid;
        __NR_getpgid;
        __NR_setpgid;
        __NR_getsid;
        __NR_setsid;
        __NR_pidfd_open;
        __NR_prctl => Check(&PRCTL);
        @x86_64
        __NR_fork;
        __NR_vfork;
        __NR_getpgrp;
        __NR_arch_prctl, "thread-local storage of the C library; the caller's own registers only";
    },
};

pub(super) const THREADS: Group = Group {
    name: "threads",
    reason: "how the threads of one program wait for each other",
    rows: calls! {
        __NR_futex;
        __NR_futex_waitv;
        __NR_futex_wake;
        __NR_futex_wait;
        __NR_futex_requeue;
        __NR_set_tid_address;
        __NR_set_robust_list;
        __NR_rseq;
        __NR_membarrier;
        __NR_sched_yield;
        __NR_getcpu;
    },
};

pub(super) const SIGNALS: Group = Group {
    name: "signals",
    reason: "reach processes of the sandbox's pid namespace only; PID 1 gets none that it does not \
             await",
    rows: calls! {
        __NR_rt_sigaction;
        __NR_rt_sigprocmask;
        __NR_rt_sigreturn;
        __NR_rt_sigpending;
        __NR_rt_sigtimedwait;
        __NR_rt_sigsuspend;
        __NR_rt_sigqueueinfo;
        __NR_rt_tgsigqueueinfo;
        __NR_sigaltstack;
        __NR_kill;
        __NR_tkill;
        __NR_tgkill;
        __NR_pidfd_send_signal;
        __NR_signalfd4;
        __NR_restart_syscall;
        @x86_64
        __NR_pause;
        __NR_signalfd;
    },
};

pub(super) const IDENTITY: Group = Group {
    name: "identity",
    reason: "reading who one is; the setting ones can do nothing without capabilities, and programs \
             call them to give rights away",
    rows: calls! {
        __NR_getuid;
        __NR_geteuid;
        __NR_getresuid;
        __NR_getgid;
        __NR_getegid;
        __NR_getresgid;
        __NR_getgroups;
        __NR_setuid;
        __NR_setreuid;
        __NR_setresuid;
        __NR_setfsuid;
        __NR_setgid;
        __NR_setregid;
        __NR_setresgid;
        __NR_setfsgid;
        __NR_setgroups;
        __NR_capget;
        __NR_capset, "can only drop";
    },
};

pub(super) const LIMITS: Group = Group {
    name: "limits",
    reason: "a program may lower its own limits and priority; where PID 1 has the guest's uid, \
             these calls could starve it, so they work on the caller only",
    rows: calls! {
        __NR_prlimit64 => Guard(&SELF);
        __NR_getrlimit;
        __NR_setrlimit, "the caller's own; hard limits only go down";
        __NR_getrusage;
        __NR_getpriority;
        __NR_setpriority => Guard(&SELF_PRIORITY);
        __NR_ioprio_get;
        __NR_ioprio_set => Guard(&SELF_IO_PRIORITY);
        __NR_sched_getparam;
        __NR_sched_setparam => Guard(&SELF);
        __NR_sched_getscheduler;
        __NR_sched_setscheduler => Guard(&SELF), "real time is refused by RLIMIT_RTPRIO";
        __NR_sched_getattr;
        __NR_sched_setattr => Guard(&SELF), "as sched_setscheduler";
        __NR_sched_getaffinity;
        __NR_sched_setaffinity => Guard(&SELF), "pthread_setaffinity_np names a thread by number and \
                                                 is refused then";
        __NR_sched_get_priority_max;
        __NR_sched_get_priority_min;
        __NR_sched_rr_get_interval;
    },
};
