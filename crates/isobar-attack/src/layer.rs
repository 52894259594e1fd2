//! The layers that hold attempts, by name.
//!
//! An attempt names the *set* of layers that hold it, each by itself: it gets out only when all of
//! them are gone. The layers are those of the boundary that runs processes on the host's kernel.

use serde::{Serialize, Serializer};

/// One layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The old root is detached after the root was changed.
    OldRootDetached,
    /// Mounts of what may only be read are read-only.
    ReadOnlyMounts,
    /// The Landlock domain: files by path, and from ABI 6 abstract sockets and signals.
    Landlock,
    /// Neither `isobar-init` nor the guest has capabilities that could change mounts.
    NoCapabilities,
    /// The seccomp filter.
    Filter,
    /// A network namespace of the sandbox's own.
    NetNamespace,
    /// An IPC namespace of the sandbox's own.
    IpcNamespace,
    /// The limit on tasks: the pids control group, or RLIMIT_NPROC in the user namespace.
    ProcessLimit,
    /// The memory control group.
    MemoryGroup,
}

impl Layer {
    /// The name in tables and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OldRootDetached => "detached old root",
            Self::ReadOnlyMounts => "read-only mounts",
            Self::Landlock => "Landlock",
            Self::NoCapabilities => "no capabilities",
            Self::Filter => "seccomp filter",
            Self::NetNamespace => "network namespace",
            Self::IpcNamespace => "ipc namespace",
            Self::ProcessLimit => "process limit",
            Self::MemoryGroup => "memory control group",
        }
    }
}

impl Serialize for Layer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
