//! The boundary's own part of a plan: what the launch needs, with every decision already made.

use isobar_policy::{Access, Payload, Plan, Privilege, Protection, Slot};
use serde::{Deserialize, Serialize};

/// The version of this form.
pub(crate) const VERSION: u32 = 1;

/// Everything that a launch reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Planned {
    pub(crate) privilege: Privilege,
    /// The guest's numbers inside.
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The caller's numbers outside.
    pub(crate) host_uid: u32,
    pub(crate) host_gid: u32,
    /// Groups that stay in force, which is so for an ordinary user.
    pub(crate) kept_groups: Vec<u32>,
    pub(crate) cgroup_namespace: bool,
    pub(crate) time_namespace: bool,
    /// `None` where its absence was accepted.
    pub(crate) landlock_abi: Option<u32>,
    pub(crate) hostname: String,
    /// The guest gets a terminal of its own, and `/dev/tty` to find it.
    pub(crate) terminal: bool,
    pub(crate) grants: Vec<PlannedGrant>,
    pub(crate) tmpfs: Vec<PlannedTmpfs>,
    /// The guest's /tmp, of which /dev/shm is a part.
    pub(crate) tmp: PlannedTmpfs,
    pub(crate) limits: PlannedLimits,
}

/// One host path of the guest's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct PlannedGrant {
    pub(crate) slot: Slot,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) access: Access,
    pub(crate) directory: bool,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Owner and group on disk that are to appear as the guest's own; root only.
    pub(crate) map_owner: Option<(u32, u32)>,
    /// What below it is read-only, or held in its place.
    pub(crate) protections: Vec<Protection>,
}

/// An empty file system in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct PlannedTmpfs {
    pub(crate) target: String,
    pub(crate) bytes: u64,
    pub(crate) inodes: u64,
}

/// Limits, each bound to its mechanism.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct PlannedLimits {
    pub(crate) memory: Option<MemoryLimit>,
    pub(crate) pids: Option<PidsLimit>,
    /// Thousandths of a processor, by the cpu control group.
    pub(crate) cpu_millis: Option<u32>,
    pub(crate) cpu_time: Option<CpuTimeLimit>,
    pub(crate) open_files: Option<u64>,
    pub(crate) file_bytes: Option<u64>,
}

/// How memory is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MemoryLimit {
    /// Bytes of the whole sandbox.
    Cgroup(u64),
    /// Bytes of data of each process (RLIMIT_DATA), accepted.
    PerProcess(u64),
}

/// How the number of tasks is bound. The number is the guest's tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PidsLimit {
    /// The pids control group, which also counts `isobar-init`.
    Cgroup(u32),
    /// RLIMIT_NPROC in the sandbox's user namespace.
    UserNamespace(u32),
}

/// How processor time is bound, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CpuTimeLimit {
    /// Of the whole sandbox, counted by cpuacct.
    Cgroup(u64),
    /// Of each process (RLIMIT_CPU, whole seconds), accepted.
    PerProcess(u64),
}

/// A payload that this build cannot read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PayloadError {
    #[error("the plan is of version {found}, this build reads version {VERSION}")]
    Version { found: u32 },
    #[error("the plan's payload cannot be read")]
    Form(#[source] serde_json::Error),
}

impl Planned {
    pub(crate) fn seal(&self) -> Result<Payload, serde_json::Error> {
        Ok(Payload { version: VERSION, data: serde_json::to_value(self)? })
    }

    pub(crate) fn unseal(plan: &Plan) -> Result<Self, PayloadError> {
        if plan.payload.version != VERSION {
            return Err(PayloadError::Version { found: plan.payload.version });
        }
        Self::deserialize(&plan.payload.data).map_err(PayloadError::Form)
    }
}
