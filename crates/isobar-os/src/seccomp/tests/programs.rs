//! What real programs call, as observed, and that the filter lets them.
//!
//! The lists were recorded on Debian 12 (Linux 6.18, x86-64) with `strace -f`, by running each
//! program natively through the work that its comment names. A call whose verdict depends on its
//! arguments is asked with each argument list that was seen, in [`OBSERVED`].
//! The recording says what programs try, not what they need: clone3 is tried, and fallen back from.

use std::collections::HashMap;

use super::super::table::Verdict;
use super::super::{Action, ProcessRule, row_of};
use super::{Asked, ENOSYS, number};

/// CPython 3.11.2 and 3.11.7: json, ssl, subprocess, asyncio with a server, sqlite3, multiprocessing by
/// all three start methods with shared memory, threads, terminals, signals, timers, memfd, pidfd.
const CPYTHON: &str = "\
    accept4 access arch_prctl bind brk chdir chmod clock_nanosleep clone clone3 close \
    close_range connect dup2 epoll_create1 epoll_ctl epoll_wait eventfd2 execve exit exit_group \
    faccessat2 fadvise64 fchown fcntl fdatasync ftruncate futex getcwd getdents64 getegid \
    geteuid getgid getgroups getpeername getpgrp getpid getppid getpriority getrandom getrusage \
    getsockname getsockopt gettid getuid ioctl kill link listen listxattr lseek madvise \
    memfd_create mkdir mknodat mmap mprotect msync munmap newfstatat openat pidfd_open pipe2 \
    poll pread64 prlimit64 pwrite64 read readlink recvfrom recvmsg rename rmdir rseq \
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait sched_getaffinity sendfile sendmsg \
    sendto set_robust_list set_tid_address setitimer setpriority setsockopt socket socketpair \
    statfs symlink sysinfo tgkill truncate umask uname unlink unlinkat utimensat vfork wait4 \
    write";

/// numpy 2.4.6 with OpenBLAS: products, inversion, Fourier transform, a mapped file.
const NUMPY: &str = "\
    access arch_prctl brk clone3 close execve exit exit_group fcntl fstat futex getcwd \
    getdents64 getrandom gettid ioctl lseek madvise mbind mmap mprotect munmap newfstatat openat \
    pread64 prlimit64 read readlink rseq rt_sigaction rt_sigprocmask sched_getaffinity \
    set_robust_list set_tid_address sysinfo uname write";

/// node 20.20.2: worker_threads, child processes, http, dns, crypto, file watching and copying.
const NODE: &str = "\
    accept4 access arch_prctl bind brk capget chmod clone clone3 close connect copy_file_range \
    dup2 epoll_create1 epoll_ctl epoll_pwait eventfd2 execve exit exit_group fchmod fcntl fstat \
    ftruncate futex getcwd getdents64 getegid geteuid getgid getpid getppid getrandom \
    getsockname getsockopt gettid getuid inotify_add_watch inotify_init1 inotify_rm_watch ioctl \
    listen lseek madvise mkdir mmap mprotect munmap newfstatat openat pipe2 pkey_alloc pread64 \
    prlimit64 read readlink recvmsg rseq rt_sigaction rt_sigprocmask rt_sigreturn \
    sched_getaffinity sendto set_robust_list set_tid_address setpriority setsockopt shutdown \
    socket socketpair statx sysinfo uname unlink wait4 write writev";

/// bash 5.2 with coreutils 9.1, findutils, grep, tar, gawk: pipelines, traps, FIFOs, redirections.
const BASH: &str = "\
    access arch_prctl brk clock_nanosleep clone close connect copy_file_range creat dup dup2 \
    execve exit_group fadvise64 fchdir fchmod fchmodat fchown fcntl flock fsetxattr fstatfs \
    fsync futex get_mempolicy getcwd getdents64 getegid geteuid getgid getgroups getpgrp getpid \
    getppid getpriority getrandom getuid getxattr ioctl kill lgetxattr lseek mknodat mmap \
    mprotect munmap newfstatat openat pipe2 poll prctl pread64 prlimit64 pselect6 read readlink \
    renameat renameat2 rseq rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend \
    sched_getaffinity set_mempolicy set_robust_list set_tid_address setpgid setpriority \
    sigaltstack socket statfs statx symlinkat sysinfo timer_create timer_settime umask uname \
    unlink unlinkat utimensat wait4 write";

