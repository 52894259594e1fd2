//! The descriptors with fixed numbers: those that the agent starts with, and those that a process
//! has between clone and execve.
//!
//! | number | agent | process before execve |
//! | --- | --- | --- |
//! | 0 to 2 | `/dev/null` | its standard streams |
//! | 3 | agent stream | process stream |
//! | 4 | channel socket | write end of the pipe that tells the agent of execve |

use linux_raw_sys::general::{__NR_close_range, __NR_dup3, O_CLOEXEC};
use rustix::fd::{BorrowedFd, RawFd};
use rustix::io::Errno;

use super::call::result;
use super::machine::syscall6;

/// The first number that has no fixed meaning.
pub(crate) const FREE: RawFd = 5;

/// The descriptor of that fixed number.
fn fixed(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: numbers below `FREE` are open from before the first line and are never closed: the
    // agent checks them at its start, and `OwnedFd`s only ever have larger numbers.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Standard input, output and error.
pub(crate) fn standard() -> [BorrowedFd<'static>; 3] {
    [0, 1, 2].map(fixed)
}

/// In the agent: the agent stream. In a process before execve: its process stream.
pub(crate) fn stream() -> BorrowedFd<'static> {
    fixed(3)
}

/// In the agent: the socket that brings the channels of processes.
pub(crate) fn channels() -> BorrowedFd<'static> {
    fixed(4)
}

/// In a process before execve: what tells the agent that execve succeeded, by its end, or that it
/// never will, by a byte.
pub(crate) fn progress() -> BorrowedFd<'static> {
    fixed(4)
}

/// Closes everything that has no fixed meaning. To be called before the agent opens anything.
pub(crate) fn close_the_rest() -> Result<(), Errno> {
    close_from(FREE)
}

/// Gives a new process its process stream and its end of the pipe that tells of execve, which have
/// `stream` and `progress` for numbers until then.
///
/// Only for a process between clone and execve: it has a table of descriptors of its own, in which
/// nothing else is in use.
pub(crate) fn arrange_own(stream: RawFd, progress: RawFd) -> Result<(), Errno> {
    put(stream, 3, O_CLOEXEC)?;
    put(progress, 4, O_CLOEXEC)
}

/// Gives a new process its standard streams and closes all that is not in the table above. Only
/// after [`arrange_own`].
pub(crate) fn arrange_standard(streams: [RawFd; 3]) -> Result<(), Errno> {
    let [stdin, stdout, stderr] = streams;
    put(stdin, 0, 0)?;
    put(stdout, 1, 0)?;
    put(stderr, 2, 0)?;
    close_from(FREE)
}

fn put(from: RawFd, to: usize, flags: u32) -> Result<(), Errno> {
    // A number below `FREE` would be overwritten before its turn comes.
    if from < FREE {
        return Err(Errno::BADF);
    }
    let arguments = [from.cast_unsigned() as usize, to, flags as usize, 0, 0, 0];
    // SAFETY: the target has a fixed number, which no `OwnedFd` has.
    let raw = unsafe { syscall6(__NR_dup3 as usize, arguments) };
    result(raw).map(drop)
}

fn close_from(first: RawFd) -> Result<(), Errno> {
    let arguments = [first.cast_unsigned() as usize, u32::MAX as usize, 0, 0, 0, 0];
    // SAFETY: of the two callers one runs before any `OwnedFd` exists, the other in a process that
    // ends by execve or exit and drops none of those that it shares memory with.
    let raw = unsafe { syscall6(__NR_close_range as usize, arguments) };
    result(raw).map(drop)
}
