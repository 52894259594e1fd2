//! Waiting with a bound, on descriptors only: a law never sleeps.

use std::fs::File;
use std::io::Read;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{Breach, breach};
use crate::{ExitReport, Process, Sandbox, SandboxEvent};

/// Longer than anything here takes; only a boundary that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `descriptor` is readable or hung up.
pub(super) fn readable(descriptor: BorrowedFd<'_>, deadline: Instant) -> Result<(), Breach> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| Breach::new("no time is left"))?;
        match poll(&mut [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)], Some(&left)) {
            Ok(0) => return breach("nothing happened for a minute"),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return breach(format!("poll: {errno}")),
        }
    }
}

/// Waits for the end of a process.
pub(super) fn end(process: &mut dyn Process) -> Result<ExitReport, Breach> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(report) = process.try_wait() {
            return Ok(report);
        }
        readable(process.pollable(), deadline)?;
    }
}

/// Collects the sandbox's events until it has ended.
pub(super) fn ended(sandbox: &mut dyn Sandbox) -> Result<Vec<SandboxEvent>, Breach> {
    let deadline = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    loop {
        events.extend(sandbox.events());
        if events.contains(&SandboxEvent::Ended) {
            return Ok(events);
        }
        readable(sandbox.pollable(), deadline)?;
    }
}

/// Everything that comes out of a stream until its last writer is gone.
pub(super) fn text(stream: Option<OwnedFd>) -> Result<String, Breach> {
    let Some(stream) = stream else { return breach("the stream was taken before") };
    let deadline = Instant::now() + PATIENCE;
    let mut file = File::from(stream);
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        readable(std::os::fd::AsFd::as_fd(&file), deadline)?;
        match file.read(&mut buffer) {
            Ok(0) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) => return breach(format!("read: {error}")),
        }
    }
}

/// The next bytes of a stream, at least one.
pub(super) fn some(stream: &OwnedFd) -> Result<String, Breach> {
    let mut buffer = [0; 64];
    readable(std::os::fd::AsFd::as_fd(stream), Instant::now() + PATIENCE)?;
    let file = stream.try_clone().map(File::from);
    let count = file.and_then(|mut file| file.read(&mut buffer));
    match count {
        Ok(count) => {
            Ok(String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()).into_owned())
        }
        Err(error) => breach(format!("read: {error}")),
    }
}
