//! Where a guest's output goes.
//!
//! The supervisor must never stand still because a reader is slow: it would miss the deadline.
//! So a sink takes what it can at once and says which descriptor to wait for.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::net::SendFlags;

/// Writing this much to a pipe that poll(2) calls writable does not block (PIPE_BUF, pipe(7)).
const PIPE_CHUNK: usize = 4096;

/// Takes guest bytes as they come.
///
/// The bytes are hostile: whoever shows them to a terminal filters them first, for instance with
/// a [`FilteredSink`].
pub trait OutputSink {
    /// Takes some of `bytes` and says how many; never waits.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where it can take none now; [`OutputSink::poll_fd`] must
    /// then name a descriptor. [`io::ErrorKind::BrokenPipe`] where nobody reads any more: the
    /// guest's end is then closed too. Anything else ends the run.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Passes on what the sink itself still holds; never waits.
    ///
    /// # Errors
    /// As [`OutputSink::write`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The descriptor that becomes writable when the sink can take more; `None` for one that
    /// always can.
    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl OutputSink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl<S: OutputSink + ?Sized> OutputSink for &mut S {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (**self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (**self).flush()
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        (**self).poll_fd()
    }
}

/// How a descriptor is written without waiting.
#[derive(Debug)]
enum Way {
    /// An open file description of our own, non-blocking. The caller's own stays as it is: it is
    /// shared with the caller's shell.
    Reopened(OwnedFd),
    /// A socket: each call says that it must not wait.
    Socket,
    /// Asked for readiness first, then written in pieces that fit.
    Pieces,
    /// A regular file, which takes everything.
    Whole,
}

/// Writes to a descriptor of the caller, raw.
#[derive(Debug)]
pub struct DescriptorSink<'a> {
    descriptor: BorrowedFd<'a>,
    way: Way,
}

impl<'a> DescriptorSink<'a> {
    /// A sink for `descriptor`. A pipe or a terminal is opened again through /proc/self/fd to be
    /// non-blocking without changing the caller's own flags; where that is forbidden, it is
    /// written in pieces of 4096 bytes.
    #[must_use]
    pub fn new(descriptor: BorrowedFd<'a>) -> Self {
        let kind = rustix::fs::fstat(descriptor)
            .map(|stat| FileType::from_raw_mode(stat.st_mode))
            .unwrap_or(FileType::Unknown);
        let way = match kind {
            FileType::RegularFile => Way::Whole,
            FileType::Socket => Way::Socket,
            FileType::Fifo | FileType::CharacterDevice => {
                reopened(descriptor).map_or(Way::Pieces, Way::Reopened)
            }
            FileType::Directory | FileType::Symlink | FileType::BlockDevice | FileType::Unknown => {
                Way::Pieces
            }
        };
        Self { descriptor, way }
    }

    /// [`OutputSink::write`] for whoever shares the sink: it keeps nothing between calls.
    ///
    /// # Errors
    /// As [`OutputSink::write`].
    pub fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &self.way {
            Way::Reopened(own) => rustix::io::write(own, bytes)?,
            Way::Whole => rustix::io::write(self.descriptor, bytes)?,
            Way::Socket => {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                rustix::net::send(self.descriptor, bytes, flags)?
            }
            Way::Pieces => {
                let mut asked = [PollFd::new(&self.descriptor, PollFlags::OUT)];
                if poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? == 0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                rustix::io::write(self.descriptor, bytes.get(..PIPE_CHUNK).unwrap_or(bytes))?
            }
        };
        Ok(written)
    }
}

fn reopened(descriptor: BorrowedFd<'_>) -> Option<OwnedFd> {
    let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::open(path, flags, Mode::empty()).ok()
}

impl OutputSink for DescriptorSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_some(bytes)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.way {
            Way::Reopened(own) => Some(own.as_fd()),
            Way::Socket | Way::Pieces => Some(self.descriptor),
            Way::Whole => None,
        }
    }
}

/// A sink whose bytes pass a filter first, such as one that drops control sequences.
///
/// What the filter let pass may go out in parts. So two streams to one terminal need more than one
/// of these each: the second could complete what the first has begun.
#[derive(Debug)]
pub struct FilteredSink<S, F> {
    sink: S,
    filter: F,
    filtered: Vec<u8>,
    taken: usize,
}

impl<S: OutputSink, F: FnMut(&[u8], &mut Vec<u8>)> FilteredSink<S, F> {
    /// `filter` gets each piece of output and appends what may pass. It keeps what it must know
    /// between pieces itself.
    pub const fn new(sink: S, filter: F) -> Self {
        Self { sink, filter, filtered: Vec::new(), taken: 0 }
    }
}

impl<S: OutputSink, F: FnMut(&[u8], &mut Vec<u8>)> OutputSink for FilteredSink<S, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use io::ErrorKind::{Interrupted, WouldBlock};

        self.flush()?;
        (self.filter)(bytes, &mut self.filtered);
        match self.flush() {
            // The filter has them, so they are taken; what is left goes out with the next call.
            Err(error) if !matches!(error.kind(), WouldBlock | Interrupted) => Err(error),
            _ => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some(rest) = self.filtered.get(self.taken..).filter(|rest| !rest.is_empty()) {
            match self.sink.write(rest)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => self.taken += written,
            }
        }
        self.filtered.clear();
        self.taken = 0;
        self.sink.flush()
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.sink.poll_fd()
    }
}
