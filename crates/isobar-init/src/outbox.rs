//! Frames for a process stream that the host may be slow to read.
//!
//! The agent never waits for a host that does not read. What could not be sent stays here until the
//! descriptor takes it; news that the host can do without is dropped instead.

use isobar_boundary::protocol::{Exited, HEADER, PidsReached};

/// Bytes that an outbox holds: at most one frame of each kind that the agent sends.
pub const CAPACITY: usize = HEADER + Exited::SIZE + HEADER + PidsReached::SIZE;

/// Bytes that wait.
#[derive(Debug)]
pub struct Outbox {
    bytes: [u8; CAPACITY],
    start: usize,
    end: usize,
}

impl Outbox {
    /// Nothing waits.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; CAPACITY], start: 0, end: 0 }
    }

    /// Appends a frame. Returns whether there was room, which there is for one frame of each kind.
    pub fn put(&mut self, frame: &[u8]) -> bool {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let Some(room) = self.bytes.get_mut(self.end..self.end + frame.len()) else {
            return false;
        };
        room.copy_from_slice(frame);
        self.end += frame.len();
        true
    }

    /// What waits.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Forgets the first `count` bytes that wait: they were sent.
    pub fn sent(&mut self, count: usize) {
        self.start = self.end.min(self.start.saturating_add(count));
    }

    /// Forgets all that waits.
    pub fn clear(&mut self) {
        self.start = self.end;
    }

    /// Whether nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_sent_in_part_keeps_its_rest_before_the_next() {
        let mut outbox = Outbox::new();
        assert!(outbox.put(b"pids"), "there is room");
        outbox.sent(3);
        assert!(outbox.put(b"exited"), "there still is");
        assert_eq!(outbox.pending(), b"sexited", "a frame may not be torn by the next");
        outbox.sent(100);
        assert!(outbox.is_empty(), "no more than what waits can be sent");
    }

    #[test]
    fn one_frame_of_each_kind_fits_and_no_more() {
        let mut outbox = Outbox::new();
        assert!(outbox.put(&[1; HEADER + Exited::SIZE]), "the exit must never be lost");
        assert!(outbox.put(&[2; HEADER + PidsReached::SIZE]), "and the news beside it");
        assert!(!outbox.put(&[3]), "a full outbox says so");
        assert_eq!(outbox.pending().len(), CAPACITY, "and keeps what it has");
        outbox.clear();
        assert!(outbox.is_empty(), "until it is cleared");
    }
}
