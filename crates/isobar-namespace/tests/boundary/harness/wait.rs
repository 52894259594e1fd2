//! Waiting with a bound, on descriptors only.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use isobar_boundary::{ExitReport, Process, Sandbox, SandboxEvent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Longer than anything here takes; only a hang meets it.
const PATIENCE: Duration = Duration::from_secs(60);

fn poll_for(descriptor: BorrowedFd<'_>, flags: PollFlags, patience: Duration) -> PollFlags {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut one = [PollFd::from_borrowed_fd(descriptor, flags)];
        match poll(&mut one, Some(&Timespec::try_from(left).unwrap())) {
            Ok(_) => return one[0].revents(),
            Err(Errno::INTR) => {}
            Err(errno) => panic!("poll: {errno}"),
        }
    }
}

/// Waits until `descriptor` is readable or hung up.
pub(crate) fn readable(descriptor: BorrowedFd<'_>) {
    let happened = poll_for(descriptor, PollFlags::IN, PATIENCE);
    assert!(!happened.is_empty(), "nothing happened for {PATIENCE:?}");
}

/// Whether the last process that could write to this pipe is gone.
pub(crate) fn has_hung_up(pipe: &OwnedFd) -> bool {
    poll_for(pipe.as_fd(), PollFlags::empty(), Duration::ZERO).contains(PollFlags::HUP)
}

pub(crate) fn end_of(process: &mut dyn Process) -> ExitReport {
    loop {
        if let Some(report) = process.try_wait() {
            return report;
        }
        readable(process.pollable());
    }
}

/// Waits for an event of the sandbox.
pub(crate) fn event(sandbox: &mut dyn Sandbox, wanted: SandboxEvent) {
    loop {
        let events = sandbox.events();
        if events.contains(&wanted) {
            return;
        }
        assert!(!events.contains(&SandboxEvent::Ended), "it ended without {wanted:?}: {events:?}");
        readable(sandbox.pollable());
    }
}

/// Everything up to the end of the stream.
pub(crate) fn text_of(stream: OwnedFd) -> String {
    let mut file = File::from(stream);
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        readable(file.as_fd());
        match file.read(&mut buffer).unwrap() {
            0 => return String::from_utf8_lossy(&bytes).into_owned(),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// One line, without its end; what follows it stays in the stream.
pub(crate) fn line_of(stream: &OwnedFd) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        readable(stream.as_fd());
        match rustix::io::read(stream, &mut byte).unwrap() {
            0 => panic!("the stream ended after {:?}", String::from_utf8_lossy(&line)),
            _ if byte == *b"\n" => return String::from_utf8(line).unwrap(),
            _ => line.push(byte[0]),
        }
    }
}
