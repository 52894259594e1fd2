//! One terminal under two streams.
//!
//! Each stream has a filter of its own, and what one filter lets pass is harmless. Written to one
//! terminal in parts, the two are not: half a colour sequence of one stream and plain text of the
//! other make a sequence that no filter saw. So what a filter lets pass is one piece, and a piece is
//! written whole before the next one begins, whichever stream it comes from. Meanwhile the other
//! stream waits.
//!
//! Invariants: at most one piece is pending; each piece is whole characters and whole sequences;
//! whoever is served writes what is pending, so that no stream waits for one that is gone. Two
//! terminals count as one, since one terminal has several names: the faster waits for the slower.

use std::cell::RefCell;
use std::io;
use std::os::fd::BorrowedFd;

use isobar_engine::{DescriptorSink, OutputSink};

use super::{ESC, Filter, Passage, RESET};

/// Breaks off a sequence (ECMA-48 8.3.6).
const CAN: u8 = 0x18;

/// Which of the guest's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What a stream is written to, without waiting.
pub(crate) trait Writer {
    /// As [`OutputSink::write`].
    fn write_some(&self, bytes: &[u8]) -> io::Result<usize>;

    /// As [`OutputSink::poll_fd`].
    fn poll_fd(&self) -> Option<BorrowedFd<'_>>;
}

impl Writer for DescriptorSink<'_> {
    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        DescriptorSink::write_some(self, bytes)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        OutputSink::poll_fd(self)
    }
}

/// Where one stream goes.
#[derive(Debug)]
struct Side<W> {
    writer: W,
    /// `None` where the bytes pass raw.
    filter: Option<RefCell<Filter>>,
}

/// A piece that a filter let pass, of which so much is written.
#[derive(Debug)]
struct Piece {
    stream: Stream,
    bytes: Vec<u8>,
    written: usize,
}

impl Piece {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// Whether the terminal has the beginning of a sequence and not its end.
    fn is_cut_in_a_sequence(&self) -> bool {
        let written = self.bytes.get(..self.written).unwrap_or_default();
        let last = written.rsplit(|byte| *byte == ESC).next().unwrap_or_default();
        // A piece holds whole sequences only: `[` and parameters up to a letter, or intermediate
        // bytes up to one that is none.
        let ended = match last {
            [b'[', rest @ ..] => rest.iter().any(|byte| matches!(byte, b'@'..=b'~')),
            rest => rest.iter().any(|byte| matches!(byte, b'0'..=b'~')),
        };
        last.len() < written.len() && !ended
    }
}

/// Both streams of a guest.
#[derive(Debug)]
pub(crate) struct Screen<W> {
    out: Side<W>,
    err: Side<W>,
    piece: RefCell<Piece>,
}

impl<W: Writer> Screen<W> {
    /// Each stream with what of it may pass.
    pub(crate) fn new((out, of_out): (W, Passage), (err, of_err): (W, Passage)) -> Self {
        let side = |writer, passage: Passage| {
            let filter = match passage {
                Passage::Raw => None,
                Passage::Text => Some(RefCell::new(Filter::new(false))),
                Passage::Screen => Some(RefCell::new(Filter::new(true))),
            };
            Side { writer, filter }
        };
        let piece = Piece { stream: Stream::Out, bytes: Vec::new(), written: 0 };
        Self { out: side(out, of_out), err: side(err, of_err), piece: RefCell::new(piece) }
    }

    /// What the engine writes `stream` to.
    pub(crate) const fn sink(&self, stream: Stream) -> ScreenSink<'_, W> {
        ScreenSink { screen: self, stream }
    }

    /// Ends both streams: what makes the terminal ready for text of ours, in the order in which it
    /// must be written. A piece that was cut off comes first.
    pub(crate) fn endings(self) -> Vec<(Stream, Vec<u8>)> {
        let piece = self.piece.into_inner();
        let mut endings = Vec::new();
        if !piece.rest().is_empty() {
            let mut end = Vec::new();
            if piece.is_cut_in_a_sequence() {
                end.push(CAN);
            }
            // The piece's own reset may be in the part that nobody writes any more.
            end.extend_from_slice(RESET);
            endings.push((piece.stream, end));
        }
        for (stream, side) in [(Stream::Out, self.out), (Stream::Err, self.err)] {
            let mut end = Vec::new();
            if let Some(filter) = side.filter {
                filter.into_inner().finish(&mut end);
            }
            endings.push((stream, end));
        }
        endings
    }

    const fn side(&self, stream: Stream) -> &Side<W> {
        match stream {
            Stream::Out => &self.out,
            Stream::Err => &self.err,
        }
    }

    /// Writes the rest of the pending piece, to where its stream goes.
    fn flush(&self) -> io::Result<()> {
        let mut piece = self.piece.borrow_mut();
        let writer = &self.side(piece.stream).writer;
        while !piece.rest().is_empty() {
            match writer.write_some(piece.rest())? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => piece.written += written,
            }
        }
        piece.bytes.clear();
        piece.written = 0;
        Ok(())
    }

    /// Makes what passes of `bytes` the pending piece. The one before is written.
    fn begin(&self, stream: Stream, filter: &RefCell<Filter>, bytes: &[u8]) {
        let mut piece = self.piece.borrow_mut();
        piece.stream = stream;
        filter.borrow_mut().filter(bytes, &mut piece.bytes);
    }
}

/// One stream of a [`Screen`].
#[derive(Debug)]
pub(crate) struct ScreenSink<'s, W> {
    screen: &'s Screen<W>,
    stream: Stream,
}

impl<W: Writer> OutputSink for ScreenSink<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let side = self.screen.side(self.stream);
        let Some(filter) = &side.filter else { return side.writer.write_some(bytes) };
        self.screen.flush()?;
        self.screen.begin(self.stream, filter, bytes);
        match self.screen.flush() {
            // The filter has them, so they are taken; what is left goes out with the next call.
            Err(error) if !is_passing(&error) => Err(error),
            _ => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.screen.side(self.stream).filter {
            Some(_) => self.screen.flush(),
            None => Ok(()),
        }
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        let side = self.screen.side(self.stream);
        let piece = self.screen.piece.borrow();
        if side.filter.is_some() && !piece.rest().is_empty() {
            return self.screen.side(piece.stream).writer.poll_fd();
        }
        side.writer.poll_fd()
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests;
