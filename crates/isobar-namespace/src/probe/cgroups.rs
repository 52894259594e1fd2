//! Control groups: for each controller a group is made where a sandbox's would be, limited, entered
//! by a process, and removed. It is made in a slot, as a sandbox's is, so that it is found where the
//! probe is killed.

use std::os::fd::AsFd;

use isobar_os::cgroup::{CgroupError, Hierarchies, Limits, Place, SandboxGroups, Unified};
use isobar_os::raw::NamespaceHolder;
use isobar_os::slot::HeldSlot;
use isobar_os::state_dir::StateDir;
use isobar_policy::{CgroupFact, CgroupVersion, Controller, Fact, HostFacts, Privilege};

use crate::groups::{group_refusal, in_slot};

/// The limit of memory and swap together, where the kernel counts swap.
const SWAP_VERSION_1: &str = "memory.memsw.limit_in_bytes";

/// Fills in every controller.
pub(super) fn probe(facts: &mut HostFacts) {
    let hierarchies = Hierarchies::discover().unwrap_or_default();
    let unified = Unified::discover().ok().flatten();
    let state = StateDir::open_own().ok();
    let owner = (facts.privilege, facts.uid);
    let attempt = |controller| attempt(&hierarchies, controller, state.as_ref(), owner);
    for controller in Controller::ALL {
        let old = hierarchies.directory(controller).is_some();
        let new = unified.as_ref().is_some_and(|unified| unified.carries(controller));
        let (version, tried) = match (old, new) {
            (true, _) => (Some(CgroupVersion::V1), attempt(controller)),
            (false, true) => (Some(CgroupVersion::V2), attempt(controller)),
            (false, false) => (None, Err(absent(controller))),
        };
        let (directory, scope, fact) = match tried {
            Ok(Tried { directory, scope, swap }) => {
                if controller == Controller::Memory {
                    facts.swap_accounting = swap;
                }
                (directory, scope, Fact::Works)
            }
            Err(fact) => (String::new(), false, fact),
        };
        facts.cgroups.insert(controller, CgroupFact { version, directory, scope, fact });
    }
}

/// Whether the memory controller bounds swap, where that can be seen without making a group: in
/// version 1 every group has the file, or none has (`swapaccount=`). In version 2 the file is seen
/// in a sandbox's own group only, and evidence is missing where it is not there.
pub(super) fn swap_is_bounded(facts: &HostFacts) -> Option<bool> {
    let memory = facts.cgroups.get(&Controller::Memory)?;
    if !memory.fact.works() || memory.version != Some(CgroupVersion::V1) {
        return None;
    }
    let hierarchies = Hierarchies::discover().ok()?;
    let directory = hierarchies.directory(Controller::Memory);
    Some(directory.is_some_and(|own| own.join(SWAP_VERSION_1).exists()))
}

fn absent(controller: Controller) -> Fact {
    Fact::Missing {
        why: format!("no control group file system carries {}", controller.name()),
        remedy: "mount the cgroup file systems below /sys/fs/cgroup".to_owned(),
    }
}

/// What came of a group.
struct Tried {
    directory: String,
    /// In a scope that we had to ask for.
    scope: bool,
    /// Memory only: swap is bounded too.
    swap: bool,
}

fn attempt(
    hierarchies: &Hierarchies,
    controller: Controller,
    state: Option<&StateDir>,
    owner: (Privilege, u32),
) -> Result<Tried, Fact> {
    let limits = match controller {
        Controller::Memory => Limits { memory_bytes: Some(1 << 30), ..Limits::default() },
        Controller::Pids => Limits { tasks: Some(64), ..Limits::default() },
        Controller::Cpu => Limits { cpu_millis: Some(1000), ..Limits::default() },
        Controller::Cpuacct => Limits { count_cpu: true, ..Limits::default() },
    };
    let place = Place::settle(hierarchies.clone(), limits).map_err(|error| missing(&error))?;
    let in_slot = |state| in_slot(state, &place, owner, limits, |_| true).ok();
    let (mut slot, made) = match state.and_then(in_slot) {
        Some((slot, made)) => (Some(slot), made),
        // No sandbox can start now, for a reason that says nothing of groups. A name of its own
        // keeps two probes at a time apart.
        None => {
            let name = format!("isobar-probe-{}", std::process::id());
            (None, SandboxGroups::make(&place, &name, limits))
        }
    };
    let tried = made.and_then(|mut groups| {
        let swap = groups.get(Controller::Memory).is_some_and(|group| {
            [SWAP_VERSION_1, "memory.swap.max"].iter().any(|file| group.has(file))
        });
        let entered = enter(&groups);
        groups.remove().inspect_err(|_| slot.iter_mut().for_each(HeldSlot::keep_note))?;
        entered.map(|()| swap)
    });
    let swap = tried.map_err(|error| missing(&error))?;
    let directory = place.of(controller).map(|(_, path)| path.display().to_string());
    Ok(Tried { directory: directory.unwrap_or_default(), scope: place.is_scope(), swap })
}

/// Opens the way in; in version 2 a process goes it. Making a group does not show that: a login
/// session may make groups where it may not put anybody.
fn enter(groups: &SandboxGroups) -> Result<(), CgroupError> {
    let entrance = groups.entrance()?;
    if let (Some(group), Some(one)) = (&entrance.unified, groups.all().first()) {
        NamespaceHolder::in_group(group.as_fd()).map_err(|errno| CgroupError::Use {
            path: one.path().to_owned(),
            source: errno.into(),
        })?;
    }
    Ok(())
}

fn missing(error: &CgroupError) -> Fact {
    let refusal = group_refusal(error);
    Fact::Missing { why: refusal.why, remedy: refusal.remedy }
}
