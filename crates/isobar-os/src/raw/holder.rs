//! A process that does nothing but keep a user namespace alive until it has been opened.

use rustix::io::Errno;

use super::spawn::{
    ChildStack, Shared, SpawnFlags, exit_now, spawn_sharing_memory, wait_while_zero,
};
use crate::pidfd::Child;

/// Holds a new user namespace. Dropping it kills and reaps the holding process.
#[derive(Debug)]
pub struct NamespaceHolder {
    // Fields drop in this order: the child must be gone before what it uses.
    child: Child,
    _stack: ChildStack,
    _never: Box<Shared>,
}

impl NamespaceHolder {
    /// Makes a process in a user namespace of its own.
    ///
    /// # Errors
    /// As clone3(2) and mmap(2).
    pub fn new() -> Result<Self, Errno> {
        let stack = ChildStack::new()?;
        let never = Box::new(Shared::new());
        // SAFETY: stack and word live in the returned value and are dropped after `child`, whose
        // drop kills and reaps. `hold` makes two raw system calls and nothing else.
        let (pid, pidfd) =
            unsafe { spawn_sharing_memory(SpawnFlags::USER, &stack, hold, &*never) }?;
        Ok(Self { child: Child::new(pid, pidfd), _stack: stack, _never: never })
    }

    /// The process's number.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.child.pid()
    }
}

extern "C" fn hold(argument: usize) -> ! {
    // A holder whose maker dies must not stay.
    if super::confine::parent_death_signal().is_ok() {
        // SAFETY: the maker passed a reference to a `Shared` that outlives this process.
        let never = unsafe { &*(argument as *const Shared) };
        // Nobody sets the word: this ends with SIGKILL.
        wait_while_zero(never).ok();
    }
    exit_now(0)
}
