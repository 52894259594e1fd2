//! Capability numbers and masks (capabilities(7)). A mask has bit `n` for capability `n`.

/// `CAP_KILL`: send signals to other users' processes.
pub const KILL: u32 = 5;
/// `CAP_SETGID`: change group numbers.
pub const SETGID: u32 = 6;
/// `CAP_SETUID`: change user numbers.
pub const SETUID: u32 = 7;
/// `CAP_SETPCAP`: drop from the bounding set.
pub const SETPCAP: u32 = 8;
/// `CAP_SYS_ADMIN`, which the fault build keeps to show that its absence is noticed.
pub const SYS_ADMIN: u32 = 21;

/// The number of capability bits that any kernel could use.
pub const COUNT: u32 = 64;

/// The mask of one capability.
#[must_use]
pub const fn mask(capability: u32) -> u64 {
    1 << capability
}
