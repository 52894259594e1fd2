//! One attempt, as data.

use isobar_engine::policy::Clause;

use crate::{CanaryKind, Layer};

/// One attempt to get out of a sandbox, or past one of its limits.
#[derive(Debug)]
pub struct Attempt {
    /// The stable name.
    pub name: &'static str,
    /// Its numbers in the catalogue of the documents.
    pub numbers: &'static [u16],
    /// What it tries, in one line.
    pub tries: &'static str,
    /// What a sound boundary answers, in one line.
    pub sound: &'static str,
    /// The layers that hold it, each by itself.
    pub layers: &'static [Layer],
    /// What the host must have for it to be tried, beyond what every sandbox needs.
    pub needs: Option<&'static str>,
    /// What is prepared on the host.
    pub canary: CanaryKind,
    /// How success is known.
    pub proof: Proof,
    /// The limit that it runs against.
    pub bound: Option<Bound>,
    /// Arguments of the payload, after those of the canary.
    pub arguments: &'static [&'static str],
}

/// How success is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The payload printed a secret that only the canary holds.
    Secret,
    /// The canary is not what it was.
    Changed,
    /// The canary was spoken to, with the right word.
    Contacted,
    /// The payload says so, with the token of this run: nothing outside could see it.
    Word,
}

/// A limit that an attempt runs against. It is part of the policy of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// `limits.pids`.
    Tasks(u32),
    /// `limits.memory`, bytes.
    Memory(u64),
}

impl Bound {
    /// The clause that sets it.
    #[must_use]
    pub const fn clause(self) -> Clause {
        match self {
            Self::Tasks(_) => Clause::Pids,
            Self::Memory(_) => Clause::Memory,
        }
    }
}
