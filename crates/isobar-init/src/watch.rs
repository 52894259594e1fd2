//! Watches the guest's number of tasks against its limit, by samples.
//!
//! A limit that the kernel enforces leaves no message: a fork just fails. So the agent counts tasks
//! at a fixed cadence while a process asks for it, and reports the first time that the limit was
//! met. What rises and falls between two samples is not seen; the report says that it was sampled.

/// Milliseconds between two samples.
pub const SAMPLE_MILLIS: u64 = 20;

/// What one process wants to know of the guest's tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    limit: u32,
    peak: u32,
    reported: bool,
}

impl Watch {
    /// Watches for `limit` tasks; 0 watches nothing.
    #[must_use]
    pub const fn new(limit: u32) -> Self {
        Self { limit, peak: 0, reported: false }
    }

    /// Whether samples are wanted.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.limit != 0
    }

    /// Takes a sample; returns whether the limit was met for the first time.
    pub fn observe(&mut self, tasks: u32) -> bool {
        if !self.is_active() {
            return false;
        }
        self.peak = self.peak.max(tasks);
        let news = tasks >= self.limit && !self.reported;
        self.reported |= news;
        news
    }

    /// The most tasks of any sample; 0 where nothing is watched.
    #[must_use]
    pub const fn peak(&self) -> u32 {
        self.peak
    }
}

/// When the next sample is due. Times are milliseconds of a clock that only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cadence {
    next: u64,
}

impl Cadence {
    /// The first sample is due at once.
    #[must_use]
    pub const fn new() -> Self {
        Self { next: 0 }
    }

    /// Whether a sample is due at `now`; if so, the next one is due a full interval later, however
    /// late this one is.
    pub fn is_due(&mut self, now: u64) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now.saturating_add(SAMPLE_MILLIS);
        }
        due
    }

    /// Milliseconds from `now` until the next sample.
    #[must_use]
    pub const fn wait(&self, now: u64) -> u64 {
        self.next.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_reported_once_and_the_peak_goes_on() {
        let mut watch = Watch::new(8);
        assert!(!watch.observe(7), "below the limit");
        assert!(watch.observe(8), "the limit itself is met: no further task fits");
        assert!(!watch.observe(9), "the host hears of it once");
        assert!(!watch.observe(2), "and not again after it fell");
        assert_eq!(watch.peak(), 9, "the peak is the most that was seen");
    }

    #[test]
    fn without_a_limit_nothing_is_watched() {
        let mut watch = Watch::new(0);
        assert!(!watch.observe(u32::MAX), "there is no limit to meet");
        assert_eq!(watch.peak(), 0, "0 says that nobody counted");
    }

    #[test]
    fn samples_keep_their_distance_however_often_the_loop_turns() {
        let mut cadence = Cadence::new();
        let samples = (1000..1100).filter(|now| cadence.is_due(*now)).count();
        assert_eq!(samples, 5, "a guest that wakes the agent each millisecond buys no sample");
        assert_eq!(cadence.wait(1090), 10, "the loop sleeps until the next one");
        assert_eq!(cadence.wait(5000), 0, "and not at all where it is late");
    }
}
