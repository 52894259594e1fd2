//! Throw-away children that do what the filter kills for.
//!
//! The filter kills the whole thread group of such a child and not its parent, though both share
//! memory: they are not the same group (seccomp(2), `SECCOMP_RET_KILL_PROCESS`).

use rustix::io::Errno;

use super::{call, launch, machine};

extern "C" fn i386(_: *const u8) -> ! {
    machine::call_i386();
    call::exit(0)
}

extern "C" fn x32(_: *const u8) -> ! {
    machine::call_x32();
    call::exit(0)
}

/// The signal that killed a child which made a 32-bit call; 0 if it lived.
pub(crate) fn i386_signal() -> Result<u32, Errno> {
    launch::run(i386).map(signal)
}

/// The signal that killed a child which made an x32 call; 0 if it lived.
pub(crate) fn x32_signal() -> Result<u32, Errno> {
    launch::run(x32).map(signal)
}

/// The signal in a status of wait4(2).
const fn signal(status: u32) -> u32 {
    status & 0x7f
}
