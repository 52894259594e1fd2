//! The agent's loop: what the host wants, which children ended, when to count tasks.
//!
//! One call of ppoll waits for everything. No turn of the loop can be made endless by the guest:
//! children are reaped in batches, samples keep their distance, and nothing is written that could
//! block. The end of the agent stream is looked at first in every turn.

use core::convert::Infallible;

use isobar_boundary::protocol::{Setup, kind};
use isobar_init::{Cadence, End, FrameBuffer, MAX_PROCESSES};
use linux_raw_sys::general::{POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLRDHUP};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, read};
use rustix::net::{RecvFlags, recv};

use crate::census;
use crate::greet::Greeted;
use crate::roster::Roster;
use crate::spawning::Spawning;
use crate::sys::call::{self, Interest};
use crate::sys::descriptors;

/// The most children that are reaped in one turn.
const REAPED_A_TURN: usize = 64;
/// Places of the table before those of the processes.
const FIXED: usize = 3;

struct Agent<'a, const N: usize> {
    setup: Setup,
    children: OwnedFd,
    frames: &'a mut FrameBuffer<N>,
    spawning: Spawning,
    roster: Roster,
    cadence: Cadence,
    /// There may be more ended children than one turn reaps.
    more_ended: bool,
}

/// Serves the host until the agent has to end. What `frames` holds came after the set-up.
pub(crate) fn serve<const N: usize>(
    greeted: Greeted,
    frames: &mut FrameBuffer<N>,
) -> Result<Infallible, End> {
    let Greeted { setup, children } = greeted;
    let mut agent = Agent {
        setup,
        children,
        frames,
        spawning: Spawning::Idle,
        roster: Roster::new(),
        cadence: Cadence::new(),
        more_ended: false,
    };
    loop {
        agent.turn()?;
    }
}

impl<const N: usize> Agent<'_, N> {
    fn turn(&mut self) -> Result<(), End> {
        self.obey()?;
        let mut table = [Interest::NONE; FIXED + MAX_PROCESSES];
        self.interests(&mut table);
        // Not the whole table: the kernel takes no more entries than a small `open-files` limit.
        let used = table.get_mut(..FIXED + self.roster.used()).ok_or(End::Kernel)?;
        call::poll(used, self.patience()).map_err(|_| End::Kernel)?;
        let ([host, children, progress], processes) =
            table.split_first_chunk::<FIXED>().ok_or(End::Kernel)?;
        self.hear(host.happened())?;
        if progress.happened() != 0 {
            self.spawning.settle(&mut self.roster);
        }
        if children.happened() != 0 || self.more_ended {
            self.reap()?;
        }
        self.roster.serve(processes)?;
        self.sample();
        Ok(())
    }

    /// Handles the frames that are here, up to one that launches a process.
    fn obey(&mut self) -> Result<(), End> {
        while self.spawning.progress().is_none() {
            let Some(frame) = self.frames.next_frame().map_err(|_| End::Protocol)? else { break };
            match frame.kind {
                kind::SPAWN => self.spawning.begin(frame.payload)?,
                kind::SPAWN_DATA => {
                    self.spawning.piece(frame.payload, &self.setup, &mut self.roster)?
                }
                _ => return Err(End::Protocol),
            }
        }
        Ok(())
    }

    fn interests(&self, table: &mut [Interest; FIXED + MAX_PROCESSES]) {
        let progress = self.spawning.progress();
        // The next specification waits until the last one is launched; the stream's end does not.
        let events = if progress.is_none() { POLLIN | POLLRDHUP } else { POLLRDHUP };
        let (fixed, processes) = table.split_at_mut(FIXED);
        if let [host, children, launched] = fixed {
            *host = Interest::new(descriptors::stream(), events);
            *children = Interest::new(self.children.as_fd(), POLLIN);
            *launched = progress.map_or(Interest::NONE, |pipe| Interest::new(pipe, POLLIN));
        }
        self.roster.interests(processes);
    }

    /// How long to wait if nothing happens.
    fn patience(&self) -> Option<u64> {
        if self.more_ended {
            return Some(0);
        }
        self.roster.is_watching().then(|| self.cadence.wait(call::millis()))
    }

    /// Reads from the agent stream, and ends with it.
    fn hear(&mut self, happened: u32) -> Result<(), End> {
        if happened & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL) != 0 {
            return Err(End::HostGone);
        }
        if happened & POLLIN == 0 {
            return Ok(());
        }
        match recv(descriptors::stream(), self.frames.space(), RecvFlags::DONTWAIT) {
            Ok((0, _)) => Err(End::HostGone),
            Ok((count, _)) => {
                self.frames.filled(count);
                Ok(())
            }
            Err(Errno::INTR | Errno::AGAIN) => Ok(()),
            Err(_) => Err(End::HostGone),
        }
    }

    /// Reaps what has ended: our processes, and orphans, which the kernel gave to PID 1.
    fn reap(&mut self) -> Result<(), End> {
        // SIGCHLD is pending at most once, so one read takes it; what ends later makes it anew.
        let mut signal = [0_u8; 128];
        read(&self.children, &mut signal).ok();
        for _ in 0..REAPED_A_TURN {
            self.look_at_the_dying();
            let Some(ended) = call::reap(-1, false).map_err(|_| End::Kernel)? else {
                self.more_ended = false;
                return Ok(());
            };
            // A process that failed before execve may have said so on a pipe that was not read yet.
            self.spawning.settle(&mut self.roster);
            self.roster.ended(&ended);
        }
        self.more_ended = true;
        Ok(())
    }

    /// Counts tasks once more when a process is about to be reaped, which still takes its place
    /// under the limit: a run shorter than the cadence is seen at least once.
    fn look_at_the_dying(&mut self) {
        if !self.roster.is_watching() {
            return;
        }
        let watching = call::peek_ended()
            .and_then(|pid| self.roster.find(pid))
            .is_some_and(|process| process.is_watching());
        if watching && let Some(tasks) = census::tasks() {
            self.roster.observe(tasks);
        }
    }

    fn sample(&mut self) {
        if self.roster.is_watching()
            && self.cadence.is_due(call::millis())
            && let Some(tasks) = census::tasks()
        {
            self.roster.observe(tasks);
        }
    }
}
