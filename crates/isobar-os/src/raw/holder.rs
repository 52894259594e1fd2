//! A process that does nothing but keep a user namespace alive until it has been opened.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use super::files::{Fd, close, read_once};
use super::spawn::{ChildStack, SpawnFlags, exit_now, spawn_sharing_memory};
use crate::pidfd::Child;

/// Holds a new user namespace. Dropping it kills and reaps the holding process.
#[derive(Debug)]
pub struct NamespaceHolder {
    // Fields drop in this order: the child must be gone before what it uses.
    child: Child,
    _stack: ChildStack,
    _lifeline: Box<Lifeline>,
    _ends: (OwnedFd, OwnedFd),
}

/// The numbers of a pipe whose writer is the maker alone: it ends with the maker, whenever that
/// dies, also before the holder could ask to die with it.
#[derive(Debug)]
struct Lifeline {
    reader: Fd,
    writer: Fd,
}

impl NamespaceHolder {
    /// Makes a process in a user namespace of its own.
    ///
    /// # Errors
    /// As clone3(2), pipe(2) and mmap(2).
    pub fn new() -> Result<Self, Errno> {
        Self::make(None)
    }

    /// As [`Self::new`], in a control group of version 2: shows that a process can be made there.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn in_group(group: BorrowedFd<'_>) -> Result<Self, Errno> {
        Self::make(Some(group))
    }

    fn make(group: Option<BorrowedFd<'_>>) -> Result<Self, Errno> {
        let stack = ChildStack::new()?;
        let ends = pipe_with(PipeFlags::CLOEXEC)?;
        let (reader, writer) = (Fd::of(ends.0.as_fd()), Fd::of(ends.1.as_fd()));
        let lifeline = Box::new(Lifeline { reader, writer });
        // SAFETY: stack and numbers live in the returned value and are dropped after `child`, whose
        // drop kills and reaps. `hold` makes raw system calls and nothing else.
        let (pid, pidfd) =
            unsafe { spawn_sharing_memory(SpawnFlags::USER, group, &stack, hold, &*lifeline) }?;
        let child = Child::new(pid, pidfd);
        Ok(Self { child, _stack: stack, _lifeline: lifeline, _ends: ends })
    }

    /// The process's number.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.child.pid()
    }
}

extern "C" fn hold(argument: usize) -> ! {
    // SAFETY: the maker passed a reference to a `Lifeline` that outlives this process.
    let lifeline = unsafe { &*(argument as *const Lifeline) };
    // The holder's own copy would keep the pipe open. Nothing is ever written: this ends with
    // SIGKILL, or because nobody is left to send it.
    if super::confine::parent_death_signal().is_ok() && close(lifeline.writer).is_ok() {
        read_once(lifeline.reader, &mut [0]).ok();
    }
    exit_now(0)
}
