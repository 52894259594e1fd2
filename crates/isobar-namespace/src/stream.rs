//! Frames on a stream to the agent, as the supervisor reads and writes them.
//!
//! What comes in is hostile once guest code ran: lengths are checked before anything is kept, and
//! at most one frame is buffered.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use isobar_boundary::protocol::{FrameError, HEADER, Header, MAX_FRAME};
use rustix::cmsg_space;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};

/// How long the agent may take for an answer. Far beyond what a busy machine needs; it only keeps
/// a supervisor from waiting for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error("the stream to isobar-init failed")]
    Io(#[source] Errno),
    #[error("isobar-init broke the protocol")]
    Frame(#[source] FrameError),
    #[error("isobar-init ended")]
    Ended,
    #[error("isobar-init did not answer for {} seconds", PATIENCE.as_secs())]
    Silent,
}

/// A whole frame, and who sent its last bytes (SCM_CREDENTIALS, in our pid namespace).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) sender: i32,
}

/// One end of a stream.
#[derive(Debug)]
pub(crate) struct FrameStream {
    socket: OwnedFd,
    pending: Vec<u8>,
    sender: i32,
    ended: bool,
}

impl FrameStream {
    pub(crate) const fn new(socket: OwnedFd) -> Self {
        Self { socket, pending: Vec::new(), sender: 0, ended: false }
    }

    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends a whole frame, waiting where the agent reads slowly.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Result<(), StreamError> {
        let deadline = Instant::now() + PATIENCE;
        let mut rest = frame;
        while !rest.is_empty() {
            match send(&self.socket, rest, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut one = [PollFd::new(&self.socket, PollFlags::OUT)];
                    wait(&mut one, deadline)?;
                }
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(StreamError::Ended),
                Err(errno) => return Err(StreamError::Io(errno)),
            }
        }
        Ok(())
    }

    /// Waits for a whole frame, or for the end of the process behind `pidfd`.
    pub(crate) fn receive(&mut self, pidfd: BorrowedFd<'_>) -> Result<Received, StreamError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(frame) = self.try_receive()? {
                return Ok(frame);
            }
            if self.ended {
                return Err(StreamError::Ended);
            }
            let mut both = [
                PollFd::new(&self.socket, PollFlags::IN),
                PollFd::from_borrowed_fd(pidfd, PollFlags::IN),
            ];
            wait(&mut both, deadline)?;
            let [stream, process] = &both;
            // What was said before the end still counts, so the stream is looked at first.
            if stream.revents().is_empty() && !process.revents().is_empty() {
                self.ended = true;
            }
        }
    }

    /// Takes a frame if one is there. Never blocks. `Ok(None)` may also mean the end, see
    /// [`Self::has_ended`].
    pub(crate) fn try_receive(&mut self) -> Result<Option<Received>, StreamError> {
        loop {
            if let Some(frame) = self.next_frame()? {
                return Ok(Some(frame));
            }
            if self.ended || !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// How many bytes are kept.
    #[cfg(test)]
    pub(crate) const fn kept(&self) -> usize {
        self.pending.len()
    }

    /// Whether the other end is closed.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    fn next_frame(&mut self) -> Result<Option<Received>, StreamError> {
        let Some((head, rest)) = self.pending.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let header = Header::decode(*head).map_err(StreamError::Frame)?;
        let Some(payload) = rest.get(..header.payload) else { return Ok(None) };
        let frame = Received { kind: header.kind, payload: payload.to_vec(), sender: self.sender };
        self.pending.drain(..HEADER + header.payload);
        Ok(Some(frame))
    }

    /// Reads what is there. Says whether anything came.
    fn fill(&mut self) -> Result<bool, StreamError> {
        let mut buffer = [0_u8; 4096];
        // A frame that is not whole is shorter than the longest, so there is room; and never more
        // than one frame is kept, whatever comes.
        let room = MAX_FRAME.saturating_sub(self.pending.len()).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..room).filter(|buffer| !buffer.is_empty()) else {
            return Err(StreamError::Frame(FrameError::Space));
        };
        let mut space = [std::mem::MaybeUninit::uninit(); cmsg_space!(ScmCredentials(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [rustix::io::IoSliceMut::new(buffer)];
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = loop {
            match recvmsg(&self.socket, &mut slices, &mut control, flags) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(Errno::CONNRESET) => {
                    self.ended = true;
                    return Ok(false);
                }
                other => break other.map_err(StreamError::Io)?,
            }
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmCredentials(credentials) = message {
                self.sender = credentials.pid.as_raw_nonzero().get();
            }
        }
        if received.bytes == 0 {
            self.ended = true;
            return Ok(false);
        }
        self.pending.extend_from_slice(buffer.get(..received.bytes).unwrap_or_default());
        Ok(true)
    }
}

fn wait(descriptors: &mut [PollFd<'_>], deadline: Instant) -> Result<(), StreamError> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| StreamError::Silent)?;
        match poll(descriptors, Some(&left)) {
            Ok(0) => return Err(StreamError::Silent),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(StreamError::Io(errno)),
        }
    }
}
