//! Kinds of namespaces (namespaces(7)), by flag and by the name of their link in `/proc/PID/ns`.

use linux_raw_sys::general as linux;

/// One kind of namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamespaceKind {
    /// User and group numbers, capabilities.
    User,
    /// Process numbers.
    Pid,
    /// Mounts.
    Mount,
    /// Network devices, addresses, ports, abstract sockets.
    Net,
    /// System V IPC and POSIX message queues.
    Ipc,
    /// Host and domain name.
    Uts,
    /// The root of cgroup paths.
    Cgroup,
    /// Boot time and monotonic clocks.
    Time,
}

impl NamespaceKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::User,
        Self::Pid,
        Self::Mount,
        Self::Net,
        Self::Ipc,
        Self::Uts,
        Self::Cgroup,
        Self::Time,
    ];

    /// The flag for clone and unshare.
    #[must_use]
    pub const fn flag(self) -> u32 {
        match self {
            Self::User => linux::CLONE_NEWUSER,
            Self::Pid => linux::CLONE_NEWPID,
            Self::Mount => linux::CLONE_NEWNS,
            Self::Net => linux::CLONE_NEWNET,
            Self::Ipc => linux::CLONE_NEWIPC,
            Self::Uts => linux::CLONE_NEWUTS,
            Self::Cgroup => linux::CLONE_NEWCGROUP,
            Self::Time => linux::CLONE_NEWTIME,
        }
    }

    /// The name of the link in `/proc/PID/ns`.
    #[must_use]
    pub const fn link(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Pid => "pid",
            Self::Mount => "mnt",
            Self::Net => "net",
            Self::Ipc => "ipc",
            Self::Uts => "uts",
            Self::Cgroup => "cgroup",
            Self::Time => "time",
        }
    }

    /// The name of the link to the namespace that a process's children get. It is another one for
    /// time namespaces: before Linux 6.3 a process that makes one is never in it itself.
    #[must_use]
    pub const fn link_of_children(self) -> &'static str {
        match self {
            Self::Time => "time_for_children",
            Self::User
            | Self::Pid
            | Self::Mount
            | Self::Net
            | Self::Ipc
            | Self::Uts
            | Self::Cgroup => self.link(),
        }
    }
}
