//! The slot and the control groups of one sandbox.

use isobar_boundary::LaunchError;
use isobar_os::cgroup::{CgroupError, Group, Hierarchies, Limits, Place, SandboxGroups, peak_file};
use isobar_os::slot::{HeldSlot, SlotError};
use isobar_os::state_dir::StateDir;
use isobar_policy::{
    Acceptance, CgroupVersion, Clause, Code, Controller, Evidence, Grade, LimitHit, Privilege,
    Refusal,
};

use crate::collect;
use crate::errors::failed;
use crate::payload::{CpuTimeLimit, MemoryLimit, PidsLimit, Planned, PlannedLimits};
use crate::range::{Claims, Range};

/// What a sandbox holds outside itself. Dropping it removes the groups, then frees the slot.
#[derive(Debug)]
pub(crate) struct Holdings {
    pub(crate) groups: SandboxGroups,
    pub(crate) range: Option<Range>,
    slot: Option<HeldSlot>,
}

/// What helps where the state directory cannot be used.
pub(crate) const REMEDY_STATE: &str =
    "remove that directory, or set XDG_RUNTIME_DIR to one of your own";

/// The pids group counts `isobar-init` too.
const AGENT_TASKS: u32 = 1;

impl Holdings {
    /// Takes a slot and makes the groups that the plan needs.
    pub(crate) fn take(planned: &Planned) -> Result<Self, LaunchError> {
        let limits = group_limits(&planned.limits);
        let needs_range = planned.privilege == Privilege::Root;
        if !needs_range && limits == Limits::default() {
            return Ok(Self { groups: SandboxGroups::default(), range: None, slot: None });
        }
        let state = StateDir::open_own()
            .map_err(|error| failed(Code::StateDirectory, &error, REMEDY_STATE))?;
        let claims = if needs_range { Claims::of_host() } else { Claims::default() };
        let hierarchies = Hierarchies::discover()
            .map_err(|error| failed(Code::HostProbe, &error, "mount /proc"))?;
        let refused = |error: CgroupError| {
            let (clause, acceptable) = clause_of(&planned.limits);
            let refusal = Refusal { clause, acceptable, ..group_refusal(&error) };
            LaunchError::Refused(vec![refusal])
        };
        let place = Place::settle(hierarchies, limits).map_err(refused)?;
        let lock = |error: SlotError| no_slot(&error);
        collect::slots(&state).map_err(lock)?;
        let owner = (planned.privilege, planned.host_uid);
        let usable = |slot: u32| !needs_range || !Range::of_slot(slot).is_claimed(&claims);
        let (slot, made) = in_slot(&state, &place, owner, limits, usable).map_err(lock)?;
        let groups = made.map_err(refused)?;
        let range = needs_range.then(|| Range::of_slot(slot.number()));
        Ok(Self { groups, range, slot: Some(slot) })
    }

    /// Removes the groups and frees the slot. Every process of the sandbox must be reaped.
    pub(crate) fn release(&mut self) -> Result<(), CgroupError> {
        let removed = self.groups.remove();
        if let (Err(_), Some(slot)) = (&removed, &mut self.slot) {
            slot.keep_note();
        }
        self.slot = None;
        removed
    }

