//! From a raw answer to a typed result, and the numbers that the headers of the floor kernel name.

use rustix::io::Errno;

/// Call numbers, from the kernel's headers through linux-raw-sys.
pub(super) mod number {
    pub(crate) use linux_raw_sys::general::{
        __NR_capset as CAPSET, __NR_chdir as CHDIR, __NR_clone3 as CLONE3, __NR_close as CLOSE,
        __NR_close_range as CLOSE_RANGE, __NR_dup3 as DUP3, __NR_execveat as EXECVEAT,
        __NR_exit_group as EXIT_GROUP, __NR_fchdir as FCHDIR, __NR_fsconfig as FSCONFIG,
        __NR_fsmount as FSMOUNT, __NR_fsopen as FSOPEN, __NR_futex as FUTEX, __NR_ioctl as IOCTL,
        __NR_landlock_add_rule as LANDLOCK_ADD_RULE,
        __NR_landlock_create_ruleset as LANDLOCK_CREATE_RULESET,
        __NR_landlock_restrict_self as LANDLOCK_RESTRICT_SELF, __NR_mkdirat as MKDIRAT,
        __NR_mount_setattr as MOUNT_SETATTR, __NR_move_mount as MOVE_MOUNT,
        __NR_open_tree as OPEN_TREE, __NR_openat as OPENAT, __NR_openat2 as OPENAT2,
        __NR_pivot_root as PIVOT_ROOT, __NR_prctl as PRCTL, __NR_prlimit64 as PRLIMIT64,
        __NR_read as READ, __NR_rt_sigprocmask as RT_SIGPROCMASK, __NR_seccomp as SECCOMP,
        __NR_setgroups as SETGROUPS, __NR_sethostname as SETHOSTNAME, __NR_setns as SETNS,
        __NR_setresgid as SETRESGID, __NR_setresuid as SETRESUID, __NR_signalfd4 as SIGNALFD4,
        __NR_socket as SOCKET, __NR_statx as STATX, __NR_symlinkat as SYMLINKAT,
        __NR_tgkill as TGKILL, __NR_umask as UMASK, __NR_umount2 as UMOUNT2,
        __NR_unshare as UNSHARE, __NR_wait4 as WAIT4, __NR_write as WRITE,
    };
}

/// Makes one system call.
///
/// # Safety
/// As the architecture's `syscall`: every argument must be what the call expects.
pub(super) unsafe fn call<const N: usize>(
    number: u32,
    arguments: [usize; N],
) -> Result<usize, Errno> {
    let mut all = [0; 6];
    for (place, argument) in all.iter_mut().zip(arguments) {
        *place = argument;
    }
    // SAFETY: passed on from the caller.
    let answer = unsafe { super::x86_64::syscall(number, all) };
    match usize::try_from(answer) {
        Ok(value) => Ok(value),
        // The kernel's errors are -4095 to -1 (MAX_ERRNO in include/linux/err.h).
        Err(_) => Err(Errno::from_raw_os_error(i32::try_from(-answer).unwrap_or(i32::MAX))),
    }
}

/// Whether the fault build was told to break a layer; no such code exists in other builds.
macro_rules! faulty {
    ($fault:ident, $answer:expr) => {
        #[cfg(isobar_fault)]
        if crate::fault::active(crate::fault::Fault::$fault) {
            return $answer;
        }
    };
}
pub(super) use faulty;
