//! Signals of the supervisor as a descriptor, so that its one poll loop sees them in order with
//! everything else and no handler runs.
//!
//! The signals are blocked for the thread that opened the queue until it is dropped. A process
//! that is started meanwhile inherits the mask; `isobar-init` sets its own and the guest's.

use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::raw::{self, MaskChange};

/// The size of `struct signalfd_siginfo`, and where its `ssi_signo` is: the first four bytes
/// (linux/signalfd.h).
const INFO_BYTES: usize = 128;

/// Signals that arrived for this thread or its process.
#[derive(Debug)]
pub struct SignalQueue {
    descriptor: OwnedFd,
    mask_before: u64,
    /// The mask belongs to one thread, so the queue stays in it.
    _of_this_thread: PhantomData<*const ()>,
}

impl SignalQueue {
    /// Blocks `signals` for this thread and opens the queue. Numbers outside 1 to 64 are ignored.
    ///
    /// # Errors
    /// As rt_sigprocmask(2) and signalfd4(2).
    pub fn open(signals: &[u8]) -> Result<Self, Errno> {
        let numbers = signals.iter().filter(|number| (1..=64).contains(*number));
        let set = numbers.fold(0_u64, |set, number| set | 1 << (number - 1));
        let mask_before = raw::change_signal_mask(MaskChange::Block, set)?;
        match raw::open_signal_queue(set) {
            Ok(descriptor) => Ok(Self { descriptor, mask_before, _of_this_thread: PhantomData }),
            Err(errno) => {
                raw::change_signal_mask(MaskChange::Set, mask_before)?;
                Err(errno)
            }
        }
    }

    /// Becomes readable when [`SignalQueue::next_signal`] has one.
    #[must_use]
    pub fn pollable(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// The next signal's number. Never blocks.
    pub fn next_signal(&mut self) -> Option<u8> {
        let mut info = [0_u8; INFO_BYTES];
        let read = rustix::io::read(&self.descriptor, &mut info).ok()?;
        let (number, _) = info.get(..read)?.split_first_chunk::<4>()?;
        u8::try_from(u32::from_ne_bytes(*number)).ok()
    }
}

impl Drop for SignalQueue {
    fn drop(&mut self) {
        // What is still in the queue was meant for the run; left pending, it would act on the
        // process the moment that it is unblocked.
        while self.next_signal().is_some() {}
        // The old mask came from the kernel, so it takes it back.
        raw::change_signal_mask(MaskChange::Set, self.mask_before).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(signal: u8) {
        let process = rustix::process::getpid().as_raw_nonzero().get().cast_unsigned();
        let thread = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        raw::signal_thread(process, thread, signal).expect("this thread is there");
    }

    #[test]
    fn signals_come_out_of_the_queue_and_act_on_nobody() {
        const SIGUSR1: u8 = 10;
        const SIGTERM: u8 = 15;
        let before = raw::change_signal_mask(MaskChange::Block, 0).expect("the mask can be read");
        let mut queue = SignalQueue::open(&[SIGUSR1, SIGTERM, 0, 65]).expect("a queue");
        assert_eq!(queue.next_signal(), None, "nothing arrived yet");
        send(SIGUSR1);
        send(SIGTERM);
        assert_eq!(queue.next_signal(), Some(SIGUSR1), "the lower number comes first");
        assert_eq!(queue.next_signal(), Some(SIGTERM), "it did not end this process");
        send(SIGTERM);
        drop(queue);
        let after = raw::change_signal_mask(MaskChange::Block, 0).expect("the mask can be read");
        assert_eq!(after, before, "the mask is as before, and what was pending is gone");
    }
}