/// git 2.47.3: init, add, commit, gc, clone, fetch, status, diff, checkout, worktree.
const GIT: &str = "\
    access alarm arch_prctl brk chdir chmod clone clone3 close dup dup2 execve exit exit_group \
    fcntl fstatfs fsync futex getcwd getdents64 getegid geteuid getgid getpgrp getpid getppid \
    getrandom getuid ioctl link lseek madvise mkdir mmap mprotect munmap newfstatat openat pipe2 \
    poll pread64 prlimit64 read readlink rename rmdir rseq rt_sigaction rt_sigprocmask \
    rt_sigreturn set_robust_list set_tid_address setitimer setsid symlink sysinfo uname unlink \
    unlinkat vfork wait4 write";

/// gcc 12.2.0 and binutils: dynamic and static programs with threads, C++, LTO, archives.
const GCC: &str = "\
    access arch_prctl brk chdir chmod clone clone3 close dup dup2 execve exit exit_group \
    faccessat2 fcntl futex getcwd getdents64 getegid geteuid getgid getpeername getpgrp getpid \
    getppid getrandom getrusage getuid ioctl lseek madvise mmap mprotect munmap newfstatat \
    openat pipe2 pread64 prlimit64 read readlink rseq rt_sigaction rt_sigprocmask rt_sigreturn \
    set_robust_list set_tid_address sysinfo umask uname unlink unlinkat vfork wait4 write";

/// rustc 1.95.0 with its linker.
const RUSTC: &str = "\
    access arch_prctl brk clone clone3 close dup2 epoll_create1 epoll_ctl epoll_wait eventfd2 \
    execve exit exit_group fcntl fstat ftruncate futex getcwd getdents64 getpid getrandom gettid \
    ioctl lseek lstat madvise mkdir mmap mprotect munmap newfstatat open openat pipe2 poll prctl \
    pread64 prlimit64 read readlink recvfrom rename rseq rt_sigaction rt_sigprocmask \
    rt_sigreturn sched_getaffinity sched_yield set_robust_list set_tid_address sigaltstack \
    socketpair stat statx sysinfo tgkill uname unlink unlinkat vfork wait4 write";

/// A static Rust program: threads, sockets, child processes, recursive removal.
const RUST: &str = "\
    accept4 access arch_prctl bind brk clock_nanosleep clone3 close connect copy_file_range \
    execve exit exit_group fchmod fcntl futex getdents64 getrandom getsockname gettid listen \
    lseek madvise mkdir mmap mprotect munmap newfstatat openat poll pread64 prlimit64 read \
    readlink rseq rt_sigaction rt_sigprocmask sched_getaffinity set_robust_list set_tid_address \
    setsockopt sigaltstack socket statx unlinkat wait4 write";

/// A static Go 1.19 program: goroutines, garbage collection, http, child processes, signals.
const GO: &str = "\
    accept4 access arch_prctl bind brk clone close connect copy_file_range dup3 epoll_create1 \
    epoll_ctl epoll_pwait execve exit_group fcntl futex getdents64 getegid geteuid getgid \
    getpeername getpid getppid getrandom getrlimit getsockname getsockopt gettid getuid kill \
    listen madvise mkdirat mmap mprotect munmap nanosleep newfstatat openat pipe2 pread64 \
    prlimit64 read recvfrom rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity \
    sched_yield sendto set_robust_list set_tid_address setsockopt sigaltstack socket tgkill \
    uname unlinkat wait4 waitid write";

const PROGRAMS: [(&str, &str); 9] = [
    ("cpython", CPYTHON),
    ("numpy", NUMPY),
    ("node", NODE),
    ("bash", BASH),
    ("git", GIT),
    ("gcc", GCC),
    ("rustc", RUSTC),
    ("rust", RUST),
    ("go", GO),
];

