//! Frames: length, kind, payload. Lengths are checked before anything is read into memory.

/// The largest whole frame in bytes, header included.
pub const MAX_FRAME: usize = 64 * 1024;
/// Bytes before the payload: a `u32` length and the kind.
pub const HEADER: usize = 5;
/// The largest payload in bytes.
pub const MAX_PAYLOAD: usize = MAX_FRAME - HEADER;

/// A frame that breaks the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The announced length is zero or over the bound.
    Length {
        /// What was announced.
        announced: u32,
    },
    /// The payload does not have the size of its message.
    Payload {
        /// The kind of the frame.
        kind: u8,
        /// How long the payload is.
        length: usize,
    },
    /// No such kind here.
    Kind {
        /// What was sent.
        kind: u8,
    },
    /// A field holds a value that has no meaning.
    Field {
        /// The kind of the frame.
        kind: u8,
    },
    /// The buffer cannot hold the frame.
    Space,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Length { announced } => write!(f, "a frame announces {announced} bytes"),
            Self::Payload { kind, length } => {
                write!(f, "a frame of kind {kind} has a payload of {length} bytes")
            }
            Self::Kind { kind } => write!(f, "a frame of kind {kind} is not expected here"),
            Self::Field { kind } => write!(f, "a field of a frame of kind {kind} has no meaning"),
            Self::Space => f.write_str("the frame does not fit its buffer"),
        }
    }
}

impl core::error::Error for FrameError {}

/// The first bytes of a frame, decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The kind, see [`super::kind`].
    pub kind: u8,
    /// Bytes of payload that follow; at most [`MAX_PAYLOAD`].
    pub payload: usize,
}

impl Header {
    /// Decodes the first [`HEADER`] bytes of a frame.
    ///
    /// # Errors
    /// [`FrameError::Length`] where the length is zero or over the bound.
    pub fn decode(bytes: [u8; HEADER]) -> Result<Self, FrameError> {
        let [a, b, c, d, kind] = bytes;
        let announced = u32::from_le_bytes([a, b, c, d]);
        match (announced as usize).checked_sub(1) {
            Some(payload) if payload <= MAX_PAYLOAD => Ok(Self { kind, payload }),
            _ => Err(FrameError::Length { announced }),
        }
    }

    /// The bytes of this header.
    #[must_use]
    pub fn encode(self) -> [u8; HEADER] {
        // `payload` is at most MAX_PAYLOAD, which is far below u32::MAX.
        let [a, b, c, d] = u32::try_from(self.payload + 1).unwrap_or(u32::MAX).to_le_bytes();
        [a, b, c, d, self.kind]
    }
}

/// Writes a whole frame into `out` and returns the part of `out` that it fills.
///
/// # Errors
/// [`FrameError::Space`] where the payload is over [`MAX_PAYLOAD`] or `out` is too small.
pub fn encode_frame<'out>(
    kind: u8,
    payload: &[u8],
    out: &'out mut [u8],
) -> Result<&'out [u8], FrameError> {
    let total = HEADER + payload.len();
    if payload.len() > MAX_PAYLOAD {
        return Err(FrameError::Space);
    }
    let out = out.get_mut(..total).ok_or(FrameError::Space)?;
    let (head, body) = out.split_at_mut(HEADER);
    head.copy_from_slice(&Header { kind, payload: payload.len() }.encode());
    body.copy_from_slice(payload);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_out_of_bounds_are_refused_before_reading() {
        for announced in [0, 65_533, u32::MAX] {
            let [a, b, c, d] = u32::to_le_bytes(announced);
            let decoded = Header::decode([a, b, c, d, 1]);
            assert_eq!(
                decoded,
                Err(FrameError::Length { announced }),
                "nobody may make us allocate {announced} bytes"
            );
        }
    }

    #[test]
    fn headers_round_trip_over_the_whole_range() {
        for payload in (0..=MAX_PAYLOAD).step_by(97).chain([MAX_PAYLOAD]) {
            let header = Header { kind: 9, payload };
            assert_eq!(
                Header::decode(header.encode()),
                Ok(header),
                "both ends must agree on {payload}"
            );
        }
    }

    #[test]
    fn a_frame_never_overruns_its_buffer() {
        let mut out = [0; 8];
        assert_eq!(
            encode_frame(1, &[0; 4], &mut out),
            Err(FrameError::Space),
            "nine bytes do not fit eight"
        );
        assert_eq!(encode_frame(7, &[1, 2, 3], &mut out).map(<[u8]>::len), Ok(8), "eight do");
    }
}
