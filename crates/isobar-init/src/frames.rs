//! Cuts a byte stream into frames, in a buffer of fixed size.
//!
//! The caller reads from a descriptor into [`FrameBuffer::space`], says how much came by
//! [`FrameBuffer::filled`], and takes frames by [`FrameBuffer::next_frame`] until there is none.
//! A header that announces more than the buffer holds is an error at once, so a stream can never
//! wait for bytes that would not fit.

use isobar_boundary::protocol::{FrameError, HEADER, Header};

/// A whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its kind, which may be unknown.
    pub kind: u8,
    /// Its payload.
    pub payload: &'a [u8],
}

/// The bytes of a stream that are not taken yet. `N` is the largest whole frame.
#[derive(Debug)]
pub struct FrameBuffer<const N: usize> {
    bytes: [u8; N],
    start: usize,
    end: usize,
}

impl<const N: usize> FrameBuffer<N> {
    /// An empty buffer.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; N], start: 0, end: 0 }
    }

    /// Where the next bytes of the stream belong. Empty only where whole frames were not taken.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Says that `count` bytes were written to the front of [`FrameBuffer::space`].
    pub fn filled(&mut self, count: usize) {
        self.end = N.min(self.end.saturating_add(count));
    }

    /// Takes the next whole frame; `None` where more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError::Length`] where a frame announces no kind or more than the buffer holds. The
    /// stream is of no use after that.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let Some(waiting) = self.bytes.get(self.start..self.end) else { return Ok(None) };
        let Some((head, rest)) = waiting.split_first_chunk::<HEADER>() else { return Ok(None) };
        let header = Header::decode(*head)?;
        if header.payload > N.saturating_sub(HEADER) {
            let [a, b, c, d, _] = *head;
            return Err(FrameError::Length { announced: u32::from_le_bytes([a, b, c, d]) });
        }
        let Some(payload) = rest.get(..header.payload) else { return Ok(None) };
        self.start += HEADER + header.payload;
        Ok(Some(Frame { kind: header.kind, payload }))
    }
}

impl<const N: usize> Default for FrameBuffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
