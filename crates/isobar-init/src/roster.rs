//! The processes that the agent keeps, in a table of fixed size.
//!
//! A place is taken from a process's launch until the host heard of its end. The table of poll has
//! one entry a place, in the same order, so that what happened finds its process by position.

use isobar_init::{End, MAX_PROCESSES};

use crate::process::Process;
use crate::sys::call::{Ended, Interest};

/// See the module.
pub(crate) struct Roster {
    places: [Option<Process>; MAX_PROCESSES],
}

impl Roster {
    /// No processes.
    pub(crate) const fn new() -> Self {
        Self { places: [const { None }; MAX_PROCESSES] }
    }

    /// Whether one more fits.
    pub(crate) fn has_room(&self) -> bool {
        self.places.iter().any(Option::is_none)
    }

    /// Keeps a process, if there is room.
    pub(crate) fn add(&mut self, process: Process) {
        if let Some(place) = self.places.iter_mut().find(|place| place.is_none()) {
            *place = Some(process);
        }
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Process> {
        self.places.iter_mut().flatten()
    }

    /// The process of that number, unless it was reaped.
    pub(crate) fn find(&mut self, pid: i32) -> Option<&mut Process> {
        self.iter_mut().find(|process| process.is(pid))
    }

    /// Whether any process wants samples of the guest's tasks.
    pub(crate) fn is_watching(&self) -> bool {
        self.places.iter().flatten().any(Process::is_watching)
    }

    /// Hands a sample of the guest's tasks to all that want it.
    pub(crate) fn observe(&mut self, tasks: u32) {
        self.iter_mut()
            .filter(|process| process.is_watching())
            .for_each(|process| process.observe(tasks));
    }

    /// A process was reaped. One that is not ours is an orphan, of which nobody waits to hear.
    pub(crate) fn ended(&mut self, ended: &Ended) {
        for place in &mut self.places {
            if let Some(process) =
                place.take_if(|process| process.is(ended.pid) && process.ended(ended))
            {
                drop(process);
            }
        }
    }

    /// How many places there are up to the last one that is taken.
    pub(crate) fn used(&self) -> usize {
        self.places.iter().rposition(Option::is_some).map_or(0, |last| last + 1)
    }

    /// Writes what to wait for into a table of one place a process.
    pub(crate) fn interests(&self, table: &mut [Interest]) {
        for (interest, place) in table.iter_mut().zip(&self.places) {
            *interest = place.as_ref().map_or(Interest::NONE, Process::interest);
        }
    }

    /// Does what happened, from the same table.
    pub(crate) fn serve(&mut self, table: &[Interest]) -> Result<(), End> {
        for (interest, place) in table.iter().zip(&mut self.places) {
            if let Some(process) = place
                && process.serve(interest.happened())?
            {
                *place = None;
            }
        }
        Ok(())
    }
}
