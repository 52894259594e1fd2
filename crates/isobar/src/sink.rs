//! Where the guest's output goes: standard output and standard error of isobar.
//!
//! Bytes pass raw, unless the descriptor is a terminal and `--raw` was not given: then only text
//! and colour pass ([`crate::terminal`]). After the run the terminal is put back into its own
//! style, before isobar says anything.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd};

use isobar_engine::{DescriptorSink, FilteredSink, OutputSink};

use crate::output::write_all;
use crate::terminal::Filter;

/// One of the two streams, for the time of a run.
#[derive(Debug)]
pub(crate) struct GuestStream<'a> {
    fd: BorrowedFd<'a>,
    filter: Option<RefCell<Filter>>,
}

impl<'a> GuestStream<'a> {
    /// `stream`, filtered if it is a terminal and not `raw`.
    pub(crate) fn new<S: AsFd + IsTerminal>(stream: &'a S, raw: bool) -> Self {
        let filtered = stream.is_terminal() && !raw;
        Self { fd: stream.as_fd(), filter: filtered.then(|| RefCell::new(Filter::new())) }
    }

    /// What the engine writes to.
    pub(crate) fn sink(&self) -> Box<dyn OutputSink + '_> {
        let raw = DescriptorSink::new(self.fd);
        match &self.filter {
            None => Box::new(raw),
            Some(filter) => Box::new(FilteredSink::new(raw, |bytes: &[u8], out: &mut Vec<u8>| {
                filter.borrow_mut().filter(bytes, out);
            })),
        }
    }

    /// Ends the stream, so that text of ours can follow.
    pub(crate) fn finish(self) {
        if let Some(filter) = self.filter {
            let mut last = Vec::new();
            filter.into_inner().finish(&mut last);
            // A terminal that is gone needs no style.
            write_all(self.fd, &last).ok();
        }
    }
}
