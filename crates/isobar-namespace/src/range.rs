//! Host numbers of a root-run sandbox: a range of its own for each slot, so that no two live
//! sandboxes share an owner.
//!
//! The block starts above what distributions hand out (subuid(5) starts at 100000, systemd uses up
//! to 0x6FFFFFFF for its own containers) and ends below systemd's foreign range at 0x7FFE0000. Slot
//! `n` has 16 numbers; two are used. Host user 0 is never in it.

use isobar_os::slot::SLOTS;

/// First number of slot 0.
const START: u32 = 0x7000_0000;
/// Numbers of each slot.
const STRIDE: u32 = 16;

const _: () = assert!(START + STRIDE * SLOTS < 0x7FFE_0000);

/// The host numbers of one sandbox; user and group numbers alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    base: u32,
}

impl Range {
    pub(crate) const fn of_slot(slot: u32) -> Self {
        Self { base: START + slot * STRIDE }
    }

    /// What the guest is on the host.
    pub(crate) const fn guest(self) -> u32 {
        self.base
    }

    /// What `isobar-init` is on the host.
    pub(crate) const fn agent(self) -> u32 {
        self.base + 1
    }

    /// Whether a number of an existing account or subordinate range lies in this range.
    pub(crate) fn is_claimed(self, claims: &Claims) -> bool {
        claims.overlap(self.base, STRIDE)
    }
}

/// Numbers that the host has given away.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    ranges: Vec<(u64, u64)>,
}

impl Claims {
    /// Reads accounts and subordinate ranges. A file that is missing claims nothing.
    pub(crate) fn of_host() -> Self {
        let mut claims = Self::default();
        for path in ["/etc/subuid", "/etc/subgid"] {
            claims.read(path, |fields| match fields {
                [_, start, count, ..] => Some((start.parse().ok()?, count.parse().ok()?)),
                _ => None,
            });
        }
        for path in ["/etc/passwd", "/etc/group"] {
            claims.read(path, |fields| match fields {
                [_, _, number, ..] => Some((number.parse().ok()?, 1)),
                _ => None,
            });
        }
        claims
    }

    fn read(&mut self, path: &str, claim: impl Fn(&[&str]) -> Option<(u64, u64)>) {
        match std::fs::read(path) {
            Ok(text) => self.add(&String::from_utf8_lossy(&text), claim),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            // What cannot be read may claim anything, so nothing is free.
            Err(_) => self.ranges.push((0, u64::from(u32::MAX) + 1)),
        }
    }

    fn add(&mut self, text: &str, claim: impl Fn(&[&str]) -> Option<(u64, u64)>) {
        let lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
        self.ranges.extend(lines.filter_map(|fields| claim(&fields)));
    }

    fn overlap(&self, base: u32, count: u32) -> bool {
        let (start, end) = (u64::from(base), u64::from(base) + u64::from(count));
        self.ranges
            .iter()
            .any(|(first, length)| *first < end && start < first.saturating_add(*length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_do_not_meet_and_avoid_root() {
        for slot in [0, 1, SLOTS - 1] {
            let range = Range::of_slot(slot);
            assert_ne!(range.guest(), 0, "nothing maps to host root");
            assert_ne!(range.guest(), range.agent(), "the guest must not be the agent's user");
            assert!(range.agent() < Range::of_slot(slot + 1).guest(), "slots do not overlap");
        }
    }

    #[test]
    fn a_subordinate_range_that_covers_a_slot_claims_it() {
        let mut claims = Claims::default();
        claims.add("alice:1879048192:65536\n", |fields| match fields {
            [_, start, count] => Some((start.parse().ok()?, count.parse().ok()?)),
            _ => None,
        });
        assert!(
            Range::of_slot(0).is_claimed(&claims),
            "alice's containers may run under these numbers"
        );
        assert!(Range::of_slot(4095).is_claimed(&claims), "65536 numbers cover all slots");
        let claims = Claims::default();
        assert!(!Range::of_slot(4095).is_claimed(&claims), "nobody claims anything: {claims:?}");
    }
}
