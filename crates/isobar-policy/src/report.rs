//! The report: each clause with the mechanism that enforces it and what was observed to prove it.

mod columns;
mod proof;
mod render;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize, Serializer};

use crate::{Acceptance, Binding, BoundaryKind, Evidence, Outcome, Policy};

/// One clause or layer of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClauseLine {
    /// What was asked and what it was bound to.
    pub binding: Binding,
    /// What was observed for it.
    pub evidence: Vec<Evidence>,
}

/// What a run can hand out about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The version of this form: 1.
    pub version: u32,
    /// isobar's own version and build.
    pub isobar: String,
    /// The boundary.
    pub boundary: BoundaryKind,
    /// The host: kernel and whether isobar ran as root.
    pub host: String,
    /// The command as given, lossily decoded, not escaped: whoever shows it to a person escapes.
    pub command: Vec<String>,
    /// The merged policy. When a report is written, the values of `env.set` are left out of it,
    /// since they may be secrets and reports are passed around.
    #[serde(serialize_with = "without_values")]
    pub policy: Policy,
    /// Clauses, then the floor.
    pub lines: Vec<ClauseLine>,
    /// Weaker forms that the user accepted.
    pub accepted: Vec<Acceptance>,
    /// What stays shared with the host.
    pub shared: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What a report says in place of a variable's value.
pub(crate) const NOT_SHOWN: &str = "(not shown)";

fn without_values<S: Serializer>(policy: &Policy, serializer: S) -> Result<S::Ok, S::Error> {
    let mut shown = policy.clone();
    shown.env.set.values_mut().for_each(|value| NOT_SHOWN.clone_into(value));
    shown.serialize(serializer)
}

impl Report {
    /// The version of this form.
    pub const VERSION: u32 = 1;
}
