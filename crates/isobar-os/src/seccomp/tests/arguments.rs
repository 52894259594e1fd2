//! The argument rules against expectations written by hand, from manual pages and attacks.

use super::super::{Action, ProcessRule};
use super::{
    Asked, EAFNOSUPPORT, EINVAL, ENOSYS, ENOTTY, EOPNOTSUPP, EPERM, EPROTONOSUPPORT,
    ESOCKTNOSUPPORT,
};

/// Bits above the 32 that the kernel looks at.
const HIGH: u64 = 1 << 32;

fn both() -> [Asked; 2] {
    [Asked::new(ProcessRule::Any), Asked::new(ProcessRule::SelfOnly)]
}

#[test]
fn clone_makes_threads_and_processes_but_no_namespace() {
    // CLONE_NEW* of linux/sched.h, one by one.
    let namespaces: [(&str, u64); 8] = [
        ("time", 0x80),
        ("mount", 0x0002_0000),
        ("cgroup", 0x0200_0000),
        ("uts", 0x0400_0000),
        ("ipc", 0x0800_0000),
        ("user", 0x1000_0000),
        ("pid", 0x2000_0000),
        ("net", 0x4000_0000),
    ];
    // What glibc gives for pthread_create, fork, posix_spawn.
    let plain = [0x003d_0f00, 0x0120_0011, 0x4111, 17];
    for filter in both() {
        for flags in plain {
            assert_eq!(filter.ask("clone", &[flags]), Action::Allow);
            assert_eq!(filter.ask("clone", &[flags | HIGH]), Action::Allow);
            for (name, flag) in namespaces {
                assert_eq!(filter.ask("clone", &[flags | flag]), EPERM, "{name}");
                assert_eq!(filter.ask("clone", &[flags | flag | HIGH]), EPERM, "{name}");
            }
        }
        assert_eq!(filter.ask("clone3", &[0x7000, 88]), ENOSYS, "glibc falls back on clone");
        assert_eq!(filter.ask("unshare", &[0x1000_0000]), EPERM);
        assert_eq!(filter.ask("setns", &[3, 0]), EPERM);
    }
}

#[test]
fn ioctl_high_bits_do_not_hide_a_request() {
    for filter in both() {
        for bad in [0x5412, 0x541c, 0x5423] {
            // CVE-2019-10063: a 64-bit comparison misses the second.
            assert_eq!(filter.ask("ioctl", &[0, bad]), EPERM);
            assert_eq!(filter.ask("ioctl", &[0, bad | HIGH]), EPERM);
            assert_eq!(filter.ask("ioctl", &[0, bad | !u64::from(u32::MAX)]), EPERM);
        }
        // TCGETS, TIOCGWINSZ, TIOCSPGRP, FIONREAD, FIONBIO, FIOCLEX, TIOCGPTN, TIOCGPTPEER,
        // TCGETS2, FS_IOC_GETFLAGS, FICLONE, SIOCGIFCONF, SIOCGIFHWADDR.
        for good in [
            0x5401,
            0x5413,
            0x5410,
            0x541b,
            0x5421,
            0x5451,
            0x8004_5430,
            0x5441,
            0x802c_542a,
            0x8008_6601,
            0x4004_9409,
            0x8912,
            0x8927,
        ] {
            assert_eq!(filter.ask("ioctl", &[0, good]), Action::Allow, "{good:#x}");
        }
        // TIOCCONS, FS_IOC_SETFLAGS, SIOCSIFADDR, KVM_CREATE_VM, FIBMAP, nothing.
        for unknown in [0x541d, 0x4008_6602, 0x8916, 0xae01, 1, 0] {
            assert_eq!(filter.ask("ioctl", &[0, unknown]), ENOTTY, "{unknown:#x}");
        }
        assert_eq!(filter.ask("ioctl", &[0, 0x8946]), EOPNOTSUPP, "SIOCETHTOOL");
    }
}

#[test]
fn sockets_are_local_internet_or_routing_netlink() {
    const CLOEXEC_NONBLOCK: u64 = 0o2_004_000;
    for filter in both() {
        for family in 0..=50_u64 {
            for kind in 0..16_u64 {
                let expected = match (family, kind) {
                    (1, 1 | 2 | 5) | (2 | 10, 1 | 2) | (16, 2 | 3) => Action::Allow,
                    (2 | 10, 3 | 10) => EPERM,
                    (1 | 2 | 10 | 16, _) => ESOCKTNOSUPPORT,
                    _ => EAFNOSUPPORT,
                };
                let pair = if family == 1 { expected } else { EAFNOSUPPORT };
                // Only four bits are the type (SOCK_TYPE_MASK).
                for kind in [kind, kind | CLOEXEC_NONBLOCK, kind | 0x10, kind | HIGH] {
                    assert_eq!(filter.ask("socket", &[family, kind]), expected, "{family} {kind}");
                    assert_eq!(filter.ask("socketpair", &[family, kind]), pair, "{family} {kind}");
                }
            }
        }
        assert_eq!(filter.ask("socket", &[HIGH | 38, 5]), EAFNOSUPPORT, "AF_ALG");
    }
}

