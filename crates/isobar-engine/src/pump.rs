//! Moving bytes between the caller and the guest, never waiting.
//!
//! An [`OutputPump`] reads from the guest only when everything read before was passed on, so at
//! most one buffer is pending for each stream, however slow the reader. What exceeds the cap is
//! read, counted and dropped: a flooding guest neither blocks nor fills memory. An [`InputPump`]
//! does the same in the other direction.
//!
//! A pipe to the guest belongs to the guest too: it opens it anew through `/proc/self/fd` and reads
//! or writes between our poll(2) and our read(2). So our own ends never block. The caller's input
//! is shared with others by its open file description, whose flags are not ours to change: see
//! [`read_at_once`].

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags};
use rustix::io::{Errno, ReadWriteFlags};

use crate::sink::OutputSink;

/// How much is read at a time, and the most that is pending for a stream.
pub(crate) const BUFFER: usize = 64 * 1024;

/// One stream from the guest to the caller.
pub(crate) struct OutputPump<'a> {
    source: Option<OwnedFd>,
    sink: Box<dyn OutputSink + 'a>,
    pending: Vec<u8>,
    taken: usize,
    held: bool,
    cap: Option<u64>,
    admitted: u64,
    passed: u64,
    read: u64,
    failure: Option<io::Error>,
}

impl<'a> OutputPump<'a> {
    /// Pumps `source` into `sink`, at most `cap` bytes. Where `source` cannot be told never to
    /// block, nothing is read of it, and [`OutputPump::failure`] says why.
    pub(crate) fn new(
        source: Option<OwnedFd>,
        sink: Box<dyn OutputSink + 'a>,
        cap: Option<u64>,
    ) -> Self {
        let (source, failure) = never_blocking(source);
        Self {
            source,
            sink,
            pending: Vec::new(),
            taken: 0,
            held: false,
            cap,
            admitted: 0,
            passed: 0,
            read: 0,
            failure,
        }
    }

    /// The guest's end, if there is room for what it holds.
    pub(crate) fn source(&self) -> Option<BorrowedFd<'_>> {
        if self.has_pending() { None } else { self.source.as_ref().map(AsFd::as_fd) }
    }

    /// The reader's descriptor, if something waits for it.
    pub(crate) fn sink(&self) -> Option<BorrowedFd<'_>> {
        if self.has_pending() || self.held { self.sink.poll_fd() } else { None }
    }

    /// Whether nothing more will come out of it.
    pub(crate) fn done(&self) -> bool {
        self.source.is_none() && !self.has_pending() && !self.held
    }

    /// Reads what the guest has, and passes on what the reader takes at once.
    pub(crate) fn read_some(&mut self, buffer: &mut [u8]) {
        let Some(source) = &self.source else { return };
        let read = match rustix::io::read(source, &mut *buffer) {
            Ok(read) => read,
            Err(Errno::INTR | Errno::AGAIN) => return,
            // A terminal whose other side nobody has open any more (pts(4)).
            Err(Errno::IO) => 0,
            // Not the end: something of the guest's output is lost, and that is said.
            Err(errno) => return self.give_up(errno.into()),
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            self.source = None;
            return;
        };
        self.read += length(bytes);
        let room = self.cap.map_or(u64::MAX, |cap| cap.saturating_sub(self.admitted));
        let fitting = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let admitted = bytes.get(..fitting).unwrap_or_default();
        self.admitted += length(admitted);
        self.pending.extend_from_slice(admitted);
        self.write_some();
    }

    /// Passes on what the reader takes at once.
    pub(crate) fn write_some(&mut self) {
        while let Some(rest) = self.pending.get(self.taken..).filter(|rest| !rest.is_empty()) {
            match self.sink.write(rest) {
                Ok(0) => return self.give_up(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.taken += written;
                    self.passed += u64::try_from(written).unwrap_or(u64::MAX);
                }
                Err(error) => return self.judge(error),
            }
        }
        self.pending.clear();
        self.taken = 0;
        match self.sink.flush() {
            Ok(()) => self.held = false,
            Err(error) => {
                self.held = true;
                self.judge(error);
            }
        }
    }

    fn judge(&mut self, error: io::Error) {
        let kind = error.kind();
        let waits = kind == io::ErrorKind::WouldBlock && self.sink.poll_fd().is_some();
        if kind == io::ErrorKind::BrokenPipe {
            self.close();
        } else if !waits && kind != io::ErrorKind::Interrupted {
            self.give_up(error);
        }
    }

    fn give_up(&mut self, error: io::Error) {
        self.failure = Some(error);
        self.close();
    }

    /// Closes the guest's end, so that a guest that writes on gets EPIPE as without isobar, and
    /// forgets what is pending.
    pub(crate) fn close(&mut self) {
        self.source = None;
        self.pending.clear();
        self.taken = 0;
        self.held = false;
    }

    /// As [`OutputPump::close`]; what the pipe still holds counts as written and not passed on.
    pub(crate) fn abandon(&mut self) {
        let left = self.source.as_ref().map(rustix::io::ioctl_fionread);
        self.read += left.and_then(Result::ok).unwrap_or_default();
        self.close();
    }

    /// Why the sink failed, if it did for another reason than that nobody reads.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Bytes that were passed on.
    pub(crate) const fn passed(&self) -> u64 {
        self.passed
    }

    /// Bytes that the guest wrote.
    pub(crate) const fn seen(&self) -> u64 {
        self.read
    }

    /// The cap, if the guest wrote more than it.
    pub(crate) fn exceeded(&self) -> Option<u64> {
        self.cap.filter(|cap| self.read > *cap)
    }

    const fn has_pending(&self) -> bool {
        self.taken < self.pending.len()
    }
}

