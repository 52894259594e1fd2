//! Layers: all at once by a whole sandbox; one by one where that fails.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use isobar_boundary::{Descriptors, LaunchError, Sandbox};
use isobar_jail::{
    Confinement, Entry, Execution, Identity, JailError, JailSpec, LandlockSpec, RootSpec, Step,
};
use isobar_os::idmap::{OwnerMap, user_namespace};
use isobar_os::landlock::MINIMUM_ABI;
use isobar_os::namespaces::NamespaceKind;
use isobar_os::seccomp::{DeniedAnswer, FilterRequest, ProcessRule, assemble};
use isobar_os::slot::SLOTS;
use isobar_os::{mount, sealed};
use isobar_policy::{Fact, HostFacts, Layer, Privilege};
use rustix::event::{PollFd, PollFlags, poll};

use super::switches::{Blocked, blocked, blocked_layer};
use crate::errors::error_text;
use crate::payload::{PidsLimit, Planned, PlannedLimits, PlannedTmpfs};
use crate::plan::{ROOT_LEAST_TASKS, landlock_too_old};
use crate::range::Range;
use crate::system;

/// The layers that a whole sandbox proves.
const WHOLE: [Layer; 11] = [
    Layer::UserNamespace,
    Layer::PidNamespace,
    Layer::MountNamespace,
    Layer::NetNamespace,
    Layer::IpcNamespace,
    Layer::UtsNamespace,
    Layer::CgroupNamespace,
    Layer::TimeNamespace,
    Layer::Seccomp,
    Layer::Landlock,
    Layer::ProcessLimit,
];

/// Those without which no sandbox is made, whatever is accepted.
const OTHERS: [Layer; 7] = [
    Layer::UserNamespace,
    Layer::PidNamespace,
    Layer::MountNamespace,
    Layer::NetNamespace,
    Layer::IpcNamespace,
    Layer::UtsNamespace,
    Layer::Seccomp,
];

/// Fills in every layer.
pub(super) fn probe(libexec: &Path, facts: &mut HostFacts) {
    facts.layers.insert(Layer::IdmappedMounts, idmapped_mounts(libexec, facts.privilege));
    let abi = facts.landlock_abi;
    let landlock = (abi >= MINIMUM_ABI).then_some(abi);
    let all = Optional { cgroup_namespace: true, time_namespace: true, landlock };
    let mut made = whole(libexec, facts, all);
    if made.is_ok() {
        facts.layers.extend(WHOLE.map(|layer| (layer, Fact::Works)));
        if landlock.is_none() {
            facts.layers.insert(Layer::Landlock, landlock_too_old(abi));
        }
        return;
    }
    if !one_by_one(libexec, facts) {
        return;
    }
    // What may be accepted as absent must not take the process limit along.
    let there = Optional {
        cgroup_namespace: facts.layer(Layer::CgroupNamespace).works(),
        time_namespace: facts.layer(Layer::TimeNamespace).works(),
        landlock: landlock.filter(|_| facts.layer(Layer::Landlock).works()),
    };
    if there != all {
        made = whole(libexec, facts, there);
    }
    let fact = match made {
        Ok(()) => Fact::Works,
        // That layer is told about, and the process limit was tried with nothing less.
        Err(_) if OTHERS.iter().any(|layer| !facts.layer(*layer).works()) => return,
        Err(error) => Fact::Missing {
            why: not_whole(&error),
            remedy: "report this as a bug of isobar: each layer works by itself".to_owned(),
        },
    };
    facts.layers.insert(Layer::ProcessLimit, fact);
}

/// Layers that a user may accept as absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Optional {
    cgroup_namespace: bool,
    time_namespace: bool,
    landlock: Option<u32>,
}

/// Why no whole sandbox could be made, naming contradicting evidence.
fn not_whole(error: &LaunchError) -> String {
    let detail = match error {
        LaunchError::Refused(refusals) => {
            refusals.iter().map(|refusal| refusal.why.clone()).collect::<Vec<_>>().join("; ")
        }
        LaunchError::Contradicted(evidence) => {
            let wrong = evidence.iter().filter(|one| !one.holds);
            wrong
                .map(|one| format!("{} is {}, not {}", one.key, one.observed, one.expected))
                .collect::<Vec<_>>()
                .join("; ")
        }
        other @ (LaunchError::Failed(_) | _) => error_text(other),
    };
    format!("no whole sandbox with a process limit could be made: {detail}")
}

