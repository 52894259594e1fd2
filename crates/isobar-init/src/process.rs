//! One process of the guest that the agent started, from its launch until the host heard of its
//! end.
//!
//! Its stream has two users in turn. Until the process executed its program, the stream is the
//! process's own; from then on the agent reads signals from it and writes news to it. Its number is
//! only ever used while it is not reaped, so no signal can reach a process that got it later.

use isobar_boundary::protocol::{Exited, HEADER, Message, PidsReached, Signal, kind};
use isobar_init::{End, FrameBuffer, Outbox, Watch};
use linux_raw_sys::general::{POLLERR, POLLHUP, POLLIN, POLLOUT};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::sys::call::{self, Ended, Interest};

/// The largest frame that the host sends on a process stream.
const SIGNAL_FRAME: usize = HEADER + Signal::SIZE;
/// The most signals that are taken in one turn of the loop.
const SIGNALS_A_TURN: usize = 16;

/// Which part of its life a process is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Launched; the stream is the process's.
    Starting,
    /// The program runs.
    Running,
    /// The host knows that there will be no program; waits to be reaped, in silence.
    GaveUp,
    /// Reaped.
    Ended,
}

/// See the module.
pub(crate) struct Process {
    pid: i32,
    phase: Phase,
    stream: OwnedFd,
    /// The host closed its end. The process goes on; nobody can signal it any more.
    deaf: bool,
    frames: FrameBuffer<SIGNAL_FRAME>,
    outbox: Outbox,
    watch: Watch,
}

impl Process {
    /// A process that was launched.
    pub(crate) fn new(pid: i32, stream: OwnedFd, watch_pids: u32) -> Self {
        Self {
            pid,
            phase: Phase::Starting,
            stream,
            deaf: false,
            frames: FrameBuffer::new(),
            outbox: Outbox::new(),
            watch: Watch::new(watch_pids),
        }
    }

    /// Whether this is the process of that number, as long as the number is its own.
    pub(crate) fn is(&self, pid: i32) -> bool {
        self.pid == pid && self.phase != Phase::Ended
    }

    /// It executed its program.
    pub(crate) fn executed(&mut self) {
        self.phase = Phase::Running;
    }

    /// It told the host that it will not.
    pub(crate) fn gave_up(&mut self) {
        self.phase = Phase::GaveUp;
    }

    /// Whether samples of the guest's tasks are wanted.
    pub(crate) fn is_watching(&self) -> bool {
        self.watch.is_active() && self.phase != Phase::Ended
    }

    /// Takes a sample of the guest's tasks. News that the stream does not take at once is dropped:
    /// the exit carries the peak as well.
    pub(crate) fn observe(&mut self, tasks: u32) {
        let news = self.watch.observe(tasks);
        if !news || self.phase != Phase::Running || !self.outbox.is_empty() {
            return;
        }
        self.put(&PidsReached { observed: tasks });
        let before = self.outbox.pending().len();
        self.flush();
        if self.outbox.pending().len() == before {
            self.outbox.clear();
        }
    }

    /// It was reaped. Returns whether it can be forgotten at once.
    pub(crate) fn ended(&mut self, ended: &Ended) -> bool {
        let silent = self.phase == Phase::GaveUp;
        self.phase = Phase::Ended;
        if silent {
            return true;
        }
        self.put(&Exited {
            status: ended.status,
            user_micros: ended.usage.user_micros,
            system_micros: ended.usage.system_micros,
            peak_resident_bytes: ended.usage.peak_resident_bytes,
            peak_tasks: self.watch.peak(),
        });
        self.flush()
    }

    fn put<M: Message>(&mut self, message: &M) {
        let mut out = [0; 128];
        // Both have room: 128 bytes for every message, the outbox for one message of each kind.
        let fits = message.encode(&mut out).is_ok_and(|frame| self.outbox.put(frame));
        debug_assert!(fits);
    }

    /// What to wait for on the stream.
    pub(crate) fn interest(&self) -> Interest {
        let reads = self.phase == Phase::Running && !self.deaf;
        let events =
            if reads { POLLIN } else { 0 } | if self.outbox.is_empty() { 0 } else { POLLOUT };
        if events == 0 {
            return Interest::NONE;
        }
        Interest::new(self.stream.as_fd(), events)
    }

    /// Does what the stream is ready for. Returns whether the process can be forgotten.
    pub(crate) fn serve(&mut self, happened: u32) -> Result<bool, End> {
        if happened == 0 {
            return Ok(false);
        }
        let sent = self.flush();
        if self.phase == Phase::Ended {
            return Ok(sent);
        }
        if self.phase == Phase::Running
            && !self.deaf
            && happened & (POLLIN | POLLHUP | POLLERR) != 0
        {
            self.listen()?;
        }
        Ok(false)
    }

    /// Sends what waits, as far as the stream takes it. Returns whether nothing waits any more.
    fn flush(&mut self) -> bool {
        while !self.outbox.is_empty() {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match send(&self.stream, self.outbox.pending(), flags) {
                Ok(count) => self.outbox.sent(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return false,
                // The host does not want to know.
                Err(_) => self.outbox.clear(),
            }
        }
        true
    }

    fn listen(&mut self) -> Result<(), End> {
        for _ in 0..SIGNALS_A_TURN {
            match recv(&self.stream, self.frames.space(), RecvFlags::DONTWAIT) {
                Ok((0, _)) => {
                    self.deaf = true;
                    return Ok(());
                }
                Ok((count, _)) => self.frames.filled(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(_) => {
                    self.deaf = true;
                    return Ok(());
                }
            }
            while let Some(frame) = self.frames.next_frame().map_err(|_| End::Protocol)? {
                if frame.kind != kind::SIGNAL {
                    return Err(End::Protocol);
                }
                let signal = Signal::decode(frame.payload).map_err(|_| End::Protocol)?;
                send_signal(self.pid, signal)?;
            }
        }
        Ok(())
    }
}

/// Signals a process that is not reaped, or its group: it leads one since its launch.
fn send_signal(pid: i32, signal: Signal) -> Result<(), End> {
    let target = match signal.group {
        0 => pid,
        1 => -pid,
        _ => return Err(End::Protocol),
    };
    if !(1..=call::SIGNALS).contains(&signal.signal) {
        return Err(End::Protocol);
    }
    // The only errors are that it has just ended, or changed its user beyond our rights.
    call::kill(target, signal.signal).ok();
    Ok(())
}
