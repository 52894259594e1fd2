//! Landlock's access rights (landlock(7), linux/landlock.h) by ABI. isobar never uses a best-effort
//! form: what a kernel's ABI offers is handled whole, and a missing ABI is a refusal.

/// Execute a file.
pub const EXECUTE: u64 = 1;
/// Write to a file.
pub const WRITE_FILE: u64 = 1 << 1;
/// Read a file.
pub const READ_FILE: u64 = 1 << 2;
/// List a directory.
pub const READ_DIR: u64 = 1 << 3;
/// Make a character device.
pub const MAKE_CHAR: u64 = 1 << 6;
/// Make a block device.
pub const MAKE_BLOCK: u64 = 1 << 11;
/// Move and link between directories (ABI 2).
pub const REFER: u64 = 1 << 13;
/// Truncate a file (ABI 3).
pub const TRUNCATE: u64 = 1 << 14;
/// Make ioctl calls on devices (ABI 5).
pub const IOCTL_DEV: u64 = 1 << 15;

/// The lowest ABI that isobar accepts (Linux 5.19).
pub const MINIMUM_ABI: u32 = 2;

/// From this ABI on truncating is a right of its own (Linux 6.2).
pub const TRUNCATE_ABI: u32 = 3;

/// From this ABI on ioctl calls on devices are a right (Linux 6.10).
pub const IOCTL_ABI: u32 = 5;

/// Every right that a ruleset of `abi` can handle.
#[must_use]
pub const fn handled(abi: u32) -> u64 {
    match abi {
        0 => 0,
        1 => REFER - 1,
        2 => (REFER << 1) - 1,
        3 | 4 => (TRUNCATE << 1) - 1,
        _ => (IOCTL_DEV << 1) - 1,
    }
}

/// Scopes that a ruleset of `abi` can handle: abstract sockets and signals (ABI 6).
#[must_use]
pub const fn scopes(abi: u32) -> u64 {
    if abi >= 6 { 0b11 } else { 0 }
}

/// Rights that make sense for a file that is no directory; the kernel refuses others in its rule.
pub const FILE_RIGHTS: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

/// Reading, listing, executing.
pub const READ_ONLY: u64 = EXECUTE | READ_FILE | READ_DIR;

/// Everything but making device nodes and device ioctls.
pub const READ_WRITE: u64 = handled_all() & !(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV);

const fn handled_all() -> u64 {
    handled(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_abi_handles_more_than_the_one_before() {
        for abi in 1..=7 {
            let (lower, higher) = (handled(abi - 1), handled(abi));
            assert_eq!(
                lower & higher,
                lower,
                "ABI {abi} must not forget a right: the kernel would allow it"
            );
        }
        assert_eq!(handled(5), 0xffff, "ABI 5 has sixteen rights (linux/landlock.h)");
        assert_eq!(handled(2), 0x3fff, "ABI 2 ends with REFER");
    }
}