/// A whole sandbox with the smallest process limit in which the agent can still make the children
/// with which it probes, one at a time. That works only where the limit counts this sandbox alone:
/// the caller has other processes.
fn whole(libexec: &Path, facts: &HostFacts, with: Optional) -> Result<(), LaunchError> {
    let planned = Planned {
        privilege: facts.privilege,
        uid: 1000,
        gid: 1000,
        host_uid: facts.uid,
        host_gid: facts.gid,
        kept_groups: match facts.privilege {
            Privilege::Root => Vec::new(),
            Privilege::User => facts.supplementary_groups.clone(),
        },
        cgroup_namespace: with.cgroup_namespace,
        time_namespace: with.time_namespace,
        landlock_abi: with.landlock,
        hostname: "isobar".to_owned(),
        terminal: false,
        grants: Vec::new(),
        tmpfs: Vec::new(),
        tmp: PlannedTmpfs { target: "/tmp".to_owned(), bytes: 1 << 20, inodes: 64 },
        limits: PlannedLimits {
            pids: Some(PidsLimit::UserNamespace(match facts.privilege {
                // The agent shares the guest's number and is added to the limit.
                Privilege::User => 1,
                // The agent has a number of its own, of which it and its child are two processes.
                Privilege::Root => ROOT_LEAST_TASKS,
            })),
            ..PlannedLimits::default()
        },
    };
    let mut sandbox = crate::launch::sandbox(libexec, planned, &Descriptors::new())?;
    sandbox.destroy().map(drop).map_err(|error| LaunchError::Failed(error.into()))
}

/// Tries each layer on top of a process in user, pid and mount namespaces. Where not even that can
/// be made, nothing else can be tried, and only the missing one is recorded.
fn one_by_one(libexec: &Path, facts: &mut HostFacts) -> bool {
    if let Err(error) = attempt(libexec, facts, &[NamespaceKind::Mount], Confinement::default()) {
        let Blocked { layer, why, remedy } = blocked(&error);
        facts.layers.insert(layer, Fact::Missing { why, remedy });
        return false;
    }
    for layer in [Layer::UserNamespace, Layer::PidNamespace, Layer::MountNamespace] {
        facts.layers.insert(layer, Fact::Works);
    }
    for (layer, kind) in [
        (Layer::NetNamespace, NamespaceKind::Net),
        (Layer::IpcNamespace, NamespaceKind::Ipc),
        (Layer::UtsNamespace, NamespaceKind::Uts),
        (Layer::CgroupNamespace, NamespaceKind::Cgroup),
        (Layer::TimeNamespace, NamespaceKind::Time),
    ] {
        let kinds = [NamespaceKind::Mount, kind];
        let fact = fact_of(attempt(libexec, facts, &kinds, Confinement::default()));
        facts.layers.insert(layer, fact);
    }
    facts.layers.insert(Layer::Seccomp, seccomp(libexec, facts));
    facts.layers.insert(Layer::Landlock, landlock(libexec, facts));
    true
}

fn seccomp(libexec: &Path, facts: &HostFacts) -> Fact {
    let request = FilterRequest { processes: ProcessRule::Any, denied: DeniedAnswer::Errno };
    let late =
        Confinement { enforce: true, filter: Some(assemble(&request)), ..Confinement::default() };
    fact_of(attempt(libexec, facts, &[NamespaceKind::Mount], late))
}

fn landlock(libexec: &Path, facts: &HostFacts) -> Fact {
    let abi = facts.landlock_abi;
    if abi < MINIMUM_ABI {
        return landlock_too_old(abi);
    }
    let spec = LandlockSpec { abi, rules: Vec::new() };
    let late = Confinement { enforce: true, landlock: Some(spec), ..Confinement::default() };
    fact_of(attempt(libexec, facts, &[NamespaceKind::Mount], late))
}

fn fact_of(attempt: Result<(), JailError>) -> Fact {
    match attempt {
        Ok(()) => Fact::Works,
        Err(error) => {
            let (why, remedy) = blocked_layer(&error);
            Fact::Missing { why, remedy }
        }
    }
}

