//! What a jailed process is to be.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use isobar_os::namespaces::NamespaceKind;

use crate::confinement::Confinement;
use crate::root::RootSpec;

/// Who the process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// An ordinary user's: one number of each kind, mapped to the caller's own. The process maps
    /// itself and cannot drop supplementary groups.
    Own {
        /// User number inside.
        uid: u32,
        /// Group number inside.
        gid: u32,
        /// The caller's user number outside.
        host_uid: u32,
        /// The caller's group number outside.
        host_gid: u32,
    },
    /// Root's: the supervisor writes the maps, the process drops all groups and takes over a
    /// mapped number.
    Mapped {
        /// Lines for `uid_map` (user_namespaces(7)).
        uid_map: String,
        /// Lines for `gid_map`.
        gid_map: String,
        /// User number inside that the process takes over.
        uid: u32,
        /// Group number inside that the process takes over.
        gid: u32,
    },
}

/// One resource limit (getrlimit(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceLimit {
    /// `RLIMIT_*`.
    pub resource: u32,
    /// The line in `/proc/PID/limits`.
    pub line: &'static str,
    /// The soft limit in the unit of that resource.
    pub soft: u64,
    /// The hard limit.
    pub hard: u64,
}

/// What is added to the host's clocks inside a time namespace (time_namespaces(7)), whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffsets {
    /// To CLOCK_MONOTONIC.
    pub monotonic: i64,
    /// To CLOCK_BOOTTIME, which `/proc/uptime` shows.
    pub boottime: i64,
}

/// What the process executes.
#[derive(Debug)]
pub struct Execution {
    /// The executable, best a sealed copy.
    pub program: OwnedFd,
    /// Arguments.
    pub argv: Vec<CString>,
    /// Environment.
    pub envp: Vec<CString>,
}

/// A process to be.
#[derive(Debug)]
pub struct JailSpec {
    /// Who it is. It always has a user and a process namespace.
    pub identity: Identity,
    /// Further namespaces.
    pub namespaces: Vec<NamespaceKind>,
    /// Its root.
    pub root: RootSpec,
    /// Where its clocks start, where it has a time namespace.
    pub clocks: Option<ClockOffsets>,
    /// Its host name; needs a uts namespace.
    pub hostname: Option<CString>,
    /// `tasks` files of the control groups of version 1 that it joins.
    pub groups: Vec<OwnedFd>,
    /// The control group of version 2 that it is made in.
    pub unified_group: Option<OwnedFd>,
    /// Resource limits.
    pub limits: Vec<ResourceLimit>,
    /// The late phase; empty for a process that confines itself later.
    pub late: Confinement,
    /// Descriptors that it gets, with their numbers, which must be below 10. All others are closed.
    pub descriptors: Vec<(OwnedFd, i32)>,
    /// The descriptor (one of those above, by its number) on which it announces with a `STAGED`
    /// frame that its root is in place.
    pub announce: i32,
    /// What it executes.
    pub execution: Execution,
}
