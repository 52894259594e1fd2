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
    /// They do what they would do without isobar. The calling process is a program of its own and
    /// stays dumpable as it was: other processes of its user can attach to it and read its memory
    /// (ptrace(2)), as without isobar; a guest sees no process outside. Whoever sets PR_SET_DUMPABLE
    /// does so after the last launch: a non-dumpable process of an ordinary user could not map its
    /// own child.
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
/// Taken in beside those while the caller's terminal is in raw mode: SIGCONT, SIGTSTP, SIGTTIN,
/// SIGTTOU, SIGWINCH.
const OF_TERMINALS: [u8; 5] = [18, 20, 21, 22, 28];

/// The process goes on after it was stopped (signal(7)).
pub(crate) const SIGCONT: u8 = 18;

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
    /// The caller's terminal has another size, or was somebody else's for a while.
    Terminal,
    /// Nothing: a stopped supervisor would leave the terminal in raw mode.
    Ignore,
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
        const SIGTSTP: u8 = 20;
        const SIGTTIN: u8 = 21;
        const SIGTTOU: u8 = 22;
        const SIGWINCH: u8 = 28;
        match signal {
            SIGCONT | SIGWINCH => return Verdict::Terminal,
            SIGTSTP | SIGTTIN | SIGTTOU => return Verdict::Ignore,
            _ => {}
        }
        if matches!(signal, SIGINT | SIGTERM) {
            if self.asked {
                return Verdict::Kill;
            }
            self.asked = true;
        }
        Verdict::Forward { signal, group: matches!(signal, SIGINT | SIGQUIT | SIGHUP) }
    }
}

/// Opens the queue for `signals`, with those of terminals where the run has a `terminal`; `None` where they are left alone. The signals are blocked for
/// this thread until the queue is dropped.
///
/// # Errors
/// [`Diagnostic`] where the kernel gives no queue.
pub(crate) fn queue(
    signals: Signals,
    terminal: bool,
) -> Result<Option<Box<dyn SignalQueue>>, Diagnostic> {
    match signals {
        Signals::Leave => Ok(None),
        Signals::Forward => {
            let of_terminals: &[u8] = if terminal { &OF_TERMINALS } else { &[] };
            match signal_queue::SignalQueue::open(&[&FORWARDED, of_terminals].concat()) {
                Ok(queue) => Ok(Some(Box::new(queue))),
                Err(errno) => Err(Diagnostic {
                    code: Code::RunWait,
                    summary: "the supervisor cannot wait for signals".to_owned(),
                    causes: vec![std::io::Error::from(errno).to_string()],
                    remedy: "raise the limit of open files".to_owned(),
                }),
            }
        }
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
        assert_eq!(patience.judge(28), Verdict::Terminal, "SIGWINCH is about the terminal");
        assert_eq!(patience.judge(20), Verdict::Ignore, "SIGTSTP would leave it in raw mode");
        let mut other = Patience::default();
        assert_eq!(other.judge(15), forward(15, false), "the first SIGTERM goes to the program");
    }
}