/// Standard input, from the caller to the guest.
pub(crate) struct InputPump<'a> {
    source: Option<BorrowedFd<'a>>,
    target: Option<OwnedFd>,
    pending: Vec<u8>,
    taken: usize,
    terminal: bool,
    failure: Option<io::Error>,
}

impl<'a> InputPump<'a> {
    /// Pumps `source` into `target`. Without a source the guest reads an empty input.
    pub(crate) fn new(source: Option<BorrowedFd<'a>>, target: Option<OwnedFd>) -> Self {
        let (target, failure) = never_blocking(target.filter(|_| source.is_some()));
        let terminal = source.is_some_and(rustix::termios::isatty);
        Self { source, target, pending: Vec::new(), taken: 0, terminal, failure }
    }

    /// Why the guest's input cannot be served, if it cannot.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// The caller's end, if there is room for what it holds.
    pub(crate) fn source(&self) -> Option<BorrowedFd<'a>> {
        if self.has_pending() || self.target.is_none() || self.in_background() {
            return None;
        }
        self.source
    }

    /// The guest's end, if something waits for it.
    pub(crate) fn target(&self) -> Option<BorrowedFd<'_>> {
        if self.has_pending() { self.target.as_ref().map(AsFd::as_fd) } else { None }
    }

    /// Whether the caller's terminal belongs to somebody else now. Reading from it would stop
    /// the supervisor (SIGTTIN), and with it the deadline.
    pub(crate) fn in_background(&self) -> bool {
        self.terminal
            && self.target.is_some()
            && self.source.is_some_and(|source| {
                rustix::termios::tcgetpgrp(source)
                    .is_ok_and(|foreground| foreground != rustix::process::getpgrp())
            })
    }

    /// Reads what the caller has, and hands the guest what it takes at once.
    pub(crate) fn read_some(&mut self, buffer: &mut [u8]) {
        let Some(source) = self.source() else { return };
        let read = match read_at_once(source, &mut *buffer) {
            Ok(read) => read,
            Err(Errno::INTR | Errno::AGAIN) => return,
            // The caller's input is gone: to the guest that is its end.
            Err(_) => 0,
        };
        match buffer.get(..read) {
            Some(bytes) if !bytes.is_empty() => self.pending.extend_from_slice(bytes),
            _ => return self.close(),
        }
        self.write_some();
    }

    /// Hands the guest what it takes at once.
    pub(crate) fn write_some(&mut self) {
        let Some(target) = &self.target else { return };
        while let Some(rest) = self.pending.get(self.taken..).filter(|rest| !rest.is_empty()) {
            match rustix::io::write(target, rest) {
                Ok(written) => self.taken += written,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // EPIPE: the guest closed its input and wants no more. That is no failure.
                Err(_) => return self.close(),
            }
        }
        self.pending.clear();
        self.taken = 0;
    }

    /// Ends the guest's input.
    pub(crate) fn close(&mut self) {
        self.source = None;
        self.target = None;
        self.pending.clear();
        self.taken = 0;
    }

    const fn has_pending(&self) -> bool {
        self.taken < self.pending.len()
    }
}

/// `end` of a pipe, made to answer EAGAIN where it would wait. Only the supervisor has this open
/// file description, so nobody else is surprised and nobody else can undo it.
fn never_blocking(end: Option<OwnedFd>) -> (Option<OwnedFd>, Option<io::Error>) {
    let Some(end) = end else { return (None, None) };
    match rustix::fs::fcntl_setfl(&end, OFlags::NONBLOCK) {
        Ok(()) => (Some(end), None),
        Err(errno) => (None, Some(errno.into())),
    }
}

