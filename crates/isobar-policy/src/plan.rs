//! A plan: every clause bound to mechanisms on this host. Pure data, serialisable, so that a plan
//! with its descriptors is all that a supervisor or a jailed helper needs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Acceptance, BoundaryKind, Clause};

/// The number of a descriptor that travels beside a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub u32);

/// A kernel, VMM or runtime feature that enforces something, as reports name it: `seccomp filter`,
/// `cgroup v1 memory.limit_in_bytes`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mechanism(pub String);

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One clause, or one layer of the floor, bound to mechanisms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Binding {
    /// The clause; `None` for a layer of the boundary's hardening floor.
    pub clause: Option<Clause>,
    /// What was asked, in the user's terms: `512M`, `unlimited`, `ro /srv/data`; for a layer, its
    /// name.
    pub asked: String,
    /// What enforces it; empty where nothing was asked.
    pub mechanisms: Vec<Mechanism>,
    /// The keys of the evidence that must be present and hold before the guest starts.
    pub evidence: Vec<String>,
    /// The weaker form that the user accepted, if this binding uses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
    /// Why evidence weaker than `probed` has to do; stated in the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weak_evidence_reason: Option<String>,
}

/// What only the boundary that made the plan can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Payload {
    /// The version of the boundary's own form.
    pub version: u32,
    /// The boundary's own data.
    pub data: serde_json::Value,
}

/// Every clause bound to mechanisms, ready to launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// Which boundary made it.
    pub boundary: BoundaryKind,
    /// Clauses first, then the floor.
    pub bindings: Vec<Binding>,
    /// What stays shared with the host, one sentence each; the report repeats it.
    pub shared: Vec<String>,
    /// The boundary's own data.
    pub payload: Payload,
    /// Descriptors that must be handed over beside the plan.
    pub slots: Vec<Slot>,
}
