//! Tries what the layers round this process must refuse.
//!
//! Neither the filter nor Landlock can be read back from the kernel, so each has something that it
//! alone refuses: a reserved call, answered with an errno derived from the filter's digest, and a
//! canary file that only Landlock denies. What later ABIs of Landlock added is tried by an act each, so
//! that a ruleset of an older one is noticed. The filter's kill rules cost a throw-away child each.

use isobar_boundary::protocol::Setup;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::termios::tcgetattr;

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
    opened.map_or_else(number, |_| 0)
}

/// The errno of truncating a file in `/proc`, where everything may be written and nothing be
/// truncated (ABI 3); 0 where it was, or where there is no Landlock. Nothing is lost: the file has no
/// length. It belongs to this process while that is dumpable only.
pub(crate) fn truncate(setup: &Setup) -> u32 {
    if setup.flags & Setup::NO_LANDLOCK != 0 {
        return 0;
    }
    let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::CLOEXEC;
    openat(CWD, c"/proc/self/comm", flags, Mode::empty()).map_or_else(number, |_| 0)
}

/// The errno of an ioctl call on the one device for which Landlock allows none (ABI 5); ENOTTY where
/// the device answered, 0 where there is no Landlock.
pub(crate) fn device_ioctl(setup: &Setup) -> u32 {
    if setup.flags & Setup::NO_LANDLOCK != 0 {
        return 0;
    }
    let opened = openat(CWD, c"/dev/full", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    opened.and_then(tcgetattr).map_or_else(number, |_| 0)
}

fn number(errno: Errno) -> u32 {
    errno.raw_os_error().cast_unsigned()
}

/// The signals that killed a child which made a 32-bit call, and one which made an x32 call; 0
/// where it lived, or where there is no filter.
pub(crate) fn kill_rules(setup: &Setup) -> Result<(u32, u32), Errno> {
    if setup.flags & Setup::NO_SECCOMP != 0 {
        return Ok((0, 0));
    }
    Ok((sys::probe::i386_signal()?, sys::probe::x32_signal()?))
}
