//! The time of each phase, for the report.

use std::time::Instant;

use isobar_policy::Phase;

/// Measures phases that follow each other.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    last: Instant,
    phases: Vec<Phase>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { last: Instant::now(), phases: Vec::with_capacity(8) }
    }

    /// Ends the phase `name`.
    pub(crate) fn lap(&mut self, name: &str) {
        let now = Instant::now();
        let micros = u64::try_from((now - self.last).as_micros()).unwrap_or(u64::MAX);
        self.phases.push(Phase { name: name.to_owned(), micros });
        self.last = now;
    }

    /// Begins the next phase now.
    pub(crate) fn restart(&mut self) {
        self.last = Instant::now();
    }

    pub(crate) fn phases(&self) -> &[Phase] {
        &self.phases
    }
}
