//! Children of this process, which has one thread, so a child may go on where it was made.

use linux_raw_sys::general as linux;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, waitpid};

use super::call::call;

/// `SIGCHLD`, which a child's end sends.
const SIGCHLD: u64 = 17;

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With an exit code.
    With(u8),
    /// By a signal.
    By(i32),
}

/// clone(2) without a stack or shared memory, as fork(2) with flags. `None` in the child.
fn clone(flags: u64) -> Result<Option<Pid>, Errno> {
    let flags = usize::try_from(flags | SIGCHLD).map_err(|_| Errno::INVAL)?;
    // SAFETY: without a stack and without CLONE_VM the child is a copy; this process has one
    // thread, so no lock is held by a thread that the copy lacks.
    let answer = unsafe { call(linux::__NR_clone, [flags, 0, 0, 0, 0]) }?;
    Ok(Pid::from_raw(i32::try_from(answer).map_err(|_| Errno::OVERFLOW)?))
}

/// fork(2). `None` in the child.
pub(crate) fn fork() -> Result<Option<Pid>, Errno> {
    clone(0)
}

/// Ends this process at once: nothing that it inherited from its parent is flushed twice.
pub(crate) fn exit(code: u8) -> ! {
    loop {
        // SAFETY: a number only; the call does not return.
        let refused = unsafe { call(linux::__NR_exit_group, [usize::from(code)]) };
        debug_assert!(refused.is_err());
    }
}

/// Waits for a child's end.
pub(crate) fn reap(child: Pid) -> Result<Ended, Errno> {
    let status = loop {
        match waitpid(Some(child), WaitOptions::empty()) {
            Ok(Some((_, status))) => break status,
            Ok(None) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    };
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ok(Ended::With(u8::try_from(code).unwrap_or(u8::MAX))),
        (None, Some(signal)) => Ok(Ended::By(signal)),
        (None, None) => Err(Errno::CHILD),
    }
}

/// Runs `act` in a child and waits for it.
pub(crate) fn in_child(act: impl FnOnce() -> u8) -> Result<Ended, Errno> {
    match fork()? {
        None => exit(act()),
        Some(child) => reap(child),
    }
}

/// Makes a child with these flags, which ends at once.
pub(crate) fn ended_child(flags: u64) -> Result<(), Errno> {
    match clone(flags)? {
        None => exit(0),
        Some(child) => reap(child).map(drop),
    }
}

/// As [`ended_child`], by clone3(2), whose flags lie in memory.
pub(crate) fn ended_child3(flags: u64) -> Result<(), Errno> {
    let arguments = linux::clone_args {
        flags,
        pidfd: 0,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: SIGCHLD,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    };
    let size = size_of_val(&arguments);
    // SAFETY: as in `clone`; `arguments` has the layout and the size that is said and lives across
    // the call.
    let answer = unsafe { call(linux::__NR_clone3, [&raw const arguments as usize, size]) }?;
    match Pid::from_raw(i32::try_from(answer).map_err(|_| Errno::OVERFLOW)?) {
        None => exit(0),
        Some(child) => reap(child).map(drop),
    }
}

/// Moves this process into new namespaces (unshare(2)).
pub(crate) fn unshare(flags: u32) -> Result<(), Errno> {
    // SAFETY: a number only; descriptors and memory stay as they are.
    unsafe { call(linux::__NR_unshare, [flags as usize]) }.map(drop)
}

/// Kills a child and waits until it is gone.
pub(crate) fn kill(child: Pid) -> Result<(), Errno> {
    rustix::process::kill_process(child, Signal::KILL)?;
    reap(child).map(drop)
}
