//! From a raw answer to a typed result, and the numbers that the headers of the floor kernel name.

use rustix::io::Errno;

/// Call numbers, from the kernel's headers through linux-raw-sys.
pub(crate) mod number {
    macro_rules! numbers {
        ($($constant:ident = $name:ident,)*) => {
            pub(crate) use linux_raw_sys::general::{$($name as $constant,)*};

            /// By name, for whoever lets one fail in the fault build.
            #[cfg(isobar_fault)]
            pub(crate) const NAMED: &[(&str, u32)] = &[$((stringify!($name), $constant),)*];
        };
    }

    numbers! {
        CAPSET = __NR_capset,
        CHDIR = __NR_chdir,
        CLONE3 = __NR_clone3,
        CLOSE = __NR_close,
        CLOSE_RANGE = __NR_close_range,
        DUP3 = __NR_dup3,
        EXECVEAT = __NR_execveat,
        EXIT_GROUP = __NR_exit_group,
        FCHDIR = __NR_fchdir,
        FSCONFIG = __NR_fsconfig,
        FSMOUNT = __NR_fsmount,
        FSOPEN = __NR_fsopen,
        FUTEX = __NR_futex,
        IOCTL = __NR_ioctl,
        LANDLOCK_ADD_RULE = __NR_landlock_add_rule,
        LANDLOCK_CREATE_RULESET = __NR_landlock_create_ruleset,
        LANDLOCK_RESTRICT_SELF = __NR_landlock_restrict_self,
        MKDIRAT = __NR_mkdirat,
        MOUNT_SETATTR = __NR_mount_setattr,
        MOVE_MOUNT = __NR_move_mount,
        OPEN_TREE = __NR_open_tree,
        OPENAT = __NR_openat,
        OPENAT2 = __NR_openat2,
        PIVOT_ROOT = __NR_pivot_root,
        PRCTL = __NR_prctl,
        PRLIMIT64 = __NR_prlimit64,
        READ = __NR_read,
        RT_SIGPROCMASK = __NR_rt_sigprocmask,
        SECCOMP = __NR_seccomp,
        SETGROUPS = __NR_setgroups,
        SETHOSTNAME = __NR_sethostname,
        SETNS = __NR_setns,
        SETRESGID = __NR_setresgid,
        SETRESUID = __NR_setresuid,
        SIGNALFD4 = __NR_signalfd4,
        SOCKET = __NR_socket,
        STATX = __NR_statx,
        SYMLINKAT = __NR_symlinkat,
        TGKILL = __NR_tgkill,
        UMASK = __NR_umask,
        UMOUNT2 = __NR_umount2,
        UNSHARE = __NR_unshare,
        WAIT4 = __NR_wait4,
        WRITE = __NR_write,
    }
}

/// Makes one system call.
///
/// # Safety
/// As the architecture's `syscall`: every argument must be what the call expects.
pub(super) unsafe fn call<const N: usize>(
    number: u32,
    arguments: [usize; N],
) -> Result<usize, Errno> {
    #[cfg(isobar_fault)]
    if let Some(errno) = crate::fault::failing(number) {
        return Err(errno);
    }
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
