//! `--status-fd N`: JSON lines about the run, on a descriptor that the caller opened.
//!
//! A guest can return any exit code and print anything; on this descriptor only isobar writes, so
//! what stands here decides. One `started` line where a sandbox was about to be made, and exactly
//! one `ended` line in every case. What we hold is a duplicate with close-on-exec.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};

use isobar_engine::policy::{BoundaryKind, Code, Diagnostic, Outcome};
use rustix::fs::{Mode, OFlags, fcntl_getfl, open};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use serde::Serialize;

use crate::output::write_all;

/// Why the descriptor cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StatusFdError {
    /// 0 to 2 are the guest's streams.
    #[error("status descriptor {number} is a standard stream")]
    Standard { number: u32 },
    /// Nothing is open there.
    #[error("status descriptor {number} is not open")]
    Closed { number: u32 },
    /// It is open for reading only.
    #[error("status descriptor {number} is not open for writing")]
    ReadOnly { number: u32 },
    /// The kernel does not hand it out.
    #[error("status descriptor {number} cannot be duplicated")]
    Duplicate {
        number: u32,
        #[source]
        source: Errno,
    },
    /// It was fine and failed later.
    #[error("cannot write to the status descriptor")]
    Write {
        #[source]
        source: Errno,
    },
}

impl From<StatusFdError> for Diagnostic {
    fn from(error: StatusFdError) -> Self {
        let remedy = "open a descriptor from 3 upwards for writing, such as `--status-fd 3 3>FILE`";
        Self::new(Code::RunStatusFd, &error, remedy)
    }
}

/// One line.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
enum Event<'a> {
    Started { version: u32, boundary: BoundaryKind },
    Ended { version: u32, exit_code: u8, outcome: &'a Outcome },
}

/// The version of the lines' form.
const VERSION: u32 = 1;

/// The descriptor, if one was asked for.
pub(crate) struct StatusFd {
    fd: Option<OwnedFd>,
}

impl fmt::Debug for StatusFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusFd").field("fd", &self.fd).finish()
    }
}

impl StatusFd {
    /// Takes a duplicate of descriptor `number` of this process.
    ///
    /// # Errors
    /// [`StatusFdError`] where it is not open for writing.
    pub(crate) fn open(number: Option<u32>) -> Result<Self, StatusFdError> {
        let Some(number) = number else { return Ok(Self { fd: None }) };
        if number < 3 {
            return Err(StatusFdError::Standard { number });
        }
        let fd = duplicate(number)?;
        let flags =
            fcntl_getfl(&fd).map_err(|source| StatusFdError::Duplicate { number, source })?;
        match flags & OFlags::RWMODE {
            OFlags::WRONLY | OFlags::RDWR => Ok(Self { fd: Some(fd) }),
            _ => Err(StatusFdError::ReadOnly { number }),
        }
    }

    /// The plan is made and the sandbox comes next.
    pub(crate) fn started(&self, boundary: BoundaryKind) -> Result<(), StatusFdError> {
        self.write(&Event::Started { version: VERSION, boundary })
    }

    /// The run is over, or never began.
    pub(crate) fn ended(&self, exit_code: u8, outcome: &Outcome) -> Result<(), StatusFdError> {
        self.write(&Event::Ended { version: VERSION, exit_code, outcome })
    }

    fn write(&self, event: &Event<'_>) -> Result<(), StatusFdError> {
        let Some(fd) = &self.fd else { return Ok(()) };
        // An event holds only text, numbers and lists, all of which JSON can write.
        let mut line = serde_json::to_vec(event).unwrap_or_default();
        line.push(b'\n');
        write_all(fd.as_fd(), &line).map_err(|source| StatusFdError::Write { source })
    }
}

/// A duplicate with close-on-exec. pidfd_getfd(2) on ourselves does that for a number that came
/// from the command line without any claim to own it; it needs no privilege within one process.
/// Where a filter around us forbids the call (Docker's does), the magic link under /proc does as
/// well for everything but sockets.
fn duplicate(number: u32) -> Result<OwnedFd, StatusFdError> {
    let raw = i32::try_from(number).map_err(|_| StatusFdError::Closed { number })?;
    let asked = pidfd_open(getpid(), PidfdFlags::empty())
        .and_then(|own| pidfd_getfd(own, raw, PidfdGetfdFlags::empty()));
    match asked {
        Ok(fd) => Ok(fd),
        Err(Errno::BADF) => Err(StatusFdError::Closed { number }),
        Err(_) => {
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC;
            open(format!("/proc/self/fd/{number}"), flags, Mode::empty()).map_err(|source| {
                match source {
                    Errno::NOENT => StatusFdError::Closed { number },
                    source => StatusFdError::Duplicate { number, source },
                }
            })
        }
    }
}
