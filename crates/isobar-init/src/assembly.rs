//! Puts the strings of a process together from the frames that carry them.
//!
//! The header announced the number of bytes, bounded by the protocol. Pieces that carry nothing or
//! more than what is missing break the protocol.

use isobar_boundary::protocol::{FrameError, SpawnHeader, kind};

/// How far the strings of one process have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assembly {
    /// What the host announced.
    pub header: SpawnHeader,
    received: usize,
}

impl Assembly {
    /// Nothing has come yet.
    #[must_use]
    pub const fn new(header: SpawnHeader) -> Self {
        Self { header, received: 0 }
    }

    /// Takes one piece. Where the memory for the strings could not be had, `target` is empty: the
    /// piece is counted and dropped, so that the conversation goes on.
    ///
    /// # Errors
    /// [`FrameError::Payload`] where the piece is empty or longer than what is missing.
    pub fn push(&mut self, piece: &[u8], target: &mut [u8]) -> Result<(), FrameError> {
        let wrong = FrameError::Payload { kind: kind::SPAWN_DATA, length: piece.len() };
        let end = self.received + piece.len();
        if piece.is_empty() || end > self.header.bytes as usize {
            return Err(wrong);
        }
        if !target.is_empty() {
            target.get_mut(self.received..end).ok_or(wrong)?.copy_from_slice(piece);
        }
        self.received = end;
        Ok(())
    }

    /// Whether all bytes are here.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.received == self.header.bytes as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SpawnHeader =
        SpawnHeader { process: 1, arguments: 1, variables: 0, bytes: 6, watch_pids: 0, flags: 0 };

    #[test]
    fn pieces_land_one_after_the_other() {
        let mut assembly = Assembly::new(HEADER);
        let mut target = [0; 6];
        assembly.push(b"/a", &mut target).expect("two bytes of six");
        assert!(!assembly.is_complete(), "four are missing");
        assembly.push(b"\0/\0b", &mut target).expect("the rest");
        assert!(assembly.is_complete(), "six of six");
        assert_eq!(&target, b"/a\0/\0b", "in the order in which they came");
    }

    #[test]
    fn pieces_that_do_not_fit_are_refused() {
        let mut target = [0; 6];
        let mut assembly = Assembly::new(HEADER);
        assert!(assembly.push(b"1234567", &mut target).is_err(), "seven of six");
        assert!(assembly.push(b"", &mut target).is_err(), "an empty piece would never end");
        assembly.push(b"12345", &mut target).expect("five of six");
        assert!(assembly.push(b"67", &mut target).is_err(), "more than what is missing");
        assert!(assembly.push(b"6", &mut [0; 5]).is_err(), "the target is smaller than announced");
        assert_eq!(&target, b"12345\0", "a refused piece writes nothing");
    }

    #[test]
    fn without_memory_pieces_are_counted_and_dropped() {
        let mut assembly = Assembly::new(HEADER);
        assembly.push(b"123456", &mut []).expect("the host does not know that we have no memory");
        assert!(assembly.is_complete(), "so the next frame finds a sound stream");
    }
}
