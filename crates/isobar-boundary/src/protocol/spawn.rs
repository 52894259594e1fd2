//! The specification of a process: a header of fixed size, then strings in as many frames as they
//! need.
//!
//! The strings are, in this order and each ended by a NUL: the program's path, the working
//! directory, the arguments, the environment.

use super::frame::FrameError;
use super::kind;
use super::message::Message;

/// The most bytes that the strings of one process may have: what the kernel allows for arguments
/// and environment (`MAX_ARG_STRINGS` aside, execve(2): three quarters of `_STK_LIM`, 6 MiB).
pub const MAX_SPAWN_BYTES: u32 = 6 * 1024 * 1024;

/// Announces a process and the size of its strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpawnHeader {
    /// A number that the host chose; the channels carry it too.
    pub process: u32,
    /// How many arguments.
    pub arguments: u32,
    /// How many environment variables.
    pub variables: u32,
    /// Bytes of all strings, NULs included; at most [`MAX_SPAWN_BYTES`].
    pub bytes: u32,
    /// The process limit to watch, in tasks of the guest; 0 to watch nothing.
    pub watch_pids: u32,
    /// [`SpawnHeader::TERMINAL`] or 0.
    pub flags: u32,
}

impl SpawnHeader {
    /// Standard input is a terminal that the process, a session leader, makes its controlling one.
    pub const TERMINAL: u32 = 1;

    const SIZE: usize = 24;
}

impl Message for SpawnHeader {
    const KIND: u8 = kind::SPAWN;

    fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let wrong = FrameError::Payload { kind: Self::KIND, length: payload.len() };
        let (fields, rest) = payload.as_chunks::<4>();
        let [process, arguments, variables, bytes, watch_pids, flags] = *fields else {
            return Err(wrong);
        };
        if !rest.is_empty() {
            return Err(wrong);
        }
        let header = Self {
            process: u32::from_le_bytes(process),
            arguments: u32::from_le_bytes(arguments),
            variables: u32::from_le_bytes(variables),
            bytes: u32::from_le_bytes(bytes),
            watch_pids: u32::from_le_bytes(watch_pids),
            flags: u32::from_le_bytes(flags),
        };
        // Each string has at least its NUL, so the counts are bounded by the bytes.
        let strings = u64::from(header.arguments) + u64::from(header.variables) + 2;
        let sound = header.bytes <= MAX_SPAWN_BYTES
            && strings <= u64::from(header.bytes)
            && header.arguments >= 1
            && header.flags & !Self::TERMINAL == 0;
        if sound { Ok(header) } else { Err(FrameError::Field { kind: Self::KIND }) }
    }

    fn encode<'out>(&self, out: &'out mut [u8]) -> Result<&'out [u8], FrameError> {
        let mut payload = [0_u8; Self::SIZE];
        let Self { process, arguments, variables, bytes, watch_pids, flags } = *self;
        let fields = [process, arguments, variables, bytes, watch_pids, flags];
        for (place, field) in payload.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *place = field.to_le_bytes();
        }
        super::encode_frame(Self::KIND, &payload, out)
    }
}

/// The strings of a process, one after the other. Each item holds its NUL.
#[derive(Debug, Clone)]
pub struct Strings<'a> {
    rest: &'a [u8],
}

impl<'a> Strings<'a> {
    /// Walks `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Strings<'a> {
    type Item = &'a core::ffi::CStr;

    fn next(&mut self) -> Option<Self::Item> {
        let one = core::ffi::CStr::from_bytes_until_nul(self.rest).ok()?;
        self.rest = self.rest.get(one.count_bytes() + 1..)?;
        Some(one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_the_bytes_cannot_hold_are_refused() {
        let good = SpawnHeader {
            process: 1,
            arguments: 2,
            variables: 1,
            bytes: 5,
            watch_pids: 0,
            flags: SpawnHeader::TERMINAL,
        };
        let bad = [
            SpawnHeader { bytes: 4, ..good },
            SpawnHeader { arguments: 0, ..good },
            SpawnHeader { arguments: u32::MAX, variables: u32::MAX, ..good },
            SpawnHeader { bytes: MAX_SPAWN_BYTES + 1, ..good },
            SpawnHeader { flags: 2, ..good },
        ];
        let mut out = [0; 64];
        let decode = |header: SpawnHeader, out: &mut [u8]| {
            SpawnHeader::decode(
                &header.encode(out).expect("64 bytes hold a header")[super::super::HEADER..],
            )
        };
        assert_eq!(decode(good, &mut out), Ok(good), "five strings fit five bytes");
        for header in bad {
            assert!(
                decode(header, &mut out).is_err(),
                "{header:?} would make the agent read past its strings"
            );
        }
    }

    #[test]
    fn strings_end_at_the_last_nul() {
        let strings: Vec<_> = Strings::new(b"a\0\0bc\0open").collect();
        assert_eq!(strings, [c"a", c"", c"bc"], "a tail without NUL is no string");
    }
}
