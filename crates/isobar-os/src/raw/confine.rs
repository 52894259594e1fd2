//! What a process gives up: capabilities, limits, Landlock, the filter.

use linux_raw_sys::prctl;
use rustix::io::Errno;

use super::call::{call, faulty, number};
use super::files::Fd;
use crate::seccomp::Instruction;

/// `LINUX_CAPABILITY_VERSION_3` (linux/capability.h).
const CAPABILITY_VERSION: u32 = 0x2008_0522;

fn control(option: u32, arguments: [usize; 2]) -> Result<usize, Errno> {
    let [first, second] = arguments;
    // SAFETY: every option used in this module takes numbers only.
    unsafe { call(number::PRCTL, [option as usize, first, second, 0, 0]) }
}

/// Sets effective, permitted and inheritable capabilities, as bit masks (capset(2)).
///
/// # Errors
/// As capset(2).
pub fn capset(effective: u64, permitted: u64, inheritable: u64) -> Result<(), Errno> {
    #[cfg(isobar_fault)]
    let extra = crate::fault::kept_capabilities();
    #[cfg(isobar_fault)]
    let (effective, permitted, inheritable) =
        (effective | extra, permitted | extra, inheritable | extra);
    let header = [CAPABILITY_VERSION, 0];
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the interface splits each mask in two words"
    )]
    let halves = |mask: u64| (mask as u32, (mask >> 32) as u32);
    let ((e0, e1), (p0, p1), (i0, i1)) =
        (halves(effective), halves(permitted), halves(inheritable));
    let data = [e0, p0, i0, e1, p1, i1];
    // SAFETY: header and data have the layout and size of version 3 and live across the call.
    unsafe { call(number::CAPSET, [header.as_ptr() as usize, data.as_ptr() as usize]) }?;
    // A capability survives exec by a user other than root only in the ambient set.
    #[cfg(isobar_fault)]
    if extra != 0 {
        return raise_ambient(crate::capability::SYS_ADMIN);
    }
    Ok(())
}

/// Puts one capability into the ambient set, so that it survives exec (PR_CAP_AMBIENT_RAISE). It
/// must be permitted and inheritable.
///
/// # Errors
/// As prctl(2).
pub fn raise_ambient(capability: u32) -> Result<(), Errno> {
    let raise = prctl::PR_CAP_AMBIENT_RAISE as usize;
    control(prctl::PR_CAP_AMBIENT, [raise, capability as usize]).map(drop)
}

/// Drops one capability from the bounding set (PR_CAPBSET_DROP).
///
/// # Errors
/// As prctl(2); EINVAL beyond the last capability of this kernel.
pub fn bounding_drop(capability: u32) -> Result<(), Errno> {
    faulty!(KeepBounding, Ok(()));
    // capset(2) would not let what the bounding set lacks become inheritable.
    #[cfg(isobar_fault)]
    if crate::fault::kept_capabilities() & crate::capability::mask(capability) != 0 {
        return Ok(());
    }
    control(prctl::PR_CAPBSET_DROP, [capability as usize, 0]).map(drop)
}

/// Whether the bounding set has a capability (PR_CAPBSET_READ).
///
/// # Errors
/// As prctl(2); EINVAL beyond the last capability of this kernel.
pub fn bounding_has(number: u32) -> Result<bool, Errno> {
    control(prctl::PR_CAPBSET_READ, [number as usize, 0]).map(|answer| answer != 0)
}

/// Empties the ambient set (PR_CAP_AMBIENT_CLEAR_ALL).
///
/// # Errors
/// As prctl(2).
pub fn clear_ambient() -> Result<(), Errno> {
    control(prctl::PR_CAP_AMBIENT, [prctl::PR_CAP_AMBIENT_CLEAR_ALL as usize, 0]).map(drop)
}

/// Gives up gaining privileges by exec (PR_SET_NO_NEW_PRIVS).
///
/// # Errors
/// As prctl(2).
pub fn no_new_privileges() -> Result<(), Errno> {
    faulty!(SkipNoNewPrivileges, Ok(()));
    control(prctl::PR_SET_NO_NEW_PRIVS, [1, 0]).map(drop)
}

/// Asks for SIGKILL when the thread that made this process ends (PR_SET_PDEATHSIG). A later change
/// of identity clears it.
///
/// # Errors
/// As prctl(2).
pub fn parent_death_signal() -> Result<(), Errno> {
    const SIGKILL: usize = 9;
    control(prctl::PR_SET_PDEATHSIG, [SIGKILL, 0]).map(drop)
}

/// Forbids other processes of the same user to look into the caller's memory (PR_SET_DUMPABLE 0).
///
/// # Errors
/// As prctl(2).
pub fn set_not_dumpable() -> Result<(), Errno> {
    control(prctl::PR_SET_DUMPABLE, [0, 0]).map(drop)
}