/// A process with the given layers. Its program is the agent, which finds no supervisor and ends
/// at once; that it was executed at all is the answer.
fn attempt(
    libexec: &Path,
    facts: &HostFacts,
    kinds: &[NamespaceKind],
    late: Confinement,
) -> Result<(), JailError> {
    let spec = minimal(libexec, facts, kinds, late)?;
    let mut jailed = isobar_jail::launch(spec)?;
    let mut end = [PollFd::from_borrowed_fd(jailed.pidfd(), PollFlags::IN)];
    poll(&mut end, None).map_err(JailError::Prepare)?;
    jailed.reap().map_err(JailError::Prepare)?;
    match jailed.failure() {
        // Every layer stands before the program is executed.
        JailError::Vanished | JailError::Stage { step: Step::Execute, .. } => Ok(()),
        error @ (JailError::Prepare(_)
        | JailError::Clone(_)
        | JailError::Group(_)
        | JailError::Maps(_)
        | JailError::Stage { .. }
        | _) => Err(error),
    }
}

fn minimal(
    libexec: &Path,
    facts: &HostFacts,
    kinds: &[NamespaceKind],
    late: Confinement,
) -> Result<JailSpec, JailError> {
    let mut root = RootSpec::new();
    // A root of our own kind cannot be refused by `RootSpec`.
    let placed = root.place("/proc", Entry::Proc { attributes: system::INERT });
    debug_assert!(placed.is_ok());
    let identity = match facts.privilege {
        Privilege::User => {
            let (host_uid, host_gid) = (facts.uid, facts.gid);
            Identity::Own { uid: 1000, gid: 1000, host_uid, host_gid }
        }
        Privilege::Root => {
            let map = format!("1000 {} 1\n", Range::of_slot(SLOTS - 1).guest());
            Identity::Mapped { uid_map: map.clone(), gid_map: map, uid: 1000, gid: 1000 }
        }
    };
    let null = null()?;
    Ok(JailSpec {
        identity,
        namespaces: kinds.to_vec(),
        root,
        clocks: None,
        // Where there is a host name to set, it is set as in a run: a filter outside may forbid
        // just that.
        hostname: kinds.contains(&NamespaceKind::Uts).then(|| c"isobar".to_owned()),
        groups: Vec::new(),
        unified_group: None,
        limits: Vec::new(),
        late,
        descriptors: vec![(null, 3)],
        announce: 3,
        execution: Execution {
            program: program(libexec)?,
            argv: vec![c"isobar-init".to_owned()],
            envp: Vec::new(),
        },
    })
}

fn null() -> Result<OwnedFd, JailError> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    openat(CWD, c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .map_err(JailError::Prepare)
}

/// The agent, or where it cannot be loaded (which the launch will say better) an empty script.
fn program(libexec: &Path) -> Result<OwnedFd, JailError> {
    if let Ok(program) = crate::agent::load(libexec) {
        return Ok(program);
    }
    sealed::executable(b"").map_err(|error| {
        let errno = error.raw_os_error().unwrap_or(0);
        JailError::Stage {
            step: Step::Execute,
            subject: None,
            errno: isobar_os::Errno::from_raw_os_error(errno),
        }
    })
}

/// Maps owners on a clone of libexec or, where that lies on a file system that cannot, of /tmp. A
/// grant on another file system is tried when it is mounted.
fn idmapped_mounts(libexec: &Path, privilege: Privilege) -> Fact {
    if privilege == Privilege::User {
        return Fact::Missing {
            why: "only root can map owners, and an ordinary user's sandbox needs no map".to_owned(),
            remedy: "nothing to do".to_owned(),
        };
    }
    let host = Range::of_slot(SLOTS - 1).guest();
    let map = OwnerMap { disk_uid: 0, disk_gid: 0, host_uid: host, host_gid: host };
    let attempt = |path: &Path| -> std::io::Result<()> {
        let userns = user_namespace(map)?;
        let directory = std::fs::File::open(path)?;
        let clone = mount::clone_detached(directory.as_fd(), false)?;
        Ok(mount::map_owners(clone.as_fd(), userns.as_fd())?)
    };
    match attempt(libexec).or_else(|_| attempt(Path::new("/tmp"))) {
        Ok(()) => Fact::Works,
        Err(error) => Fact::Missing {
            why: format!("owners could not be mapped: {error}"),
            remedy: "keep workspaces on ext4, xfs, btrfs or tmpfs".to_owned(),
        },
    }
}
