//! What a process used, from the numbers that wait4(2) fills in.
//!
//! The kernel counts for the process and for all that it waited for; what it left to PID 1 is not
//! in it. Times are exact where the kernel accounts precisely, else in ticks.

/// How many numbers a `struct rusage` has on 64-bit Linux: two times of two numbers each, then
/// fourteen counters (getrusage(2)).
pub const RUSAGE: usize = 18;

/// What a process and those it waited for used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// User time, microseconds.
    pub user_micros: u64,
    /// System time, microseconds.
    pub system_micros: u64,
    /// The largest resident set among them, bytes.
    pub peak_resident_bytes: u64,
}

impl Usage {
    /// Reads a `struct rusage`. What should not be negative and is counts as zero.
    #[must_use]
    pub fn from_rusage(numbers: &[i64; RUSAGE]) -> Self {
        let [user, user_rest, system, system_rest, resident_kib, ..] =
            numbers.map(|number| u64::try_from(number).unwrap_or(0));
        let micros =
            |seconds: u64, rest: u64| seconds.saturating_mul(1_000_000).saturating_add(rest);
        Self {
            user_micros: micros(user, user_rest),
            system_micros: micros(system, system_rest),
            peak_resident_bytes: resident_kib.saturating_mul(1024),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_land_in_their_units() {
        let mut numbers = [99; RUSAGE];
        numbers[..5].copy_from_slice(&[1, 2, 3, 4, 5]);
        let usage = Usage::from_rusage(&numbers);
        assert_eq!(usage.user_micros, 1_000_002, "seconds and microseconds");
        assert_eq!(usage.system_micros, 3_000_004, "of the second pair");
        assert_eq!(usage.peak_resident_bytes, 5 * 1024, "the kernel counts KiB");
        let usage = Usage::from_rusage(&[i64::MIN; RUSAGE]);
        assert_eq!(usage.user_micros, 0, "nonsense does not wrap");
        let usage = Usage::from_rusage(&[i64::MAX; RUSAGE]);
        assert_eq!(usage.peak_resident_bytes, u64::MAX, "nor overflow");
    }
}
