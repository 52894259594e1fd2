//! Numbered slots, held by locks: whoever holds slot `n` owns host user range `n` and the control
//! groups named after `n`.
//!
//! A lock dies with its holder, so a supervisor that was killed frees its slot; the next holder
//! finds at most an empty control group there and removes it. A slot's file is removed on release.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, fstat, openat, statat, unlinkat};
use rustix::io::Errno;

use crate::state_dir::StateDir;

/// How many sandboxes of one user can live at a time.
pub const SLOTS: u32 = 4096;

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

/// A held slot.
#[derive(Debug)]
pub struct HeldSlot {
    number: u32,
    name: String,
    lock: OwnedFd,
    directory: OwnedFd,
}

impl HeldSlot {
    /// Takes the lowest free slot for which `usable` says yes; it is asked while the slot is held.
    ///
    /// # Errors
    /// [`SlotError`]
    pub fn take(state: &StateDir, mut usable: impl FnMut(u32) -> bool) -> Result<Self, SlotError> {
        let directory =
            rustix::io::fcntl_dupfd_cloexec(state.descriptor(), 3).map_err(SlotError::Lock)?;
        for number in 0..SLOTS {
            let name = format!("slot-{number}");
            let Some(lock) = try_lock(&directory, &name).map_err(SlotError::Lock)? else {
                continue;
            };
            let directory =
                rustix::io::fcntl_dupfd_cloexec(&directory, 3).map_err(SlotError::Lock)?;
            let held = Self { number, name, lock, directory };
            if usable(number) {
                return Ok(held);
            }
        }
        Err(SlotError::Exhausted)
    }

    /// Its number, below [`SLOTS`].
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for HeldSlot {
    fn drop(&mut self) {
        // Removed while the lock is held: a file that is locked and gone is not mistaken for the
        // slot, since `try_lock` compares inodes. Failure leaves an empty file, nothing else.
        unlinkat(&self.directory, &self.name, AtFlags::empty()).ok();
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
        let third =
            HeldSlot::take(&state, |number| number > 4).expect("unusable slots are passed over");
        assert_eq!(third.number(), 5, "the lowest usable one is taken");
        drop((first, second, third));
        let left = std::fs::read_dir(state.path()).expect("the directory is there").count();
        assert_eq!(left, 0, "released slots leave no file");
    }
}
