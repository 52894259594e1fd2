//! System calls that rustix does not have, or has only for what is not enough here.
//!
//! One call a function. None of them follows a pointer that is not made in the function itself,
//! and an interrupted call is made again, except that poll just returns.

use core::ptr::null;

use isobar_init::{RUSAGE, Usage};
use linux_raw_sys::general::{
    __NR_clock_gettime, __NR_close_range, __NR_exit_group, __NR_kill, __NR_ppoll,
    __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_signalfd4, __NR_wait4, __NR_waitid,
    CLOCK_MONOTONIC, O_CLOEXEC, O_NONBLOCK, P_ALL, SIG_SETMASK, SIGCHLD, WEXITED, WNOHANG, WNOWAIT,
};
use rustix::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::Errno;

use super::machine::syscall6;

/// Bytes of the kernel's signal set.
const SIGNAL_SET: usize = size_of::<u64>();
/// `include/uapi/linux/close_range.h`.
const CLOSE_RANGE_CLOEXEC: usize = 4;
/// Signals have the numbers 1 to this.
pub(crate) const SIGNALS: u32 = 64;

/// What the kernel's return value means.
pub(super) fn result(raw: isize) -> Result<usize, Errno> {
    match i32::try_from(raw) {
        Ok(error @ -4095..=-1) => Err(Errno::from_raw_os_error(-error)),
        _ => Ok(raw.cast_unsigned()),
    }
}

fn address<T>(value: &T) -> usize {
    core::ptr::from_ref(value).expose_provenance()
}

fn address_mut<T>(value: &mut T) -> usize {
    core::ptr::from_mut(value).expose_provenance()
}

/// Ends the process with that status.
pub(crate) fn exit(status: i32) -> ! {
    loop {
        // SAFETY: exit_group takes no pointer, and nothing runs after it.
        unsafe {
            syscall6(__NR_exit_group as usize, [status.cast_unsigned() as usize, 0, 0, 0, 0, 0])
        };
    }
}

/// Makes the call of that number with zeros for arguments; returns its errno, or 0.
pub(crate) fn probe(number: u32) -> u32 {
    // SAFETY: no argument names memory. The number comes from the supervisor before any guest
    // exists, and whoever chooses it could just as well start another program in our place.
    let raw = unsafe { syscall6(number as usize, [0; 6]) };
    result(raw).map_or_else(|errno| errno.raw_os_error().cast_unsigned(), |_| 0)
}

/// kill(2), with a negative target for a process group.
pub(crate) fn kill(target: i32, signal: u32) -> Result<(), Errno> {
    let target = target.cast_unsigned() as usize;
    // SAFETY: kill takes no pointer.
    let raw = unsafe { syscall6(__NR_kill as usize, [target, signal as usize, 0, 0, 0, 0]) };
    result(raw).map(drop)
}

/// Sets the signal mask of this thread. Signal `n` is bit `n - 1`.
pub(crate) fn set_signal_mask(mask: u64) -> Result<(), Errno> {
    let arguments = [SIG_SETMASK as usize, address(&mask), 0, SIGNAL_SET, 0, 0];
    // SAFETY: the kernel reads eight bytes of `mask`, which outlives the call.
    let raw = unsafe { syscall6(__NR_rt_sigprocmask as usize, arguments) };
    result(raw).map(drop)
}

/// Gives every signal its default disposition; an inherited "ignore" would outlive execve.
pub(crate) fn reset_dispositions() {
    // `struct kernel_sigaction`: the handler `SIG_DFL`, no flags, no restorer, an empty mask.
    let default = [0_u64; 4];
    for signal in 1..=SIGNALS {
        let arguments = [signal as usize, address(&default), 0, SIGNAL_SET, 0, 0];
        // SAFETY: the kernel reads 32 bytes of `default`, which outlives the call. It refuses
        // SIGKILL and SIGSTOP, whose disposition is fixed.
        unsafe { syscall6(__NR_rt_sigaction as usize, arguments) };
    }
}

