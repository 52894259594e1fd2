//! Messages of fixed size: a list of little-endian `u32` or `u64` fields each, and host names.
//!
//! Every message encodes to an array and decodes from exactly as many bytes.

use super::frame::FrameError;
use super::kind;

/// A message with a payload of fixed size.
pub trait Message: Sized {
    /// The kind of its frame.
    const KIND: u8;

    /// Decodes the payload of one frame.
    ///
    /// # Errors
    /// [`FrameError`] where the size or a field does not fit.
    fn decode(payload: &[u8]) -> Result<Self, FrameError>;

    /// Writes a whole frame into `out` and returns the filled part.
    ///
    /// # Errors
    /// [`FrameError::Space`] where `out` is too small; 128 bytes always do.
    fn encode<'out>(&self, out: &'out mut [u8]) -> Result<&'out [u8], FrameError>;
}

macro_rules! message {
    ($(#[$about:meta])* $name:ident = $kind:expr; $($(#[$field_about:meta])* $field:ident: $type:ty,)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_about])* pub $field: $type,)*
        }

        impl $name {
            /// Bytes of payload.
            pub const SIZE: usize = 0 $(+ size_of::<$type>())*;
        }

        impl Message for $name {
            const KIND: u8 = $kind;

            fn decode(payload: &[u8]) -> Result<Self, FrameError> {
                if payload.len() != Self::SIZE {
                    return Err(FrameError::Payload { kind: $kind, length: payload.len() });
                }
                let rest = payload;
                $(let ($field, rest) = rest
                    .split_first_chunk::<{ size_of::<$type>() }>()
                    .ok_or(FrameError::Payload { kind: $kind, length: payload.len() })?;)*
                debug_assert!(rest.is_empty());
                Ok(Self { $($field: <$type>::from_le_bytes(*$field),)* })
            }

            fn encode<'out>(&self, out: &'out mut [u8]) -> Result<&'out [u8], FrameError> {
                let mut payload = [0_u8; $name::SIZE];
                let rest = payload.as_mut_slice();
                $(let (head, rest) = rest
                    .split_first_chunk_mut::<{ size_of::<$type>() }>()
                    .ok_or(FrameError::Space)?;
                *head = self.$field.to_le_bytes();)*
                debug_assert!(rest.is_empty());
                super::encode_frame($kind, &payload, out)
            }
        }
    };
}

/// A host name as uname(2) gives it, in a field of fixed size. Linux keeps 64 bytes
/// (`__NEW_UTS_LEN`); a shorter name is followed by NULs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostName([u8; 64]);

impl HostName {
    /// The field for `name`, of which Linux keeps no more than 64 bytes.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let mut field = [0; 64];
        for (place, byte) in field.iter_mut().zip(name) {
            *place = *byte;
        }
        Self(field)
    }

    /// The name: what stands before the first NUL.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// The bytes of the field, named as those of a number are.
    const fn to_le_bytes(self) -> [u8; 64] {
        self.0
    }

    const fn from_le_bytes(field: [u8; 64]) -> Self {
        Self(field)
    }
}

message! {
    /// What the agent needs to know before anything else.
    Setup = kind::SETUP;
    /// [`super::REVISION`] of the host.
    revision: u32,
    /// [`crate::build::BUILD_ID`] of the host, as a little-endian number.
    build: u64,
    /// The reserved call that the filter answers with an errno derived from its digest.
    probe_call: u32,
    /// Bit 0: the guest has a user number of its own, so drop capabilities and switch to it.
    /// Bit 1: no canary was placed, so do not probe Landlock. Bit 2: no filter, so do not probe
    /// its kill rules.
    flags: u32,
    /// The guest's user number inside.
    uid: u32,
    /// The guest's group number inside.
    gid: u32,
    /// Which faults the fault build injects inside the sandbox; always 0 in a release, which has
    /// no code that reads it.
    faults: u64,
}

impl Setup {
    /// The guest has a user number of its own.
    pub const SWITCH_IDS: u32 = 1;
    /// No Landlock on this run.
    pub const NO_LANDLOCK: u32 = 2;
    /// No seccomp filter on this run.
    pub const NO_SECCOMP: u32 = 4;
}

