//! The slot and the control groups of one sandbox.

use isobar_boundary::LaunchError;
use isobar_os::cgroup::{CgroupError, Hierarchies, Limits, SandboxGroups, remove_left};
use isobar_os::slot::{HeldSlot, SlotError};
use isobar_os::state_dir::StateDir;
use isobar_policy::{Clause, Code, Controller, Evidence, Grade, LimitHit, Privilege, Refusal};

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
        let state = StateDir::open_own().map_err(|error| {
            failed(
                Code::StateDirectory,
                &error,
                "remove that directory, or set XDG_RUNTIME_DIR to one of your own",
            )
        })?;
        let claims = if needs_range { Claims::of_host() } else { Claims::default() };
        let hierarchies = Hierarchies::discover()
            .map_err(|error| failed(Code::HostProbe, &error, "mount /proc"))?;
        let lock = |error: SlotError| no_slot(&error);
        HeldSlot::collect(&state, remove_left).map_err(lock)?;
        let mut made = Ok(SandboxGroups::default());
        let slot = HeldSlot::take(&state, |slot| {
            if needs_range && Range::of_slot(slot.number()).is_claimed(&claims) {
                return false;
            }
            let name = group_name(planned, slot.number());
            made = match slot.write_note(&SandboxGroups::places(&hierarchies, &name)) {
                Ok(()) => SandboxGroups::make(&hierarchies, &name, limits),
                Err(errno) => {
                    Err(CgroupError::Use { path: state.path().to_owned(), source: errno.into() })
                }
            };
            !is_busy(&made)
        })
        .map_err(lock)?;
        let groups = made.map_err(|error| LaunchError::Refused(vec![group_refusal(&error)]))?;
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
            for (file, expected) in expected_values(group.controller(), limits) {
                let found = group.read(file).unwrap_or_else(|error| error.to_string());
                let source = format!("cgroup v1 {file}");
                evidence.push(Evidence::compare(
                    format!("cgroup.{name}.limit"),
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
        if let (Some(MemoryLimit::Cgroup(limit)), Some(peak)) = (limits.memory, self.peak_memory())
            && out_of_memory
        {
            let source = "memory.max_usage_in_bytes".to_owned();
            hits.push(LimitHit { clause: Clause::Memory, limit, observed: peak, source });
        }
        hits
    }

    pub(crate) fn peak_memory(&self) -> Option<u64> {
        self.groups.get(Controller::Memory)?.number("memory.max_usage_in_bytes").ok()
    }

    pub(crate) fn out_of_memory_kills(&self) -> u64 {
        self.groups
            .get(Controller::Memory)
            .and_then(|group| group.keyed("memory.oom_control", "oom_kill").ok())
            .unwrap_or(0)
    }

    /// Processor time used, microseconds.
    pub(crate) fn cpu_micros(&self) -> Option<u64> {
        let nanos = self.groups.get(Controller::Cpuacct)?.number("cpuacct.usage").ok()?;
        Some(nanos / 1000)
    }
}

/// Whether a group of that name still holds processes.
fn is_busy(made: &Result<SandboxGroups, CgroupError>) -> bool {
    let busy = Some(isobar_os::Errno::BUSY.raw_os_error());
    matches!(made, Err(CgroupError::Make { source, .. }) if source.raw_os_error() == busy)
}

fn group_name(planned: &Planned, slot: u32) -> String {
    match planned.privilege {
        Privilege::Root => format!("isobar-{slot}"),
        Privilege::User => format!("isobar-u{}-{slot}", planned.host_uid),
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

fn expected_values(controller: Controller, limits: &PlannedLimits) -> Vec<(&'static str, String)> {
    let wanted = group_limits(limits);
    match controller {
        // The kernel keeps whole pages.
        Controller::Memory => wanted
            .memory_bytes
            .map(|bytes| ("memory.limit_in_bytes", (bytes / 4096 * 4096).to_string()))
            .into_iter()
            .collect(),
        Controller::Pids => {
            wanted.tasks.map(|tasks| ("pids.max", tasks.to_string())).into_iter().collect()
        }
        Controller::Cpu => wanted
            .cpu_millis
            .map(|millis| ("cpu.cfs_quota_us", (u64::from(millis) * 100).to_string()))
            .into_iter()
            .collect(),
        Controller::Cpuacct => Vec::new(),
    }
}

fn member(group: &isobar_os::cgroup::Group, name: &str, pid: i32) -> Evidence {
    let tasks = group.read("tasks");
    let is_in = tasks.as_ref().is_ok_and(|text| text.lines().any(|line| line == pid.to_string()));
    let observed = match &tasks {
        Ok(_) if is_in => "a member".to_owned(),
        Ok(text) => format!("not among {} tasks", text.lines().count()),
        Err(error) => error.to_string(),
    };
    Evidence {
        key: format!("cgroup.{name}.member"),
        grade: Grade::ReadBack,
        source: "cgroup v1 tasks".to_owned(),
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

fn group_refusal(error: &CgroupError) -> Refusal {
    let read_only = matches!(error, CgroupError::Make { source, .. }
        if source.kind() == std::io::ErrorKind::ReadOnlyFilesystem);
    let (code, remedy) = if read_only {
        (
            Code::HostCgroupReadOnly,
            "mount the cgroup file systems read-write, or run isobar where they are",
        )
    } else {
        (Code::HostCgroupMissing, "run as root, or leave the limit out")
    };
    let why = crate::errors::error_text(error);
    Refusal { code, clause: None, why, remedy: remedy.to_owned(), acceptable: None }
}
