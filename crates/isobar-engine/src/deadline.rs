//! The time after which a run is ended.
//!
//! Measured on the monotonic clock and waited for by the timeout of poll(2): no descriptor and no
//! signal that the guest's output could delay.

use std::time::{Duration, Instant};

use isobar_policy::Span;

/// A moment and the span that led to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    start: Instant,
    span: Duration,
}

impl Deadline {
    /// `span` after `start`.
    pub(crate) const fn after(start: Instant, span: Span) -> Self {
        Self { start, span: span.duration() }
    }

    /// `span` from now.
    pub(crate) fn in_millis(millis: u64) -> Self {
        Self::after(Instant::now(), Span::from_millis(millis))
    }

    /// What is left; zero once it has passed.
    pub(crate) fn left(&self) -> Duration {
        self.span.saturating_sub(self.start.elapsed())
    }

    pub(crate) fn passed(&self) -> bool {
        self.left().is_zero()
    }
}