    /// What the kernel says of the limits, and whether `pid` is a member.
    pub(crate) fn evidence(&self, pid: i32, limits: &PlannedLimits) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        for group in self.groups.all() {
            let name = group.controller().name();
            for (key, file, expected) in expected_values(group, limits) {
                let found = group.read(file).unwrap_or_else(|error| error.to_string());
                let source = format!("{} {file}", interface(group.version()));
                evidence.push(Evidence::compare(
                    format!("cgroup.{name}.{key}"),
                    Grade::ReadBack,
                    source,
                    expected,
                    found,
                ));
            }
            evidence.push(member(group, name, pid));
        }
        evidence
    }

    /// Limits that were reached, by the kernel's counters. `out_of_memory` says that the kernel gave
    /// notice: a sandbox that is killed at once may end before the kernel has counted a kill.
    pub(crate) fn limits_hit(&self, limits: &PlannedLimits, out_of_memory: bool) -> Vec<LimitHit> {
        let mut hits = Vec::new();
        if let (Some(PidsLimit::Cgroup(tasks)), Some(group)) =
            (limits.pids, self.groups.get(Controller::Pids))
        {
            let refused = group.keyed("pids.events", "max").unwrap_or(0);
            if refused > 0 {
                let (limit, source) =
                    (u64::from(tasks), "pids.events max, refused attempts".to_owned());
                hits.push(LimitHit { clause: Clause::Pids, limit, observed: refused, source });
            }
        }
        if let (Some(MemoryLimit::Cgroup(limit)), Some(peak)) =
            (limits.memory, self.groups.peak_memory())
            && out_of_memory
        {
            let version = self.groups.get(Controller::Memory).map(Group::version);
            let source = peak_file(version.unwrap_or(CgroupVersion::V1)).to_owned();
            hits.push(LimitHit { clause: Clause::Memory, limit, observed: peak, source });
        }
        hits
    }

    /// Where the processor time is read.
    pub(crate) fn cpu_source(&self) -> &'static str {
        match self.groups.get(Controller::Cpuacct).map(Group::version) {
            Some(CgroupVersion::V2) => "cpu.stat usage_usec",
            Some(CgroupVersion::V1) | None => "cpuacct.usage",
        }
    }
}

/// Whether a group of that name still holds processes.
fn is_busy(made: &Result<SandboxGroups, CgroupError>) -> bool {
    let busy = Some(isobar_os::Errno::BUSY.raw_os_error());
    matches!(made, Err(CgroupError::Make { source, .. }) if source.raw_os_error() == busy)
}

/// Takes a slot that is `usable` and makes the groups for `limits` in its name, noted in it first:
/// so they are found when their maker is killed. An error of theirs comes with the slot, which is
/// freed as usual.
pub(crate) fn in_slot(
    state: &StateDir,
    place: &Place,
    owner: (Privilege, u32),
    limits: Limits,
    usable: impl Fn(u32) -> bool,
) -> Result<(HeldSlot, Result<SandboxGroups, CgroupError>), SlotError> {
    let mut made = Ok(SandboxGroups::default());
    let slot = HeldSlot::take(state, |slot| {
        if !usable(slot.number()) {
            return false;
        }
        let name = group_name(owner, slot.number());
        made = match slot.write_note(&SandboxGroups::places(place, &name)) {
            Ok(()) => SandboxGroups::make(place, &name, limits),
            Err(errno) => {
                Err(CgroupError::Use { path: state.path().to_owned(), source: errno.into() })
            }
        };
        !is_busy(&made)
    })?;
    Ok((slot, made))
}

fn group_name((privilege, uid): (Privilege, u32), slot: u32) -> String {
    match privilege {
        Privilege::Root => format!("isobar-{slot}"),
        Privilege::User => format!("isobar-u{uid}-{slot}"),
    }
}

fn group_limits(limits: &PlannedLimits) -> Limits {
    Limits {
        memory_bytes: match limits.memory {
            Some(MemoryLimit::Cgroup(bytes)) => Some(bytes),
            Some(MemoryLimit::PerProcess(_)) | None => None,
        },
        tasks: match limits.pids {
            Some(PidsLimit::Cgroup(tasks)) => Some(tasks.saturating_add(AGENT_TASKS)),
            Some(PidsLimit::UserNamespace(_)) | None => None,
        },
        cpu_millis: limits.cpu_millis,
        count_cpu: matches!(limits.cpu_time, Some(CpuTimeLimit::Cgroup(_))),
    }
}

/// Key, file and content of what must be read back of a group.
fn expected_values(
    group: &Group,
    limits: &PlannedLimits,
) -> Vec<(&'static str, &'static str, String)> {
    let wanted = group_limits(limits);
    let unified = group.version() == CgroupVersion::V2;
    let mut expected = Vec::new();
    match group.controller() {
        Controller::Memory => {
            let Some(bytes) = wanted.memory_bytes else { return expected };
            // The kernel keeps whole pages.
            let pages = (bytes / 4096 * 4096).to_string();
            if !unified {
                if group.has("memory.memsw.limit_in_bytes") {
                    expected.push(("swap-limit", "memory.memsw.limit_in_bytes", pages.clone()));
                }
                expected.push(("limit", "memory.limit_in_bytes", pages));
                return expected;
            }
            expected.push(("limit", "memory.max", pages));
            expected.push(("whole", "memory.oom.group", "1".to_owned()));
            if group.has("memory.swap.max") {
                expected.push(("swap", "memory.swap.max", "0".to_owned()));
            }
        }
        Controller::Pids => {
            expected.extend(wanted.tasks.map(|tasks| ("limit", "pids.max", tasks.to_string())));
        }
        Controller::Cpu => {
            let Some(millis) = wanted.cpu_millis else { return expected };
            let quota = u64::from(millis) * 100;
            if unified {
                expected.push(("limit", "cpu.max", format!("{quota} 100000")));
                return expected;
            }
            expected.push(("limit", "cpu.cfs_quota_us", quota.to_string()));
            // A quota says nothing without it.
            expected.push(("period", "cpu.cfs_period_us", "100000".to_owned()));
        }
        Controller::Cpuacct => {}
    }
    expected
}