/// Sets soft and hard limit of the caller (prlimit(2)).
///
/// # Errors
/// As prlimit(2).
pub fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    faulty!(SkipLimits, Ok(()));
    let limit = [soft, hard];
    // SAFETY: `limit` has the layout of `struct rlimit64`; no old value is asked for.
    unsafe { call(number::PRLIMIT64, [0, resource as usize, limit.as_ptr() as usize, 0]) }.map(drop)
}

/// Installs a filter for the caller, which must have no_new_privs set (seccomp(2)). There is one
/// thread, so no TSYNC.
///
/// # Errors
/// As seccomp(2); E2BIG over 65535 instructions.
pub fn seccomp_filter(instructions: &[Instruction]) -> Result<(), Errno> {
    faulty!(SkipFilter, Ok(()));
    /// `struct sock_fprog` (linux/filter.h).
    #[repr(C)]
    struct Program {
        length: u16,
        instructions: *const Instruction,
    }
    let program = Program {
        length: u16::try_from(instructions.len()).map_err(|_| Errno::TOOBIG)?,
        instructions: instructions.as_ptr(),
    };
    let mode = linux_raw_sys::ptrace::SECCOMP_SET_MODE_FILTER as usize;
    // SAFETY: `program` points to as many instructions of the kernel's layout as it says; both
    // live across the call, and the kernel copies them.
    unsafe { call(number::SECCOMP, [mode, 0, &raw const program as usize]) }.map(drop)
}

/// Makes the reserved call `number`, which a filter of ours answers with an errno of its own.
/// Returns that errno; 0 where the call succeeded, which no kernel does.
#[must_use]
pub fn seccomp_probe(number: u32) -> u32 {
    // SAFETY: no kernel implements the reserved number; arguments are zero.
    match unsafe { call(number, [0; 0]) } {
        Ok(_) => 0,
        Err(errno) => errno.raw_os_error().unsigned_abs(),
    }
}

/// A ruleset that has been created and not yet enforced.
#[derive(Debug, Clone, Copy)]
pub struct LandlockRuleset(Fd);

/// Landlock's ABI (landlock_create_ruleset(2), LANDLOCK_CREATE_RULESET_VERSION).
///
/// # Errors
/// ENOSYS or EOPNOTSUPP where the kernel has none or it is switched off.
pub fn landlock_abi() -> Result<u32, Errno> {
    const VERSION: usize = 1;
    // SAFETY: with this flag the kernel takes neither pointer nor size.
    unsafe { call(number::LANDLOCK_CREATE_RULESET, [0, 0, VERSION]) }
        .map(|abi| u32::try_from(abi).unwrap_or(u32::MAX))
}

/// Creates a ruleset that handles the given file accesses and, from ABI 6, scopes.
///
/// # Errors
/// As landlock_create_ruleset(2).
pub fn landlock_create(handled_fs: u64, scoped: u64) -> Result<LandlockRuleset, Errno> {
    #[cfg(isobar_fault)]
    let (handled_fs, scoped) = crate::fault::weakened(handled_fs, scoped);
    // `struct landlock_ruleset_attr`: handled_access_fs, handled_access_net (ABI 4), scoped
    // (ABI 6). A kernel that does not know the later fields accepts them while they are zero.
    let attributes = [handled_fs, 0, scoped];
    // SAFETY: `attributes` has the layout and the size that is said and lives across the call.
    unsafe {
        call(
            number::LANDLOCK_CREATE_RULESET,
            [attributes.as_ptr() as usize, size_of_val(&attributes), 0],
        )
    }
    .map(|fd| LandlockRuleset(Fd::from_answer(fd)))
}

/// Allows `access` at and below the file `path`.
///
/// # Errors
/// As landlock_add_rule(2).
pub fn landlock_add_path(ruleset: LandlockRuleset, path: Fd, access: u64) -> Result<(), Errno> {
    const RULE_PATH_BENEATH: usize = 1;
    /// `struct landlock_path_beneath_attr`, which is packed.
    #[repr(C, packed)]
    struct PathBeneath {
        allowed: u64,
        parent: i32,
    }
    const { assert!(size_of::<PathBeneath>() == 12) };
    #[cfg(isobar_fault)]
    let (access, _) = crate::fault::weakened(access, 0);
    let rule = PathBeneath { allowed: access, parent: path.number() };
    // SAFETY: `rule` has the kernel's layout and lives across the call.
    unsafe {
        call(
            number::LANDLOCK_ADD_RULE,
            [ruleset.0.register(), RULE_PATH_BENEATH, &raw const rule as usize, 0],
        )
    }
    .map(drop)
}

/// Enforces the ruleset on the caller, for good. Needs no_new_privs.
///
/// # Errors
/// As landlock_restrict_self(2).
pub fn landlock_restrict(ruleset: LandlockRuleset) -> Result<(), Errno> {
    faulty!(SkipLandlock, Ok(()));
    // SAFETY: numbers only.
    unsafe { call(number::LANDLOCK_RESTRICT_SELF, [ruleset.0.register(), 0]) }.map(drop)
}