#[test]
fn only_tcp_udp_and_routes_are_protocols() {
    let filter = Asked::new(ProcessRule::Any);
    for protocol in 0..=300_u64 {
        for family in [2, 10] {
            let tcp = if [0, 6].contains(&protocol) { Action::Allow } else { EPROTONOSUPPORT };
            let udp = if [0, 17].contains(&protocol) { Action::Allow } else { EPROTONOSUPPORT };
            assert_eq!(filter.ask("socket", &[family, 1, protocol]), tcp, "stream {protocol}");
            assert_eq!(filter.ask("socket", &[family, 2, protocol]), udp, "datagram {protocol}");
        }
        let route = if protocol == 0 { Action::Allow } else { EPROTONOSUPPORT };
        assert_eq!(filter.ask("socket", &[16, 3, protocol]), route, "netlink {protocol}");
    }
}

#[test]
fn no_file_gets_a_setuid_or_setgid_bit() {
    const O_CREAT: u64 = 0o100;
    const O_WRONLY: u64 = 1;
    const TMPFILE_BIT: u64 = 0o20_000_000;
    const O_DIRECTORY: u64 = 0o200_000;
    for filter in both() {
        for mode in 0..=0o7777_u64 {
            let expected = if mode & 0o6000 == 0 { Action::Allow } else { EPERM };
            let expect = |name: &str, args: &[u64]| {
                assert_eq!(filter.ask(name, args), expected, "{name} {mode:o}");
            };
            expect("fchmod", &[3, mode]);
            expect("fchmod", &[3, mode | HIGH]);
            expect("fchmodat", &[0, 0, mode]);
            expect("fchmodat2", &[0, 0, mode, 0]);
            expect("openat", &[0, 0, O_CREAT | O_WRONLY, mode]);
            expect("openat", &[0, 0, TMPFILE_BIT | O_DIRECTORY | O_WRONLY, mode]);
            expect("mknodat", &[0, 0, mode, 0]);
            expect("mknodat", &[0, 0, mode | 0o100_000, 0]);
            // Without O_CREAT the register holds garbage, and the kernel does not read it.
            assert_eq!(filter.ask("openat", &[0, 0, O_DIRECTORY, mode]), Action::Allow);
            if cfg!(target_arch = "x86_64") {
                expect("chmod", &[0, mode]);
                expect("creat", &[0, mode]);
                expect("open", &[0, O_CREAT, mode]);
                expect("open", &[0, TMPFILE_BIT, mode]);
                expect("mknod", &[0, mode, 0]);
                assert_eq!(filter.ask("open", &[0, O_DIRECTORY, mode]), Action::Allow);
            }
        }
        assert_eq!(filter.ask("openat2", &[0, 0, 0x7000, 24]), ENOSYS, "its mode is out of sight");
    }
}

#[test]
fn mknod_makes_fifos_files_and_sockets_only() {
    for filter in both() {
        for kind in 0..16_u64 {
            // 0 no type, 1 FIFO, 8 regular, 12 socket; 2 character and 6 block devices.
            let expected = if [0, 1, 8, 12].contains(&kind) { Action::Allow } else { EPERM };
            assert_eq!(filter.ask("mknodat", &[0, 0, kind << 12 | 0o644]), expected, "{kind}");
            if cfg!(target_arch = "x86_64") {
                assert_eq!(filter.ask("mknod", &[0, kind << 12 | 0o644]), expected, "{kind}");
            }
        }
        assert_eq!(filter.ask("renameat2", &[0, 0, 0, 0, 1]), Action::Allow, "RENAME_NOREPLACE");
        assert_eq!(filter.ask("renameat2", &[0, 0, 0, 0, 4]), EINVAL, "RENAME_WHITEOUT");
    }
}

#[test]
fn personality_stays_the_default() {
    for filter in both() {
        assert_eq!(filter.ask("personality", &[0]), Action::Allow);
        assert_eq!(filter.ask("personality", &[0xffff_ffff]), Action::Allow);
        // Exhaustive by single flags: ADDR_NO_RANDOMIZE and READ_IMPLIES_EXEC are among them.
        for bit in 0..32 {
            assert_eq!(filter.ask("personality", &[1 << bit]), EPERM, "{bit}");
        }
        assert_eq!(filter.ask("personality", &[HIGH]), Action::Allow, "the kernel reads 0");
    }
}