message! {
    /// What the agent found out about its own confinement, before any guest code exists.
    Hello = kind::HELLO;
    /// [`super::REVISION`] of the agent.
    revision: u32,
    /// [`crate::build::BUILD_ID`] of the agent, as a little-endian number.
    build: u64,
    /// The errno of the reserved call.
    filter_errno: u32,
    /// The errno of opening the canary file, which only Landlock denies; 0 if it could be opened.
    canary_errno: u32,
    /// The errno of truncating a file that may be written, which Landlock denies from ABI 3 on; 0 if
    /// it was truncated.
    truncate_errno: u32,
    /// The errno of an ioctl call on a device that may be opened, which Landlock denies from ABI 5
    /// on; ENOTTY if the device answered.
    ioctl_errno: u32,
    /// The signal that killed a throw-away child which made a 32-bit call; 0 if it lived.
    i386_signal: u32,
    /// The signal that killed a throw-away child which made an x32 call; 0 if it lived.
    x32_signal: u32,
    /// The host name that the agent finds: nobody outside its uts namespace can read it.
    hostname: HostName,
}

message! {
    /// Sent by the process that is about to become the guest, after it dropped what it holds. The
    /// transport says which process it is.
    Ready = kind::READY;
    /// The errno of the reserved call, once more: this process has the filter.
    filter_errno: u32,
    /// The errno of opening the canary file: this process is inside the Landlock domain.
    canary_errno: u32,
}

message! {
    /// The program could not be executed.
    ExecFailed = kind::EXEC_FAILED;
    /// Which step failed, see [`ExecStage`].
    stage: u32,
    /// The kernel's error number.
    errno: u32,
}

/// The step of a spawn that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecStage {
    /// Making the process.
    Clone,
    /// Opening the channels.
    Channels,
    /// Taking over the guest's identity.
    Identity,
    /// Changing to the working directory.
    WorkingDirectory,
    /// `execve` itself.
    Execute,
}

impl ExecStage {
    /// The number in [`ExecFailed::stage`].
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Clone => 1,
            Self::Channels => 2,
            Self::Identity => 3,
            Self::WorkingDirectory => 4,
            Self::Execute => 5,
        }
    }

    /// The step of that number.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Clone),
            2 => Some(Self::Channels),
            3 => Some(Self::Identity),
            4 => Some(Self::WorkingDirectory),
            5 => Some(Self::Execute),
            _ => None,
        }
    }
}

message! {
    /// A process ended.
    Exited = kind::EXITED;
    /// The status as wait4(2) gives it.
    status: u32,
    /// User time of the process and of what it waited for, microseconds.
    user_micros: u64,
    /// System time of the process and of what it waited for, microseconds.
    system_micros: u64,
    /// The largest resident set among them, bytes.
    peak_resident_bytes: u64,
    /// The most tasks of the guest that were seen at a time; 0 where nobody counted.
    peak_tasks: u32,
}

message! {
    /// The guest was seen at its process limit. Sent once a process.
    PidsReached = kind::PIDS_REACHED;
    /// Tasks of the guest that were seen.
    observed: u32,
}

message! {
    /// Send a signal to the process.
    Signal = kind::SIGNAL;
    /// The signal's number, 1 to 64.
    signal: u32,
    /// 1: to its whole process group.
    group: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_round_trip_and_refuse_other_sizes() {
        let hello = Hello {
            revision: 1,
            build: 2,
            filter_errno: 3,
            canary_errno: 13,
            truncate_errno: 13,
            ioctl_errno: 25,
            i386_signal: 31,
            x32_signal: 31,
            hostname: HostName::new(b"elsewhere"),
        };
        let mut out = [0; 128];
        let frame = hello.encode(&mut out).expect("128 bytes hold every message");
        let payload = frame.get(super::super::HEADER..).expect("a frame has a header");
        assert_eq!(Hello::decode(payload), Ok(hello), "what is encoded decodes to itself");
        for cut in 0..payload.len() {
            assert!(Hello::decode(&payload[..cut]).is_err(), "a short payload must not decode");
        }
        assert!(Hello::decode(&[0; Hello::SIZE + 1]).is_err(), "nor a long one");
    }

    #[test]
    fn host_names_of_every_length_round_trip() {
        for length in 0..=64 {
            let name = [b'a'; 64];
            let name = name.get(..length).expect("at most 64");
            assert_eq!(HostName::new(name).name(), name, "64 bytes need no NUL");
        }
        assert_eq!(HostName::new(&[b'a'; 65]).name().len(), 64, "a longer one cannot be");
    }

    #[test]
    fn stages_round_trip() {
        for number in 0..=6 {
            if let Some(stage) = ExecStage::from_number(number) {
                assert_eq!(stage.number(), number, "a stage keeps its number");
            }
        }
        assert_eq!(ExecStage::from_number(0), None, "zero means nothing");
    }
}
