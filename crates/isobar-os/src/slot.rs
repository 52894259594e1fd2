//! Numbered slots, held by locks: whoever holds slot `n` owns host user range `n` and the control
//! groups named after `n`.
//!
//! A lock dies with its holder, so a supervisor that was killed frees its slot. Before a holder
//! makes anything outside its own process it writes down in the slot's file what that is; every
//! later start reads what dead holders left there and removes it. A slot's file is removed on
//! release.

use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, Dir, FlockOperation, Mode, OFlags, flock, fstat, ftruncate, openat, statat, unlinkat,
};
use rustix::io::{Errno, pread, pwrite};

use crate::state_dir::StateDir;

/// How many sandboxes of one user can live at a time.
pub const SLOTS: u32 = 4096;
/// Bytes that a holder can note: four paths of control groups.
const MAX_NOTE: usize = 16 * 1024;

/// Why there is no slot.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlotError {
    /// All are held.
    #[error("all {SLOTS} sandbox slots are in use")]
    Exhausted,
    /// A lock could not be taken.
    #[error("cannot lock a sandbox slot")]
    Lock(#[source] Errno),
}

/// What [`HeldSlot::collect`] found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Slots of dead holders that are free again, with their notes.
    pub freed: Vec<(u32, String)>,
    /// Slots of dead holders whose notes stay, since what they name could not be removed yet.
    pub kept: Vec<(u32, String)>,
    /// How many slots have a living holder.
    pub living: u32,
}

/// A held slot.
#[derive(Debug)]
pub struct HeldSlot {
    number: u32,
    name: String,
    lock: OwnedFd,
    directory: OwnedFd,
    keep: bool,
}

impl HeldSlot {
    /// Takes the lowest free slot for which `usable` says yes; it is asked while the slot is held.
    ///
    /// # Errors
    /// [`SlotError`]
    pub fn take(
        state: &StateDir,
        mut usable: impl FnMut(&Self) -> bool,
    ) -> Result<Self, SlotError> {
        for number in 0..SLOTS {
            if let Some(held) = Self::hold(state, number).map_err(SlotError::Lock)?
                && held.note().is_empty()
                && usable(&held)
            {
                return Ok(held);
            }
        }
        Err(SlotError::Exhausted)
    }

    /// Lets `clean` remove what dead holders wrote down. It is asked while the slot is held; where
    /// it says no, the note stays for a later start. Slots of living holders are not touched.
    /// A holder that frees its slot meanwhile may be counted as living.
    ///
    /// # Errors
    /// [`SlotError::Lock`]
    pub fn collect(
        state: &StateDir,
        mut clean: impl FnMut(&str) -> bool,
    ) -> Result<Collected, SlotError> {
        let mut collected = Collected::default();
        let entries = Dir::read_from(state.descriptor()).map_err(SlotError::Lock)?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_str().ok();
            let number = name.and_then(|name| name.strip_prefix("slot-"));
            let Some(number) = number.and_then(|number| number.parse().ok()) else { continue };
            let Some(mut held) = Self::hold(state, number).map_err(SlotError::Lock)? else {
                collected.living += 1;
                continue;
            };
            let note = held.note();
            held.keep = !note.is_empty() && !clean(&note);
            let found = if held.keep { &mut collected.kept } else { &mut collected.freed };
            found.push((number, note));
        }
        Ok(collected)
    }

    /// The name of a slot's file in the state directory.
    #[must_use]
    pub fn file_name(number: u32) -> String {
        format!("slot-{number}")
    }

    /// The slot, unless somebody else holds it.
    fn hold(state: &StateDir, number: u32) -> Result<Option<Self>, Errno> {
        let name = Self::file_name(number);
        let directory = rustix::io::fcntl_dupfd_cloexec(state.descriptor(), 3)?;
        let Some(lock) = try_lock(&directory, &name)? else { return Ok(None) };
        // What is written down stays until somebody has dealt with it.
        let mut held = Self { number, name, lock, directory, keep: false };
        held.keep = !held.note().is_empty();
        Ok(Some(held))
    }

    /// Its number, below [`SLOTS`].
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Writes down what the holder is about to make.
    ///
    /// # Errors
    /// As pwrite(2) and ftruncate(2).
    pub fn write_note(&self, note: &str) -> Result<(), Errno> {
        ftruncate(&self.lock, 0)?;
        let written = pwrite(&self.lock, note.as_bytes(), 0)?;
        if written == note.len() && written <= MAX_NOTE { Ok(()) } else { Err(Errno::IO) }
    }

    /// Leaves the note for a later start, since what it names could not be removed.
    pub const fn keep_note(&mut self) {
        self.keep = true;
    }

    /// What the slot's file says.
    fn note(&self) -> String {
        let mut bytes = vec![0; MAX_NOTE];
        let read = pread(&self.lock, &mut bytes, 0).unwrap_or(0);
        bytes.truncate(read);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

impl Drop for HeldSlot {
    fn drop(&mut self) {
        // Removed while the lock is held: a file that is locked and gone is not mistaken for the
        // slot, since `try_lock` compares inodes. Failure leaves a file that a later start collects.
        if !self.keep {
            unlinkat(&self.directory, &self.name, AtFlags::empty()).ok();
        }
        flock(&self.lock, FlockOperation::Unlock).ok();
    }
}

/// The lock of one slot, or `None` where somebody else holds it.
fn try_lock(directory: &OwnedFd, name: &str) -> Result<Option<OwnedFd>, Errno> {
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(errno) => return Err(errno),
    }
    // The holder before us may have removed the file between our open and our lock.
    let ours = fstat(&file)?;
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(there) if there.st_ino == ours.st_ino && there.st_dev == ours.st_dev => Ok(Some(file)),
        Ok(_) | Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_has_one_holder_and_leaves_nothing() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let state = StateDir::open(&scratch.path().join("state")).expect("a state directory");
        let first = HeldSlot::take(&state, |_| true).expect("the first slot is free");
        let second = HeldSlot::take(&state, |_| true).expect("so is the second");
        assert_ne!(first.number(), second.number(), "two sandboxes must not share a user range");
        let third = HeldSlot::take(&state, |slot| slot.number() > 4)
            .expect("unusable slots are passed over");
        assert_eq!(third.number(), 5, "the lowest usable one is taken");
        drop((first, second, third));
        let left = std::fs::read_dir(state.path()).expect("the directory is there").count();
        assert_eq!(left, 0, "released slots leave no file");
    }

    #[test]
    fn what_a_dead_holder_wrote_down_is_collected_once() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let state = StateDir::open(&scratch.path().join("state")).expect("a state directory");
        // A killed holder leaves its file without a lock.
        std::fs::write(state.path().join("slot-7"), "left").expect("a slot's file");
        let living = HeldSlot::take(&state, |_| true).expect("a slot is free");
        living.write_note("alive").expect("a note");
        let mut seen = Vec::new();
        let refuse = |note: &str| {
            seen.push(note.to_owned());
            false
        };
        HeldSlot::collect(&state, refuse).expect("the directory can be read");
        assert_eq!(seen, ["left"], "only the dead holder's slot is cleaned");
        assert!(state.path().join("slot-7").exists(), "what could not be cleaned is kept");
        let busy = HeldSlot::take(&state, |slot| slot.number() > 6).expect("another slot is free");
        assert_eq!(busy.number(), 8, "a slot that is not cleaned is nobody's");
        HeldSlot::collect(&state, |_| true).expect("the directory can be read");
        assert!(!state.path().join("slot-7").exists(), "what was cleaned is gone");
    }
}