/// Reads what the caller's `source` has now; EAGAIN where it has nothing.
///
/// Somebody else may read the same input after poll(2) said that there is some. RWF_NOWAIT
/// (preadv2(2)) asks for this one read not to wait. Files do not wait for anybody, so they are
/// read as usual. Where the kernel has no such flag for the file (terminals; pipes before
/// Linux 6.4) it is polled again right before the read: what is left is the moment between the
/// two, and only those whom the caller shares its own input with can use it. A guest cannot: it
/// never has this file.
fn read_at_once(source: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(source)?.st_mode);
    if matches!(kind, FileType::RegularFile | FileType::BlockDevice) {
        return rustix::io::read(source, buffer);
    }
    let slices = &mut [IoSliceMut::new(&mut *buffer)];
    match rustix::io::preadv2(source, slices, u64::MAX, ReadWriteFlags::NOWAIT) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::SPIPE) => {}
        answer => return answer,
    }
    let mut polled = [PollFd::from_borrowed_fd(source, PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut polled, Some(&at_once))? {
        0 => Err(Errno::AGAIN),
        _ => rustix::io::read(source, buffer),
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    /// Takes nothing until it is told to.
    struct Gate<'a> {
        open: &'a std::cell::Cell<bool>,
        taken: Vec<u8>,
        writable: File,
    }

    impl OutputSink for Gate<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.open.get() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.taken.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
            Some(self.writable.as_fd())
        }
    }

    #[test]
    fn a_reader_that_is_not_ready_stops_the_reading() {
        let (source, guest) = rustix::pipe::pipe().expect("a pipe");
        rustix::io::write(&guest, &[7; 100]).expect("room");
        let open = std::cell::Cell::new(false);
        let writable = File::options().write(true).open("/dev/null").expect("it is there");
        let gate = Gate { open: &open, taken: Vec::new(), writable };
        let mut pump = OutputPump::new(Some(source), Box::new(gate), Some(60));
        let mut buffer = [0; 80];
        assert!(pump.source().is_some() && pump.sink().is_none(), "it waits for the guest only");
        pump.read_some(&mut buffer);
        assert!(pump.source().is_none(), "nothing more is read: the guest waits, not our memory");
        assert!(pump.sink().is_some(), "the reader is waited for");
        open.set(true);
        pump.write_some();
        assert_eq!(
            (pump.passed(), pump.seen()),
            (60, 80),
            "up to the cap, and the rest is counted"
        );
        pump.read_some(&mut buffer);
        assert!(pump.source().is_some(), "what is over the cap never waits for the reader");
        drop(guest);
        pump.read_some(&mut buffer);
        assert!(pump.done(), "the guest's end is the end");
        assert_eq!((pump.exceeded(), pump.seen()), (Some(60), 100), "all of it was seen");
    }

    #[test]
    fn what_is_given_up_counts_as_not_passed_on() {
        let (source, guest) = rustix::pipe::pipe().expect("a pipe");
        rustix::io::write(&guest, &[7; 100]).expect("room");
        let mut pump = OutputPump::new(Some(source), Box::new(Vec::new()), None);
        pump.abandon();
        assert_eq!((pump.seen(), pump.passed()), (100, 0), "the pipe held it");
        assert!(pump.done(), "and nothing more comes");
    }

    #[test]
    fn an_end_that_somebody_emptied_is_not_waited_for() {
        let (source, guest) = rustix::pipe::pipe().expect("a pipe");
        let mut pump = OutputPump::new(Some(source), Box::new(Vec::new()), None);
        pump.read_some(&mut [0; 8]);
        assert!(!pump.done(), "a thief took it; that is not the stream's end");
        rustix::io::write(&guest, b"x").expect("room");
        pump.read_some(&mut [0; 8]);
        assert_eq!(pump.passed(), 1, "what comes later is passed on");
    }

    #[test]
    fn the_callers_input_is_not_waited_for_and_keeps_its_flags() {
        let (source, caller) = rustix::pipe::pipe().expect("a pipe");
        let (guest, target) = rustix::pipe::pipe().expect("a pipe");
        let mut pump = InputPump::new(Some(source.as_fd()), Some(target));
        pump.read_some(&mut [0; 8]);
        assert!(pump.source().is_some(), "somebody else took it; that is not the input's end");
        let flags = rustix::fs::fcntl_getfl(&source).expect("a pipe");
        assert!(!flags.contains(OFlags::NONBLOCK), "others read it too, and expect to wait");
        rustix::io::write(&caller, b"x").expect("room");
        pump.read_some(&mut [0; 8]);
        let held = rustix::io::ioctl_fionread(&guest).expect("a pipe");
        assert_eq!(held, 1, "what comes later is handed on");
    }

    #[test]
    fn a_sink_that_cannot_be_waited_for_must_not_hesitate() {
        struct Broken;
        impl OutputSink for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
        let (source, guest) = rustix::pipe::pipe().expect("a pipe");
        rustix::io::write(&guest, b"x").expect("room");
        let mut pump = OutputPump::new(Some(source), Box::new(Broken), None);
        pump.read_some(&mut [0; 8]);
        assert!(pump.failure().is_some(), "else the loop would spin or hang");
    }
}