/// Arguments of checked calls, as recorded from all programs above.
const OBSERVED: &[(&str, &[u64])] = &[
    // pthread_create, posix_spawn of Go (CLONE_VFORK | CLONE_VM), a thread of Go, fork.
    ("clone", &[0x003d_0f00]),
    ("clone", &[0x4111]),
    ("clone", &[0x000d_0f00]),
    ("clone", &[0x0120_0011]),
    // TCGETS, TIOCGWINSZ, TIOCGPGRP, FIONBIO, FIOCLEX, TIOCGPTN, TIOCGPTPEER, TIOCSPTLCK, FICLONE.
    ("ioctl", &[0, 0x5401]),
    ("ioctl", &[0, 0x5413]),
    ("ioctl", &[0, 0x540f]),
    ("ioctl", &[0, 0x5421]),
    ("ioctl", &[0, 0x5451]),
    ("ioctl", &[0, 0x8004_5430]),
    ("ioctl", &[0, 0x5441]),
    ("ioctl", &[0, 0x4004_5431]),
    ("ioctl", &[0, 0x4004_9409]),
    // Local and internet streams, and getifaddrs by the routing netlink.
    ("socket", &[1, 0x8_0801, 0]),
    ("socket", &[2, 0x8_0001, 6]),
    ("socket", &[2, 0x8_0801, 0]),
    ("socket", &[10, 0x8_0801, 0]),
    ("socket", &[16, 0x8_0003, 0]),
    ("socketpair", &[1, 0x8_0001, 0]),
    ("socketpair", &[1, 0x8_0005, 0]),
    // F_SETFD, F_GETFL, F_SETFL, F_SETLK, F_DUPFD_CLOEXEC, F_ADD_SEALS.
    ("fcntl", &[0, 2, 1]),
    ("fcntl", &[0, 3]),
    ("fcntl", &[0, 4, 0x800]),
    ("fcntl", &[0, 6]),
    ("fcntl", &[0, 1030]),
    ("fcntl", &[0, 1033]),
    // PR_SET_NAME, PR_CAPBSET_READ.
    ("prctl", &[15]),
    ("prctl", &[23, 40]),
    ("prlimit64", &[0, 3]),
    ("setpriority", &[0, 0, 0]),
    // mkfifo, mv.
    ("mknodat", &[0, 0, 0o010_666]),
    ("renameat2", &[0, 0, 0, 0, 1]),
    // MADV_DONTNEED, MADV_FREE, MADV_DONTFORK, MADV_HUGEPAGE.
    ("madvise", &[0, 0, 4]),
    ("madvise", &[0, 0, 8]),
    ("madvise", &[0, 0, 10]),
    ("madvise", &[0, 0, 14]),
    // O_RDONLY with a mode left over, O_WRONLY | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_EXCL.
    ("openat", &[0, 0, 0x8_0000, 0]),
    ("openat", &[0, 0, 0x8_0241, 0o666]),
    ("openat", &[0, 0, 0x8_00c2, 0o600]),
    ("open", &[0, 0x8_0000, 0]),
    ("creat", &[0, 0o666]),
    ("chmod", &[0, 0o1777]),
    ("fchmod", &[0, 0o755]),
    ("fchmodat", &[0, 0, 0o644]),
];

#[cfg(target_arch = "x86_64")]
#[test]
fn real_programs_find_every_call_served() {
    let mut observed: HashMap<&str, Vec<&[u64]>> = HashMap::new();
    for (name, args) in OBSERVED {
        observed.entry(name).or_default().push(args);
    }
    // The stricter of the two: what it serves, the other serves too.
    let filter = Asked::new(ProcessRule::SelfOnly);
    for (program, calls) in PROGRAMS {
        for name in calls.split_ascii_whitespace() {
            let (_, row) = row_of(number(name)).unwrap();
            match row.verdict {
                Verdict::Allow => assert_eq!(filter.ask(name, &[]), Action::Allow),
                Verdict::Check(_) | Verdict::Guard(_) => {
                    let seen = observed.get(name).unwrap_or_else(|| {
                        panic!("{program}: {name} is checked, but no arguments are recorded")
                    });
                    for args in seen {
                        assert_eq!(filter.ask(name, args), Action::Allow, "{name} {args:#x?}");
                    }
                }
                Verdict::Absent => {
                    assert_eq!(name, "clone3", "{program}: only clone3 is known to fall back");
                    assert_eq!(filter.ask(name, &[]), ENOSYS);
                }
                Verdict::Deny => panic!("{program} calls {name}, which is denied"),
            }
        }
    }
    // Arguments that no program above uses would be dead weight here.
    for name in observed.keys() {
        let used = PROGRAMS
            .iter()
            .any(|(_, calls)| calls.split_ascii_whitespace().any(|call| call == *name));
        assert!(used, "{name}");
    }
}