/// A descriptor that is readable while SIGCHLD is pending. Never blocks, closed at execve.
pub(crate) fn child_signals() -> Result<OwnedFd, Errno> {
    let mask = 1_u64 << (SIGCHLD - 1);
    let flags = (O_CLOEXEC | O_NONBLOCK) as usize;
    let arguments = [usize::MAX, address(&mask), SIGNAL_SET, flags, 0, 0];
    // SAFETY: the kernel reads eight bytes of `mask`, which outlives the call.
    let raw = unsafe { syscall6(__NR_signalfd4 as usize, arguments) };
    let descriptor = i32::try_from(result(raw)?).map_err(|_| Errno::BADF)?;
    // SAFETY: the kernel just made this descriptor, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Makes every descriptor from `first` on close at execve (Linux 5.11).
pub(crate) fn close_at_execve(first: u32) -> Result<(), Errno> {
    let arguments = [first as usize, u32::MAX as usize, CLOSE_RANGE_CLOEXEC, 0, 0, 0];
    // SAFETY: a flag of descriptors changes; none is closed now.
    let raw = unsafe { syscall6(__NR_close_range as usize, arguments) };
    result(raw).map(drop)
}

/// A process that ended and was reaped.
pub(crate) struct Ended {
    /// Its number, which the kernel may give to another process from now on.
    pub(crate) pid: i32,
    /// As wait4(2) gives it.
    pub(crate) status: u32,
    /// Of the process and of what it waited for.
    pub(crate) usage: Usage,
}

/// Reaps a process that has ended: `pid`, or with -1 any. `None` where none has; with `block`,
/// waits for it.
pub(crate) fn reap(pid: i32, block: bool) -> Result<Option<Ended>, Errno> {
    let mut status = 0_u32;
    let mut usage = [0; RUSAGE];
    let options = if block { 0 } else { WNOHANG as usize };
    let who = pid.cast_unsigned() as usize;
    let arguments = [who, address_mut(&mut status), options, address_mut(&mut usage), 0, 0];
    loop {
        // SAFETY: the kernel writes a status and a `struct rusage`, both of which outlive the call.
        let raw = unsafe { syscall6(__NR_wait4 as usize, arguments) };
        match result(raw) {
            Err(Errno::INTR) => {}
            Err(Errno::CHILD) | Ok(0) => return Ok(None),
            Err(errno) => return Err(errno),
            Ok(pid) => {
                let pid = i32::try_from(pid).map_err(|_| Errno::CHILD)?;
                return Ok(Some(Ended { pid, status, usage: Usage::from_rusage(&usage) }));
            }
        }
    }
}

/// The number of a process that has ended and is not reaped yet.
pub(crate) fn peek_ended() -> Option<i32> {
    // `siginfo_t`: three numbers, padding to the alignment of a pointer, then the process's number.
    let mut info = [0_i32; 32];
    let options = (WEXITED | WNOHANG | WNOWAIT) as usize;
    let arguments = [P_ALL as usize, 0, address_mut(&mut info), options, 0, 0];
    // SAFETY: the kernel writes a `siginfo_t` of 128 bytes to `info`, which outlives the call.
    let raw = unsafe { syscall6(__NR_waitid as usize, arguments) };
    let [_, _, _, _, pid, ..] = info;
    (result(raw).is_ok() && pid > 0).then_some(pid)
}

/// `struct pollfd`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Interest {
    descriptor: i32,
    events: u16,
    happened: u16,
}

impl Interest {
    /// A place of the table that poll passes over.
    pub(crate) const NONE: Self = Self { descriptor: -1, events: 0, happened: 0 };

    /// Waits for `events` of that descriptor.
    pub(crate) fn new(descriptor: BorrowedFd<'_>, events: u32) -> Self {
        // The kernel's constants are wider than its field and fit it.
        let events = u16::try_from(events).unwrap_or(u16::MAX);
        Self { descriptor: descriptor.as_raw_fd(), events, happened: 0 }
    }

    /// What happened to it.
    pub(crate) fn happened(self) -> u32 {
        self.happened.into()
    }
}

/// Waits until something happened, or `millis` went by. A signal is nothing that happened.
pub(crate) fn poll(interests: &mut [Interest], millis: Option<u64>) -> Result<(), Errno> {
    let limit = millis.map(|millis| [millis / 1000, millis % 1000 * 1_000_000]);
    let limit = limit.as_ref().map_or(null(), core::ptr::from_ref).expose_provenance();
    let table = interests.as_mut_ptr().expose_provenance();
    let arguments = [table, interests.len(), limit, 0, SIGNAL_SET, 0];
    // SAFETY: the kernel writes to the table, of which it knows the length, and to the time, a
    // `struct timespec` that outlives the call.
    let raw = unsafe { syscall6(__NR_ppoll as usize, arguments) };
    match result(raw) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Milliseconds of a clock that only goes forward.
pub(crate) fn millis() -> u64 {
    let mut time = [0_u64; 2];
    let arguments = [CLOCK_MONOTONIC as usize, address_mut(&mut time), 0, 0, 0, 0];
    // SAFETY: the kernel writes a `struct timespec` to `time`, which outlives the call.
    unsafe { syscall6(__NR_clock_gettime as usize, arguments) };
    let [seconds, nanos] = time;
    seconds * 1000 + nanos / 1_000_000
}
