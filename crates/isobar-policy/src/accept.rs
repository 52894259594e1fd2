//! The closed list of what a user may accept as weaker. Nothing else weakens a run, and whatever
//! was accepted stands in the report.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One weaker form that a user accepts by name, as `--accept memory=per-process` writes it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[non_exhaustive]
pub enum Acceptance {
    /// `limits.memory` binds each process by itself (RLIMIT_DATA), not the sandbox as a whole.
    #[serde(rename = "memory=per-process")]
    MemoryPerProcess,
    /// `limits.cpu-time` binds each process by itself (RLIMIT_CPU), not the sandbox as a whole.
    #[serde(rename = "cpu-time=per-process")]
    CpuTimePerProcess,
    /// Run without Landlock where the kernel has none.
    #[serde(rename = "landlock=absent")]
    LandlockAbsent,
    /// Run without a time namespace where the kernel has none.
    #[serde(rename = "time-namespace=absent")]
    TimeNamespaceAbsent,
    /// Run without a cgroup namespace where the kernel has none.
    #[serde(rename = "cgroup-namespace=absent")]
    CgroupNamespaceAbsent,
}

impl Acceptance {
    /// The whole list.
    pub const ALL: [Self; 5] = [
        Self::MemoryPerProcess,
        Self::CpuTimePerProcess,
        Self::LandlockAbsent,
        Self::TimeNamespaceAbsent,
        Self::CgroupNamespaceAbsent,
    ];

    /// The text of the flag's value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MemoryPerProcess => "memory=per-process",
            Self::CpuTimePerProcess => "cpu-time=per-process",
            Self::LandlockAbsent => "landlock=absent",
            Self::TimeNamespaceAbsent => "time-namespace=absent",
            Self::CgroupNamespaceAbsent => "cgroup-namespace=absent",
        }
    }

    /// What the user gives up, in one sentence for the report.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::MemoryPerProcess => {
                "each process may use the whole memory limit; shared memory and tmpfs are not counted"
            }
            Self::CpuTimePerProcess => "each process may use the whole processor time limit",
            Self::LandlockAbsent => {
                "no second wall around files: the mount namespace alone holds them"
            }
            Self::TimeNamespaceAbsent => "the guest reads the host's uptime",
            Self::CgroupNamespaceAbsent => "the guest reads the host's cgroup paths",
        }
    }
}

impl fmt::Display for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Acceptance {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or(())
    }
}
