//! What a launch takes and how it fails.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use isobar_policy::{Diagnostic, Evidence, Refusal, Slot};

/// The descriptors that travel beside a plan, by slot.
#[derive(Debug, Default)]
pub struct Descriptors {
    slots: BTreeMap<Slot, OwnedFd>,
}

impl Descriptors {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `descriptor` into the next free slot and says which.
    pub fn push(&mut self, descriptor: OwnedFd) -> Slot {
        let next = self.slots.keys().next_back().map_or(0, |last| last.0 + 1);
        self.slots.insert(Slot(next), descriptor);
        Slot(next)
    }

    /// The descriptor of `slot`.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Option<&OwnedFd> {
        self.slots.get(&slot)
    }

    /// Takes the descriptor of `slot` out.
    pub fn take(&mut self, slot: Slot) -> Option<OwnedFd> {
        self.slots.remove(&slot)
    }
}

/// Why there is no sandbox. Whatever was made on the way is gone again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The host turned out not to be able to do what the facts said; the facts are stale.
    #[error("this host cannot enforce the policy")]
    Refused(Vec<Refusal>),
    /// What was observed contradicts the plan. The sandbox is dead.
    #[error("boundary failed: what was observed contradicts the plan")]
    Contradicted(Vec<Evidence>),
    /// isobar failed.
    #[error("{}", .0.summary)]
    Failed(Diagnostic),
}
