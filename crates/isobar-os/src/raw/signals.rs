//! Signals of one thread: its mask, and a descriptor that holds what the mask keeps back.

use std::os::fd::{FromRawFd, OwnedFd};

use linux_raw_sys::general as linux;
use rustix::io::Errno;

use super::call::{call, number};
use super::files::Fd;

/// Bytes of a kernel signal set: 64 signals, signal `n` is bit `n - 1`.
const SET_BYTES: usize = 8;

/// What [`change_signal_mask`] does with the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum MaskChange {
    /// Blocks these signals too.
    Block = linux::SIG_BLOCK,
    /// Blocks these signals and no others.
    Set = linux::SIG_SETMASK,
}

/// Changes the mask of the calling thread and says what it was (rt_sigprocmask(2)).
///
/// # Errors
/// As rt_sigprocmask(2).
pub fn change_signal_mask(change: MaskChange, set: u64) -> Result<u64, Errno> {
    let mut before = 0_u64;
    let (new, old) = (&raw const set as usize, &raw mut before as usize);
    // SAFETY: both sets are eight bytes that live across the call; `before` is borrowed mutably.
    unsafe { call(number::RT_SIGPROCMASK, [change as usize, new, old, SET_BYTES]) }?;
    Ok(before)
}

/// Opens a non-blocking descriptor that holds blocked signals of the reading thread
/// (signalfd4(2)).
///
/// # Errors
/// As signalfd4(2).
pub fn open_signal_queue(set: u64) -> Result<OwnedFd, Errno> {
    // SFD_CLOEXEC and SFD_NONBLOCK are the flags of open(2) (linux/signalfd.h).
    let flags = (linux::O_CLOEXEC | linux::O_NONBLOCK) as usize;
    let set = &raw const set as usize;
    // SAFETY: the set is eight bytes that live across the call; -1 asks for a new descriptor.
    let answer = unsafe { call(number::SIGNALFD4, [usize::MAX, set, SET_BYTES, flags]) }?;
    let descriptor = Fd::from_answer(answer).number();
    // SAFETY: the kernel has just made it, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Sends a signal to one thread of this process (tgkill(2)).
///
/// # Errors
/// As tgkill(2).
pub fn signal_thread(process: u32, thread: u32, signal: u8) -> Result<(), Errno> {
    // SAFETY: three numbers, no pointer.
    unsafe { call(number::TGKILL, [process as usize, thread as usize, usize::from(signal)]) }
        .map(drop)
}
