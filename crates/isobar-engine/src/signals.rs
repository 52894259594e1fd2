//! Signals to the supervisor that belong to the guest.
//!
//! They are taken in by a queue that is a descriptor, so that one poll loop sees them in order
//! with everything else. The first SIGINT or SIGTERM is the guest's to obey; a second one ends
//! the sandbox.

use std::os::fd::BorrowedFd;

use isobar_os::signal_queue;
use isobar_policy::{Code, Diagnostic};

/// What becomes of the signals that reach the calling process during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signals {
    /// SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 go to the guest; a second SIGINT or
    /// SIGTERM kills the sandbox. The calling process is a supervisor and nothing else, so it also
    /// becomes non-dumpable once the sandbox is launched.
    Forward,
    /// They do what they would do without isobar.
    Leave,
}

/// A queue of signals that arrived.
pub(crate) trait SignalQueue {
    /// Becomes readable when [`SignalQueue::next`] has one.
    fn pollable(&self) -> BorrowedFd<'_>;

    /// The next signal's number. Never blocks.
    fn next(&mut self) -> Option<u8>;
}

impl SignalQueue for signal_queue::SignalQueue {
    fn pollable(&self) -> BorrowedFd<'_> {
        self.pollable()
    }

    fn next(&mut self) -> Option<u8> {
        self.next_signal()
    }
}

/// The signals that are forwarded: SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM (signal(7)).
const FORWARDED: [u8; 6] = [1, 2, 3, 10, 12, 15];

/// What to do with a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it to the program, or to its whole process group.
    Forward {
        /// The signal.
        signal: u8,
        /// A terminal sends these to its whole foreground group, so the guest's group gets them.
        group: bool,
    },
    /// End the sandbox.
    Kill,
}

/// Counts what the caller asked for.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    asked: bool,
}

impl Patience {
    /// What `signal` means after those that came before it.
    pub(crate) const fn judge(&mut self, signal: u8) -> Verdict {
        const SIGINT: u8 = 2;
        const SIGQUIT: u8 = 3;
        const SIGHUP: u8 = 1;
        const SIGTERM: u8 = 15;
        if matches!(signal, SIGINT | SIGTERM) {
            if self.asked {
                return Verdict::Kill;
            }
            self.asked = true;
        }
        Verdict::Forward { signal, group: matches!(signal, SIGINT | SIGQUIT | SIGHUP) }
    }
}

/// Opens the queue for `signals`; `None` where they are left alone. The signals are blocked for
/// this thread until the queue is dropped.
///
/// # Errors
/// [`Diagnostic`] where the kernel gives no queue.
pub(crate) fn queue(signals: Signals) -> Result<Option<Box<dyn SignalQueue>>, Diagnostic> {
    match signals {
        Signals::Leave => Ok(None),
        Signals::Forward => match signal_queue::SignalQueue::open(&FORWARDED) {
            Ok(queue) => Ok(Some(Box::new(queue))),
            Err(errno) => Err(Diagnostic {
                code: Code::RunWait,
                summary: "the supervisor cannot wait for signals".to_owned(),
                causes: vec![std::io::Error::from(errno).to_string()],
                remedy: "raise the limit of open files".to_owned(),
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_second_request_to_end_kills() {
        let mut patience = Patience::default();
        let forward = |signal, group| Verdict::Forward { signal, group };
        assert_eq!(patience.judge(10), forward(10, false), "SIGUSR1 asks for no end");
        assert_eq!(patience.judge(2), forward(2, true), "a terminal's SIGINT reaches the group");
        assert_eq!(patience.judge(1), forward(1, true), "SIGHUP is the guest's to obey");
        assert_eq!(patience.judge(15), Verdict::Kill, "SIGTERM after SIGINT is the second request");
        let mut other = Patience::default();
        assert_eq!(other.judge(15), forward(15, false), "the first SIGTERM goes to the program");
    }
}
