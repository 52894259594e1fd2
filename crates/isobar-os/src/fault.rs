//! The fault build: layers that can be broken one by one at the system call wrapper, to prove that
//! evidence notices and that each attack succeeds without its layers.
//!
//! Compiled only with `--cfg isobar_fault`. Planner, evidence and everything else that decides do
//! not know this module; a release has neither these switches nor their names.
//!
//! `ISOBAR_FAULT` lists faults separated by commas. It is read once, by the first launch; what the
//! host can do is probed before that, without faults. A fault is
//!
//! - a name of the table below: that layer is broken; or
//! - `CALL=ERRNO`, such as `setns=EPERM`: that system call of the wrapper fails; with `@N` only its
//!   N-th call of this run does. See `fault/failing.rs`.
//!
//! `ISOBAR_FAULT_PAUSE` names a point at which isobar waits for its test; see `fault/pause.rs`.

mod failing;
mod pause;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use linux_raw_sys::general as linux;

use crate::capability;

pub(crate) use failing::failing;
pub use pause::pause;

macro_rules! faults {
    ($($variant:ident = $bit:literal, $name:literal, $about:literal;)*) => {
        /// One thing that goes wrong on purpose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Fault {
            $(#[doc = $about] $variant = $bit,)*
        }

        /// Every fault with its name.
        pub const ALL: &[(Fault, &str)] = &[$((Fault::$variant, $name),)*];
    };
}

faults! {
    SkipFilter = 0, "skip-filter", "The seccomp filter is not installed.";
    SkipLandlock = 1, "skip-landlock", "The Landlock ruleset is not enforced.";
    KeepCapability = 2, "keep-capability", "CAP_SYS_ADMIN stays effective and permitted.";
    KeepBounding = 3, "keep-bounding", "The bounding set is not reduced.";
    SkipNoNewPrivileges = 4, "skip-no-new-privileges", "no_new_privs is not set.";
    LeaveMount = 5, "leave-mount", "The old root stays mounted.";
    WritableMounts = 6, "writable-mounts", "Mounts do not become read-only.";
    SuidMounts = 7, "suid-mounts", "Mounts do not become nosuid and nodev.";
    SkipCgroup = 8, "skip-cgroup", "The sandbox does not join its control groups.";
    SkipNetNamespace = 9, "skip-net-namespace", "The sandbox keeps the caller's network.";
    SkipIpcNamespace = 10, "skip-ipc-namespace", "The sandbox keeps the caller's IPC.";
    SkipUtsNamespace = 11, "skip-uts-namespace", "The sandbox keeps the caller's host name.";
    SkipCgroupNamespace = 12, "skip-cgroup-namespace", "The sandbox sees the caller's cgroup paths.";
    SkipTimeNamespace = 13, "skip-time-namespace", "The sandbox keeps the caller's clocks.";
    SkipLimits = 14, "skip-limits", "Resource limits are not set.";
    KeepGroups = 15, "keep-groups", "Supplementary groups are not cleared.";
    SkipHostname = 16, "skip-hostname", "The host name is not set.";
    SkipIdmap = 17, "skip-idmap", "Granted directories are not idmapped.";
    SkipProcMasks = 18, "skip-proc-masks", "Files of /proc are not masked.";
    SkipPidNamespace = 19, "skip-pid-namespace", "The sandbox sees the caller's processes.";
    GuestKeepsCapability = 20, "guest-keeps-capability", "The guest's process does not drop capabilities.";
    GuestKeepsIdentity = 21, "guest-keeps-identity", "The guest's process keeps the agent's user number.";
    AgentDumpable = 22, "agent-dumpable", "The agent stays dumpable.";
    SwappedGrant = 23, "swapped-grant", "Granted directories show another directory of the host.";
    SkipProtection = 24, "skip-protection", "What the host would execute is left writable.";
    WeakLandlock = 25, "weak-landlock", "The Landlock ruleset is one of ABI 2.";
    IgnoreEvidence = 63, "ignore-evidence", "Contradicting evidence does not stop the run, so that attacks can be tried.";
}

/// What granted directories show with [`Fault::SwappedGrant`].
pub(crate) const fn swapped() -> &'static core::ffi::CStr {
    c"/etc"
}

static ACTIVE: AtomicU64 = AtomicU64::new(0);
static LOADED: OnceLock<()> = OnceLock::new();

/// Reads `ISOBAR_FAULT`, once a process.
///
/// # Panics
/// On a name that does not exist: a misspelt fault would make a test pass for nothing.
#[expect(clippy::panic, reason = "the fault build is a test tool and must not run with a typo")]
pub fn load() {
    LOADED.get_or_init(|| {
        let text = std::env::var("ISOBAR_FAULT").unwrap_or_default();
        let mut bits = 0;
        for name in text.split(',').filter(|name| !name.is_empty()) {
            match ALL.iter().find(|(_, known)| *known == name) {
                Some((fault, _)) => bits |= 1_u64 << *fault as u8,
                None if failing::add(name) => {}
                None => panic!("ISOBAR_FAULT: no fault is named {name}"),
            }
        }
        ACTIVE.store(bits, Ordering::Relaxed);
    });
}

/// Whether the fault is switched on. Lock-free, for the time between clone and exec.
pub fn active(fault: Fault) -> bool {
    ACTIVE.load(Ordering::Relaxed) & (1 << fault as u8) != 0
}

/// The faults that the agent inside carries out, as the bits of its `Setup` frame.
#[must_use]
pub fn for_agent() -> u64 {
    let bit = |fault, bit: u64| if active(fault) { 1 << bit } else { 0 };
    bit(Fault::GuestKeepsCapability, 0)
        | bit(Fault::GuestKeepsIdentity, 1)
        | bit(Fault::AgentDumpable, 2)
}

/// Flags that unshare must leave out.
pub(crate) fn unshared_flags() -> u32 {
    let bit = |fault, flag| if active(fault) { flag } else { 0 };
    bit(Fault::SkipNetNamespace, linux::CLONE_NEWNET)
        | bit(Fault::SkipIpcNamespace, linux::CLONE_NEWIPC)
        | bit(Fault::SkipUtsNamespace, linux::CLONE_NEWUTS)
        | bit(Fault::SkipCgroupNamespace, linux::CLONE_NEWCGROUP)
        | bit(Fault::SkipTimeNamespace, linux::CLONE_NEWTIME)
}

/// Flags that clone must leave out.
pub(crate) fn spawned_flags() -> u64 {
    if active(Fault::SkipPidNamespace) { u64::from(linux::CLONE_NEWPID) } else { 0 }
}

/// Mount attributes that are not set.
pub(crate) fn dropped_attributes() -> u64 {
    let bit = |fault, flags: u32| if active(fault) { u64::from(flags) } else { 0 };
    bit(Fault::WritableMounts, linux::MOUNT_ATTR_RDONLY)
        | bit(Fault::SuidMounts, linux::MOUNT_ATTR_NOSUID | linux::MOUNT_ATTR_NODEV)
}

/// The rights and scopes that a Landlock ruleset really gets.
pub(crate) fn weakened(rights: u64, scopes: u64) -> (u64, u64) {
    if active(Fault::WeakLandlock) {
        (rights & crate::landlock::handled(2), 0)
    } else {
        (rights, scopes)
    }
}

/// Capabilities that stay although the caller drops them.
pub(crate) fn kept_capabilities() -> u64 {
    if active(Fault::KeepCapability) { capability::mask(capability::SYS_ADMIN) } else { 0 }
}
