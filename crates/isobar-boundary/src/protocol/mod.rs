//! The protocol between a supervisor and `isobar-init`.
//!
//! Frames on byte streams: a little-endian `u32` that counts the bytes after it, one byte of kind,
//! the payload. A whole frame is at most [`MAX_FRAME`] bytes. Two kinds of stream exist:
//!
//! - the *agent stream*, one a sandbox: the host sends [`Setup`] first and one
//!   [`SpawnHeader`] with its [`kind::SPAWN_DATA`] frames for each process; the agent answers
//!   [`Hello`] once.
//! - a *process stream*, one a process, opened by the transport as channel
//!   [`channel::STATUS`]: the process that is about to become the guest sends [`Ready`], the host
//!   answers [`kind::GO`]; later the agent sends [`Exited`], [`ExecFailed`] or [`PidsReached`],
//!   and the host may send [`Signal`].
//!
//! Standard input, output and error are channels 0 to 2. How a channel comes into being is the
//! transport's business (a descriptor passed beside the stream, or a vsock connection); no
//! descriptor ever travels inside a frame.
//!
//! Both ends treat the other as hostile: every length is checked before it is used, every decoder
//! takes exactly the bytes of its message, and unknown kinds end the conversation.

mod frame;
mod message;
mod spawn;

pub use frame::{FrameError, HEADER, Header, MAX_FRAME, MAX_PAYLOAD, encode_frame};
pub use message::{
    ExecFailed, ExecStage, Exited, Hello, HostName, Message, PidsReached, Ready, Setup, Signal,
};
pub use spawn::{MAX_SPAWN_BYTES, SpawnHeader, Strings};

/// Raised with every change of meaning.
pub const REVISION: u32 = 4;

/// The kinds of frames.
pub mod kind {
    /// Host to agent, first: [`super::Setup`].
    pub const SETUP: u8 = 1;
    /// Agent to host, once: [`super::Hello`].
    pub const HELLO: u8 = 2;
    /// Host to agent: [`super::SpawnHeader`].
    pub const SPAWN: u8 = 3;
    /// Host to agent: a piece of the strings that a [`super::SpawnHeader`] announced.
    pub const SPAWN_DATA: u8 = 4;
    /// Process to host: [`super::Ready`].
    pub const READY: u8 = 5;
    /// Host to process: execute the program now. No payload.
    pub const GO: u8 = 6;
    /// Agent or process to host: [`super::ExecFailed`].
    pub const EXEC_FAILED: u8 = 7;
    /// Agent to host: [`super::Exited`].
    pub const EXITED: u8 = 8;
    /// Agent to host: [`super::PidsReached`].
    pub const PIDS_REACHED: u8 = 9;
    /// Host to agent on a process stream: [`super::Signal`].
    pub const SIGNAL: u8 = 10;
    /// From the set-up stage, before the agent runs: every mount is in place. No payload.
    pub const STAGED: u8 = 11;
}

/// The channels of a process.
pub mod channel {
    /// Standard input.
    pub const STDIN: u32 = 0;
    /// Standard output.
    pub const STDOUT: u32 = 1;
    /// Standard error.
    pub const STDERR: u32 = 2;
    /// The process stream.
    pub const STATUS: u32 = 3;
    /// How many channels a process has.
    pub const COUNT: usize = 4;
}

/// Whether this crate was built with the `std` feature, by which the standard library is linked.
///
/// In a build of the whole workspace Cargo unifies features, so that this is true in `isobar-init`
/// too, and only there must it know.
pub const STD_IS_LINKED: bool = cfg!(any(feature = "std", test));

/// Expands to its items where this crate was built without the `std` feature, else to nothing.
///
/// `isobar-init` defines its panic handler in it: where [`protocol::STD_IS_LINKED`] the standard
/// library brings one, and two would be an error.
///
/// [`protocol::STD_IS_LINKED`]: crate::protocol::STD_IS_LINKED
#[cfg(not(any(feature = "std", test)))]
#[macro_export]
macro_rules! without_std {
    ($($item:item)*) => { $($item)* };
}

/// Expands to its items where this crate was built without the `std` feature, else to nothing.
#[cfg(any(feature = "std", test))]
#[macro_export]
macro_rules! without_std {
    ($($item:item)*) => {};
}
