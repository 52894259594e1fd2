//! How a run ended, kept apart from what happened on the way.

mod line;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Clause, Diagnostic, Refusal};

/// Who or what killed the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KilledBy {
    /// `limits.memory`: the kernel ran out of memory inside the sandbox.
    Memory,
    /// `limits.wall-time` passed.
    WallTime,
    /// `limits.cpu-time` was used up.
    CpuTime,
    /// The caller asked.
    User,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum End {
    /// The program ended by itself.
    Exited {
        /// Its exit code. Guest-claimed: a guest chooses it freely.
        code: u8,
    },
    /// A signal ended the program, not sent by isobar.
    Signalled {
        /// The signal's number.
        signal: u8,
    },
    /// isobar, or the kernel on a limit's behalf, ended the sandbox.
    Killed {
        /// Why.
        by: KilledBy,
    },
    /// The program could not be executed inside the sandbox.
    NotExecuted {
        /// The kernel's error number.
        errno: u16,
        /// What the kernel calls it.
        reason: String,
    },
    /// Nothing was started.
    Refused {
        /// Every clause that could not be bound.
        refusals: Vec<Refusal>,
    },
    /// isobar failed. Never the guest's fault.
    Failed {
        /// What went wrong.
        diagnostic: Diagnostic,
    },
}

/// A limit that was reached on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LimitHit {
    /// The clause.
    pub clause: Clause,
    /// The limit in the clause's unit (bytes, milliseconds, tasks).
    pub limit: u64,
    /// What was observed, in the same unit; for counters of refused attempts, their number.
    pub observed: u64,
    /// How it was observed, such as `pids.events`.
    pub source: String,
}

/// A file that the host would execute, made by the guest where there was none before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PutAside {
    /// The host path that the guest gave it, lossily decoded.
    pub path: String,
    /// The name that it has now, beside its old place.
    pub now: String,
    /// The program that would have obeyed it.
    pub by: String,
}

/// Output that was not passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Truncated {
    /// Bytes of standard output that the guest wrote and nobody got.
    pub stdout_bytes: u64,
    /// Bytes of standard error that the guest wrote and nobody got.
    pub stderr_bytes: u64,
}

/// What the run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Usage {
    /// From the program's start to its end, microseconds.
    pub wall_micros: u64,
    /// User time of all processes that were waited for, microseconds.
    pub user_micros: u64,
    /// System time of all processes that were waited for, microseconds.
    pub system_micros: u64,
    /// Peak memory of the sandbox in bytes where a control group counts it, else the largest
    /// resident set of one process.
    pub peak_memory_bytes: u64,
    /// Bytes of standard output that were passed on.
    pub stdout_bytes: u64,
    /// Bytes of standard error that were passed on.
    pub stderr_bytes: u64,
}

/// One phase of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// How long it took, microseconds.
    pub micros: u64,
}

/// How a run ended and what happened on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Limits that were reached on the way.
    pub limits_hit: Vec<LimitHit>,
    /// Denied acts by name, where something counts them.
    pub denied: BTreeMap<String, u64>,
    /// Files that the host would execute, which the guest made, and where they were put aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub put_aside: Vec<PutAside>,
    /// Output that was cut off.
    pub truncated: Truncated,
    /// What the run used.
    pub usage: Usage,
    /// The phases in order.
    pub phases: Vec<Phase>,
}

impl Outcome {
    /// An outcome of which only the end is known.
    #[must_use]
    pub fn only(end: End) -> Self {
        Self {
            end,
            limits_hit: Vec::new(),
            denied: BTreeMap::new(),
            put_aside: Vec::new(),
            truncated: Truncated::default(),
            usage: Usage::default(),
            phases: Vec::new(),
        }
    }
}
