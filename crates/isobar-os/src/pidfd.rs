//! Processes by descriptor (pidfd_open(2)): no race with a reused number.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{
    PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

/// A child of ours that is killed and reaped when this is dropped.
#[derive(Debug)]
pub struct Child {
    pid: i32,
    pidfd: OwnedFd,
    reaped: bool,
}

impl Child {
    /// Takes over a child of the calling process.
    #[must_use]
    pub const fn new(pid: i32, pidfd: OwnedFd) -> Self {
        Self { pid, pidfd, reaped: false }
    }

    /// Its number in our pid namespace.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// Becomes readable when it ends.
    #[must_use]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Sends SIGKILL. A child that has ended is no error.
    pub fn kill(&self) {
        if !self.reaped {
            // ESRCH says that it has ended, which is what the caller wants; nothing else can fail.
            pidfd_send_signal(&self.pidfd, Signal::KILL).ok();
        }
    }

    /// Waits for its end and reaps it. Blocks; a killed PID 1 takes its whole namespace along
    /// before this returns (pid_namespaces(7)).
    ///
    /// # Errors
    /// As waitid(2).
    pub fn reap(&mut self) -> Result<(), Errno> {
        if self.reaped {
            return Ok(());
        }
        loop {
            match waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED) {
                Err(Errno::INTR) => {}
                Ok(_) => break,
                Err(errno) => return Err(errno),
            }
        }
        self.reaped = true;
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        // A destructor has nobody to tell; `reap` is for callers who want to know.
        self.reap().ok();
    }
}

/// Opens a process that is not a child of ours.
///
/// # Errors
/// As pidfd_open(2).
pub fn open(pid: i32) -> Result<OwnedFd, Errno> {
    let pid = rustix::process::Pid::from_raw(pid).ok_or(Errno::SRCH)?;
    pidfd_open(pid, PidfdFlags::empty())
}
