//! What this machine can do, learned by doing it up to the last step.
//!
//! Plain data, so that planning stays pure and tests can describe any host. A fact that is not
//! [`Fact::Works`] carries why, in the words of the host, and the switch that would change it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// It was done and took effect.
    Works,
    /// It was tried and failed, or cannot be tried here.
    Missing {
        /// What happened, such as `clone3: EPERM`.
        why: String,
        /// What the user could do, naming the switch; one line.
        remedy: String,
    },
}

impl Fact {
    /// Whether it works.
    #[must_use]
    pub const fn works(&self) -> bool {
        matches!(self, Self::Works)
    }
}

/// A layer of the hardening floor, or a mechanism that a clause may bind to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// User namespaces, with identity maps.
    UserNamespace,
    /// Process namespaces.
    PidNamespace,
    /// Mount namespaces, the new mount interface, tmpfs, proc and `pivot_root`.
    MountNamespace,
    /// Network namespaces.
    NetNamespace,
    /// IPC namespaces.
    IpcNamespace,
    /// Host name namespaces.
    UtsNamespace,
    /// Control group namespaces.
    CgroupNamespace,
    /// Time namespaces.
    TimeNamespace,
    /// Loading a seccomp filter.
    Seccomp,
    /// Landlock of ABI 2 at least.
    Landlock,
    /// RLIMIT_NPROC counted for each user namespace.
    ProcessLimit,
    /// Idmapped mounts (root only).
    IdmappedMounts,
}

impl Layer {
    /// Every layer.
    pub const ALL: [Self; 12] = [
        Self::UserNamespace,
        Self::PidNamespace,
        Self::MountNamespace,
        Self::NetNamespace,
        Self::IpcNamespace,
        Self::UtsNamespace,
        Self::CgroupNamespace,
        Self::TimeNamespace,
        Self::Seccomp,
        Self::Landlock,
        Self::ProcessLimit,
        Self::IdmappedMounts,
    ];

    /// The name in reports and in `doctor`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserNamespace => "user namespace",
            Self::PidNamespace => "pid namespace",
            Self::MountNamespace => "mount namespace",
            Self::NetNamespace => "network namespace",
            Self::IpcNamespace => "ipc namespace",
            Self::UtsNamespace => "uts namespace",
            Self::CgroupNamespace => "cgroup namespace",
            Self::TimeNamespace => "time namespace",
            Self::Seccomp => "seccomp filter",
            Self::Landlock => "Landlock",
            Self::ProcessLimit => "process limit by user namespace",
            Self::IdmappedMounts => "idmapped mounts",
        }
    }
}

/// A control group controller that isobar uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Controller {
    /// Memory, with an out-of-memory notice.
    Memory,
    /// Number of tasks.
    Pids,
    /// Processor bandwidth.
    Cpu,
    /// Processor time used.
    Cpuacct,
}

impl Controller {
    /// Every controller.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Pids, Self::Cpu, Self::Cpuacct];

    /// The kernel's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
        }
    }
}

/// Which interface of control groups carries a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CgroupVersion {
    /// A hierarchy of its own for each controller.
    V1,
    /// The unified hierarchy.
    V2,
}

/// Where a controller is, and whether a group could be made, joined and removed there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CgroupFact {
    /// The interface.
    pub version: Option<CgroupVersion>,
    /// The directory below which sandboxes' groups are made; empty where there is none.
    pub directory: String,
    /// Whether the supervisor has to move into a scope of its own for it, which takes a quarter of a
    /// second.
    #[serde(default)]
    pub scope: bool,
    /// Whether it worked.
    pub fact: Fact,
}

/// Whether isobar runs as real root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Privilege {
    /// Effective user 0 with the capabilities that set-up needs.
    Root,
    /// Anybody else.
    User,
}

/// What this machine can do for this user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HostFacts {
    /// `uname -r`, for display only: nothing is decided by version numbers.
    pub kernel: String,
    /// `uname -m`.
    pub machine: String,
    /// Real root or not.
    pub privilege: Privilege,
    /// The caller's host user and group numbers.
    pub uid: u32,
    /// The caller's host group number.
    pub gid: u32,
    /// Supplementary groups, which an ordinary user cannot drop.
    pub supplementary_groups: Vec<u32>,
    /// Each layer.
    pub layers: BTreeMap<Layer, Fact>,
    /// Landlock's ABI; 0 where there is none.
    pub landlock_abi: u32,
    /// Each control group controller.
    pub cgroups: BTreeMap<Controller, CgroupFact>,
    /// Whether the host has swap switched on.
    pub swap: bool,
    /// Whether the memory controller also bounds swap.
    pub swap_accounting: bool,
}

impl HostFacts {
    /// The fact about `layer`; a layer that was never tried counts as missing.
    #[must_use]
    pub fn layer(&self, layer: Layer) -> Fact {
        self.layers.get(&layer).cloned().unwrap_or_else(|| Fact::Missing {
            why: "was not tried: it rests on a layer that is missing".to_owned(),
            remedy: "see that layer".to_owned(),
        })
    }

    /// Whether `layer` was left untried because something that it rests on is missing. That other
    /// layer is then the one to tell about.
    #[must_use]
    pub fn is_untried(&self, layer: Layer) -> bool {
        let missing = |fact: &Fact| !fact.works();
        !self.layers.contains_key(&layer) && self.layers.values().any(missing)
    }

    /// The fact about `controller`.
    #[must_use]
    pub fn controller(&self, controller: Controller) -> Fact {
        self.cgroups.get(&controller).map_or_else(
            || Fact::Missing {
                why: format!("no {} control group", controller.name()),
                remedy: "mount the cgroup file systems, or accept a weaker form".to_owned(),
            },
            |cgroup| cgroup.fact.clone(),
        )
    }
}
