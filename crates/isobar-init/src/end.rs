//! Why the agent ends, as the exit status that its supervisor reads from PID 1.
//!
//! All processes of the sandbox end with PID 1, so each of these is the end of the sandbox.

/// The end of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The agent stream is closed: the supervisor is gone, and so must be everything inside.
    HostGone,
    /// A panic, which is a defect of ours.
    Panicked,
    /// It was not started as PID 1 with the descriptors that it needs.
    Started,
    /// The host broke the protocol.
    Protocol,
    /// The kernel refused a call without which the agent cannot work.
    Kernel,
}

impl End {
    /// The exit status: 0 where the end was asked for, else 70 to 73.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::HostGone => 0,
            Self::Panicked => 70,
            Self::Started => 71,
            Self::Protocol => 72,
            Self::Kernel => 73,
        }
    }
}