#[test]
fn prctl_options_are_a_list() {
    for filter in both() {
        // SET_PDEATHSIG, SET_DUMPABLE, SET_NAME, SET_SECCOMP, CAPBSET_READ, CAPBSET_DROP,
        // SET_TIMERSLACK, SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVS, SET_THP_DISABLE, CAP_AMBIENT,
        // SET_VMA.
        for good in [1, 4, 15, 22, 23, 24, 29, 36, 38, 41, 47, 0x5356_4d41] {
            assert_eq!(filter.ask("prctl", &[good]), Action::Allow, "{good}");
        }
        // SET_SECUREBITS, TASK_PERF_EVENTS_DISABLE and _ENABLE, SET_MM, SCHED_CORE, SET_PTRACER.
        for bad in [28, 31, 32, 35, 62, 0x5961_6d61] {
            assert_eq!(filter.ask("prctl", &[bad]), EPERM, "{bad}");
            assert_eq!(filter.ask("prctl", &[bad | HIGH]), EPERM, "{bad}");
        }
        // MPX_ENABLE_MANAGEMENT, SET_SYSCALL_USER_DISPATCH, SET_MEMORY_MERGE, unknown ones.
        for unknown in [43, 59, 67, 500, 0xffff_ffff] {
            assert_eq!(filter.ask("prctl", &[unknown]), EINVAL, "{unknown}");
        }
    }
}

#[test]
fn a_guest_may_filter_itself_but_not_listen() {
    for filter in both() {
        for flags in 0..64_u64 {
            let expected = match flags {
                // None, TSYNC, TSYNC_ESRCH, both; LOG is 2, SPEC_ALLOW 4, NEW_LISTENER 8.
                0 | 1 | 16 | 17 => Action::Allow,
                flags if flags & 8 != 0 => EPERM,
                _ => EINVAL,
            };
            assert_eq!(filter.ask("seccomp", &[1, flags]), expected, "{flags:#x}");
        }
        assert_eq!(filter.ask("seccomp", &[4]), EINVAL);
        assert_eq!(filter.ask("landlock_create_ruleset", &[]), Action::Allow);
        assert_eq!(filter.ask("madvise", &[0, 4096, 4]), Action::Allow, "MADV_DONTNEED");
        assert_eq!(filter.ask("madvise", &[0, 4096, 12]), EINVAL, "MADV_MERGEABLE");
    }
}

#[test]
fn process_calls_work_on_oneself_only_where_asked() {
    let [any, own] = both();
    let by_pid =
        ["prlimit64", "sched_setparam", "sched_setscheduler", "sched_setattr", "sched_setaffinity"];
    for name in by_pid {
        assert_eq!(own.ask(name, &[0]), Action::Allow, "{name}");
        assert_eq!(own.ask(name, &[HIGH]), Action::Allow, "{name}: pid_t is 32 bits wide");
        for pid in [1, 2, 0xffff_ffff] {
            assert_eq!(own.ask(name, &[pid]), EPERM, "{name} {pid}");
            assert_eq!(own.ask(name, &[pid | HIGH]), EPERM, "{name} {pid}");
            assert_eq!(any.ask(name, &[pid]), Action::Allow, "{name} {pid}");
        }
    }
    // PRIO_PROCESS is 0, PGRP 1, USER 2; IOPRIO_WHO_PROCESS is 1, PGRP 2, USER 3.
    for (name, process) in [("setpriority", 0), ("ioprio_set", 1)] {
        for which in 0..=4 {
            for who in [0, 1, 77] {
                let expected = if which == process && who == 0 { Action::Allow } else { EPERM };
                assert_eq!(own.ask(name, &[which, who]), expected, "{name} {which} {who}");
                assert_eq!(any.ask(name, &[which, who]), Action::Allow, "{name} {which} {who}");
            }
        }
    }
}

#[test]
fn calls_named_by_attacks_are_closed() {
    let denied = [
        "mount",
        "umount2",
        "pivot_root",
        "chroot",
        "open_tree",
        "fsopen",
        "fsconfig",
        "move_mount",
        "mount_setattr",
        "listmount",
        "open_by_handle_at",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "kexec_load",
        "init_module",
        "finit_module",
        "delete_module",
        "keyctl",
        "add_key",
        "request_key",
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "pidfd_getfd",
        "kcmp",
        "vmsplice",
        "swapon",
        "quotactl",
        "acct",
        "process_madvise",
        "settimeofday",
        "sethostname",
    ];
    for filter in both() {
        for name in denied {
            assert_eq!(filter.ask(name, &[]), EPERM, "{name}");
        }
        // Rings are filtered by nothing, so they look as if the kernel had none.
        for name in ["io_uring_setup", "io_uring_enter", "io_uring_register", "io_submit"] {
            assert_eq!(filter.ask(name, &[]), ENOSYS, "{name}");
        }
        if cfg!(target_arch = "x86_64") {
            for name in ["iopl", "ioperm", "modify_ldt", "kexec_file_load", "uselib"] {
                assert_eq!(filter.ask(name, &[]), EPERM, "{name}");
            }
        }
    }
}

#[test]
fn a_reader_cannot_stall_the_writers_of_a_file() {
    for request in both() {
        let lease = 1024_u64;
        let notify = 1026_u64;
        for command in [lease, notify, lease | 1 << 32] {
            let answer = request.ask("fcntl", &[0, command]);
            assert_ne!(
                answer,
                Action::Allow,
                "fcntl command {command:#x} reaches beyond the sandbox"
            );
        }
        assert_eq!(
            request.ask("fcntl", &[0, 1030]),
            Action::Allow,
            "F_DUPFD_CLOEXEC is everybody's"
        );
    }
}
