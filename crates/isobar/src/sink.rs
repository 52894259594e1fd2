//! Where the guest's output goes: standard output and standard error of isobar.
//!
//! Bytes pass raw, unless the descriptor is a terminal and `--raw` was not given: then only text
//! and colour pass, or what a screen is drawn with where `-t` was ([`crate::terminal`]), and the two streams take turns
//! ([`crate::terminal::screen`]). After the run the terminal is put back into its own style, before
//! isobar says anything.

use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd};

use isobar_engine::{DescriptorSink, OutputSink};

use crate::output::write_all;
use crate::terminal::Passage;
use crate::terminal::screen::{Screen, Stream};

/// The two streams, for the time of a run.
#[derive(Debug)]
pub(crate) struct GuestStreams<'a> {
    out: BorrowedFd<'a>,
    err: BorrowedFd<'a>,
    screen: Screen<DescriptorSink<'a>>,
}

impl<'a> GuestStreams<'a> {
    /// Both, each filtered if it is a terminal, to let pass what `passage` says.
    pub(crate) fn new<O, E>(out: &'a O, err: &'a E, passage: Passage) -> Self
    where
        O: AsFd + IsTerminal,
        E: AsFd + IsTerminal,
    {
        let of = |terminal| if terminal { passage } else { Passage::Raw };
        let (of_out, of_err) = (of(out.is_terminal()), of(err.is_terminal()));
        let (out, err) = (out.as_fd(), err.as_fd());
        let screen =
            Screen::new((DescriptorSink::new(out), of_out), (DescriptorSink::new(err), of_err));
        Self { out, err, screen }
    }

    /// What the engine writes standard output to.
    pub(crate) fn stdout(&self) -> Box<dyn OutputSink + '_> {
        Box::new(self.screen.sink(Stream::Out))
    }

    /// What the engine writes standard error to.
    pub(crate) fn stderr(&self) -> Box<dyn OutputSink + '_> {
        Box::new(self.screen.sink(Stream::Err))
    }

    /// Ends the streams, so that text of ours can follow.
    pub(crate) fn finish(self) {
        for (stream, last) in self.screen.endings() {
            let fd = match stream {
                Stream::Out => self.out,
                Stream::Err => self.err,
            };
            // A terminal that is gone needs no style.
            write_all(fd, &last).ok();
        }
    }
}
