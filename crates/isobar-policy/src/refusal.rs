//! A clause that cannot be bound on this host. Data, not an error string.

use serde::{Deserialize, Serialize};

use crate::{Acceptance, Clause, Code};

/// Why a run does not start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// The clause; `None` for a layer of the floor.
    pub clause: Option<Clause>,
    /// What cannot be had and why, in one sentence without a full stop.
    pub why: String,
    /// What the user can do, in one line.
    pub remedy: String,
    /// The weaker form that the user could accept instead, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptable: Option<Acceptance>,
}