/// As reports name it.
const fn interface(version: CgroupVersion) -> &'static str {
    match version {
        CgroupVersion::V1 => "cgroup v1",
        CgroupVersion::V2 => "cgroup v2",
    }
}

fn member(group: &Group, name: &str, pid: i32) -> Evidence {
    let members = group.read(group.members());
    let is_in = members.as_ref().is_ok_and(|text| text.lines().any(|line| line == pid.to_string()));
    let observed = match &members {
        Ok(_) if is_in => "a member".to_owned(),
        Ok(text) => format!("not among {} members", text.lines().count()),
        Err(error) => error.to_string(),
    };
    Evidence {
        key: format!("cgroup.{name}.member"),
        grade: Grade::ReadBack,
        source: format!("{} {}", interface(group.version()), group.members()),
        expected: "a member".to_owned(),
        observed,
        holds: is_in,
    }
}

fn no_slot(error: &SlotError) -> LaunchError {
    match error {
        SlotError::Exhausted => failed(Code::NoFreeSlot, error, "wait until a sandbox ends"),
        SlotError::Lock(_) | _ => {
            failed(Code::StateDirectory, error, "make the state directory writable")
        }
    }
}

/// The clause that a missing group is told of, with its way out: as the planner would have.
fn clause_of(limits: &PlannedLimits) -> (Option<Clause>, Option<Acceptance>) {
    if matches!(limits.memory, Some(MemoryLimit::Cgroup(_))) {
        (Some(Clause::Memory), Some(Acceptance::MemoryPerProcess))
    } else if matches!(limits.cpu_time, Some(CpuTimeLimit::Cgroup(_))) {
        (Some(Clause::CpuTime), Some(Acceptance::CpuTimePerProcess))
    } else if limits.cpu_millis.is_some() {
        (Some(Clause::Cpus), None)
    } else {
        (limits.pids.is_some().then_some(Clause::Pids), None)
    }
}

/// What helps where no group of the unified hierarchy can be used.
pub(crate) const REMEDY_UNIFIED: &str =
    "run as root, or in a leaf of a group that is delegated to you";

/// A group that could not be had, as the planner would have refused it.
pub(crate) fn group_refusal(error: &CgroupError) -> Refusal {
    let read_only = match error {
        CgroupError::NoBase { read_only, .. } => *read_only,
        CgroupError::Make { source, .. } => source.kind() == std::io::ErrorKind::ReadOnlyFilesystem,
        CgroupError::Missing { .. }
        | CgroupError::NotMounted
        | CgroupError::Use { .. }
        | CgroupError::Remove { .. }
        | _ => false,
    };
    let (code, remedy) = if read_only {
        (
            Code::HostCgroupReadOnly,
            "mount the cgroup file systems read-write, or run isobar outside that container",
        )
    } else {
        let remedy = match error {
            CgroupError::NotMounted => "mount the cgroup file systems below /sys/fs/cgroup",
            CgroupError::NoBase { .. } => REMEDY_UNIFIED,
            CgroupError::Missing { .. }
            | CgroupError::Make { .. }
            | CgroupError::Use { .. }
            | CgroupError::Remove { .. }
            | _ => "run isobar as root, or leave the limit out",
        };
        (Code::HostCgroupMissing, remedy)
    };
    let why = if read_only {
        format!("the control group file system is read-only: {error}")
    } else {
        crate::errors::error_text(error)
    };
    Refusal { code, clause: None, why, remedy: remedy.to_owned(), acceptable: None }
}
