//! What a line of the report amounts to: does every required observation hold, and how strong is
//! the weakest of them.

use super::ClauseLine;
use crate::{Evidence, Grade};

/// The state of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof<'r> {
    /// Nothing was asked, so nothing enforces it.
    NotAsked,
    /// Everything required was observed and holds. The grade is that of the weakest observation,
    /// so that no line looks better than what it rests on; `None` where none is required.
    Holds(Option<Grade>),
    /// Observations contradict the plan, or required ones are missing.
    Fails {
        /// What contradicts.
        contradicted: Vec<&'r Evidence>,
        /// The keys of which nothing was observed.
        missing: Vec<&'r str>,
    },
}

impl ClauseLine {
    /// What the observations amount to.
    pub(super) fn proof(&self) -> Proof<'_> {
        let contradicted: Vec<_> = self.evidence.iter().filter(|one| !one.holds).collect();
        let observed = |key: &str| self.evidence.iter().any(|one| one.key == key);
        let required = self.binding.evidence.iter().map(String::as_str);
        let missing: Vec<_> = required.filter(|key| !observed(key)).collect();
        if !contradicted.is_empty() || !missing.is_empty() {
            Proof::Fails { contradicted, missing }
        } else if self.binding.mechanisms.is_empty() && self.evidence.is_empty() {
            Proof::NotAsked
        } else {
            Proof::Holds(self.evidence.iter().map(|one| one.grade).min())
        }
    }
}
