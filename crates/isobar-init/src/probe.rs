//! Tries what the layers round this process must refuse.
//!
//! Neither the filter nor Landlock can be read back from the kernel, so each has something that it
//! alone refuses: a reserved call, answered with an errno derived from the filter's digest, and a
//! canary file that only Landlock denies. The filter's kill rules cost a throw-away child each.

use isobar_boundary::protocol::Setup;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::sys;

/// The errno of the reserved call; `ENOSYS` without a filter.
pub(crate) fn filter(setup: &Setup) -> u32 {
    sys::call::probe(setup.probe_call)
}

/// The errno of opening the canary; 0 where it opened, or where none was placed.
pub(crate) fn canary(setup: &Setup) -> u32 {
    if setup.flags & Setup::NO_LANDLOCK != 0 {
        return 0;
    }
    let opened = openat(CWD, c"/.isobar", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    opened.map_or_else(|errno| errno.raw_os_error().cast_unsigned(), |_| 0)
}

/// The signals that killed a child which made a 32-bit call, and one which made an x32 call; 0
/// where it lived, or where there is no filter.
pub(crate) fn kill_rules(setup: &Setup) -> Result<(u32, u32), Errno> {
    if setup.flags & Setup::NO_SECCOMP != 0 {
        return Ok((0, 0));
    }
    Ok((sys::probe::i386_signal()?, sys::probe::x32_signal()?))
}
