//! What was observed to prove that a layer is on, with how strong the observation is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How strong an observation is. Ordered from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Said from inside once guest code ran.
    GuestClaimed,
    /// Only the call's success.
    Asserted,
    /// Our code, after the last layer and before the guest's program, tried the forbidden act and
    /// got the expected error.
    Probed,
    /// State of the kernel, VMM or runtime, read from outside.
    ReadBack,
}

impl Grade {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GuestClaimed => "guest-claimed",
            Self::Asserted => "asserted",
            Self::Probed => "probed",
            Self::ReadBack => "read-back",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evidence {
    /// A stable key, such as `seccomp.filter` or `mount:/usr`; bindings name it.
    pub key: String,
    /// How strong it is.
    pub grade: Grade,
    /// Where it was read or tried, such as `/proc/PID/status Seccomp`.
    pub source: String,
    /// What the plan expects.
    pub expected: String,
    /// What was observed. Bounded to 4 KiB.
    pub observed: String,
    /// Whether observation and expectation agree.
    pub holds: bool,
}

impl Evidence {
    /// An observation that holds when both texts are equal.
    #[must_use]
    pub fn compare(
        key: impl Into<String>,
        grade: Grade,
        source: impl Into<String>,
        expected: impl Into<String>,
        observed: impl Into<String>,
    ) -> Self {
        let (expected, observed) = (expected.into(), observed.into());
        let holds = expected == observed;
        Self { key: key.into(), grade, source: source.into(), expected, observed, holds }
    }
}
