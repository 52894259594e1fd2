//! Limits: by control group where there is one, by the kernel's own per-namespace count for tasks,
//! else refused unless a weaker form was accepted.

use isobar_policy::{
    Acceptance, CgroupVersion, Clause, Code, Controller, Fact, Layer, Privilege, Refusal, Span,
};

use super::Draft;
use crate::payload::{CpuTimeLimit, MemoryLimit, PidsLimit, PlannedLimits};

pub(super) fn plan(draft: &mut Draft<'_>) -> PlannedLimits {
    let limits = PlannedLimits {
        memory: memory(draft),
        cpu_millis: cpus(draft),
        cpu_time: cpu_time(draft),
        pids: pids(draft),
        open_files: open_files(draft),
        file_bytes: file_size(draft),
    };
    wall_time(draft);
    output_bytes(draft);
    limits
}

/// The smallest RLIMIT_NPROC under which `isobar-init` of a root-run sandbox can start the guest:
/// the limit holds for each user number alone, and a child of its own counts beside it until it has
/// become the guest. (An ordinary user's `isobar-init` shares the guest's number and is added.)
pub(crate) const ROOT_LEAST_TASKS: u32 = 2;

fn is_root(draft: &Draft<'_>) -> bool {
    draft.facts.privilege == Privilege::Root
}

/// The mechanism by which a controller that works here holds its clause.
fn mechanism(draft: &Draft<'_>, controller: Controller) -> &'static str {
    let version = draft.facts.cgroups.get(&controller).and_then(|group| group.version);
    match (controller, version) {
        (Controller::Memory, Some(CgroupVersion::V2)) => "cgroup v2 memory.max",
        (Controller::Pids, Some(CgroupVersion::V2)) => "cgroup v2 pids.max",
        (Controller::Cpu, Some(CgroupVersion::V2)) => "cgroup v2 cpu.max",
        (Controller::Cpuacct, Some(CgroupVersion::V2)) => {
            "cgroup v2 cpu.stat, read by the supervisor"
        }
        (Controller::Memory, _) => "cgroup v1 memory.limit_in_bytes",
        (Controller::Pids, _) => "cgroup v1 pids.max",
        (Controller::Cpu, _) => "cgroup v1 cpu.cfs_quota_us",
        (Controller::Cpuacct, _) => "cgroup v1 cpuacct.usage, read by the supervisor",
    }
}

/// A limit that has no mechanism here.
fn refuse_controller(
    draft: &mut Draft<'_>,
    clause: Clause,
    controller: Controller,
    acceptable: Option<Acceptance>,
) {
    let Fact::Missing { why, remedy } = draft.facts.controller(controller) else { return };
    let code =
        if why.contains("read-only") { Code::HostCgroupReadOnly } else { Code::HostCgroupMissing };
    draft.refusals.push(Refusal { code, clause: Some(clause), why, remedy, acceptable });
}

fn memory(draft: &mut Draft<'_>) -> Option<MemoryLimit> {
    let Some(bytes) = draft.request.policy.limits.memory else {
        draft.unset(Clause::Memory, "unlimited");
        return None;
    };
    let usable = draft.facts.controller(Controller::Memory).works();
    let swap_escapes = draft.facts.swap && !draft.facts.swap_accounting;
    if usable && !swap_escapes {
        let mechanisms = [mechanism(draft, Controller::Memory)];
        let mut evidence = vec!["cgroup.memory.limit", "cgroup.memory.member"];
        let version = draft.facts.cgroups.get(&Controller::Memory).and_then(|one| one.version);
        if version == Some(CgroupVersion::V2) {
            evidence.push("cgroup.memory.whole");
        }
        if draft.facts.swap_accounting {
            evidence.push(match version {
                Some(CgroupVersion::V2) => "cgroup.memory.swap",
                Some(CgroupVersion::V1) | None => "cgroup.memory.swap-limit",
            });
        }
        draft.bind(Clause::Memory, bytes.to_string(), &mechanisms, &evidence);
        return Some(MemoryLimit::Cgroup(bytes.0));
    }
    let weaker = Acceptance::MemoryPerProcess;
    if draft.accepts(weaker) {
        let asked = format!("{bytes} for each process");
        draft.bind_accepted(
            Clause::Memory,
            asked,
            &["RLIMIT_DATA"],
            &["limit.Max data size", "process.limit.Max data size"],
            weaker,
        );
        return Some(MemoryLimit::PerProcess(bytes.0));
    }
    if usable {
        draft.refusals.push(Refusal {
            code: Code::HostSwap,
            clause: Some(Clause::Memory),
            why: "the host has swap, and the memory control group does not bound it".to_owned(),
            remedy: "boot with swapaccount=1, or switch swap off".to_owned(),
            acceptable: Some(weaker),
        });
    } else {
        refuse_controller(draft, Clause::Memory, Controller::Memory, Some(weaker));
    }
    None
}

fn cpus(draft: &mut Draft<'_>) -> Option<u32> {
    let Some(cpus) = draft.request.policy.limits.cpus else {
        draft.unset(Clause::Cpus, "unlimited");
        return None;
    };
    if draft.facts.controller(Controller::Cpu).works() {
        let mut evidence = vec!["cgroup.cpu.limit", "cgroup.cpu.member"];
        let version = draft.facts.cgroups.get(&Controller::Cpu).and_then(|one| one.version);
        if version != Some(CgroupVersion::V2) {
            evidence.push("cgroup.cpu.period");
        }
        let mechanisms = [mechanism(draft, Controller::Cpu)];
        draft.bind(Clause::Cpus, cpus.to_string(), &mechanisms, &evidence);
        return Some(cpus.millis());
    }
    refuse_controller(draft, Clause::Cpus, Controller::Cpu, None);
    None
}

fn cpu_time(draft: &mut Draft<'_>) -> Option<CpuTimeLimit> {
    let Some(span) = draft.request.policy.limits.cpu_time else {
        draft.unset(Clause::CpuTime, "unlimited");
        return None;
    };
    if draft.facts.controller(Controller::Cpuacct).works() {
        let mechanisms = [mechanism(draft, Controller::Cpuacct)];
        draft.bind(Clause::CpuTime, span.to_string(), &mechanisms, &["cgroup.cpuacct.member"]);
        return Some(CpuTimeLimit::Cgroup(span.millis()));
    }
    let weaker = Acceptance::CpuTimePerProcess;
    if draft.accepts(weaker) {
        let whole = Span::from_millis(span.millis().div_ceil(1000) * 1000);
        let asked = format!("{whole} for each process");
        draft.bind_accepted(
            Clause::CpuTime,
            asked,
            &["RLIMIT_CPU"],
            &["limit.Max cpu time", "process.limit.Max cpu time"],
            weaker,
        );
        return Some(CpuTimeLimit::PerProcess(span.millis()));
    }
    refuse_controller(draft, Clause::CpuTime, Controller::Cpuacct, Some(weaker));
    None
}

/// A group counts better than RLIMIT_NPROC and holds as well. A scope just for that, a quarter of a
/// second for each run, is only taken where nothing else holds the limit.
fn pids_group_is_worth_it(draft: &Draft<'_>, by_namespace: bool) -> bool {
    let Some(group) = draft.facts.cgroups.get(&Controller::Pids) else { return false };
    let limits = &draft.request.policy.limits;
    let scope_anyway =
        limits.memory.is_some() || limits.cpus.is_some() || limits.cpu_time.is_some();
    group.fact.works() && (!group.scope || scope_anyway || !by_namespace)
}

fn pids(draft: &mut Draft<'_>) -> Option<PidsLimit> {
    let Some(tasks) = draft.request.policy.limits.pids else {
        draft.unset(Clause::Pids, "unlimited");
        return None;
    };
    let by_namespace = draft.facts.layer(Layer::ProcessLimit);
    if pids_group_is_worth_it(draft, by_namespace.works()) {
        let evidence = ["cgroup.pids.limit", "cgroup.pids.member"];
        let mechanisms = [mechanism(draft, Controller::Pids)];
        draft.bind(Clause::Pids, tasks.to_string(), &mechanisms, &evidence);
        return Some(PidsLimit::Cgroup(tasks));
    }
    match by_namespace {
        Fact::Works if is_root(draft) && tasks < ROOT_LEAST_TASKS => {
            let why =
                format!("without a pids control group, root's sandbox needs {ROOT_LEAST_TASKS}");
            let remedy = format!("ask for {ROOT_LEAST_TASKS} or more, or mount the pids hierarchy");
            draft.refuse(Code::HostProcessLimit, Clause::Pids, why, remedy);
            None
        }
        Fact::Works => {
            let mechanisms = ["RLIMIT_NPROC, counted for the user namespace"];
            draft.bind(
                Clause::Pids,
                tasks.to_string(),
                &mechanisms,
                &["limit.Max processes", "process.limit.Max processes"],
            );
            Some(PidsLimit::UserNamespace(tasks))
        }
        // The floor refuses what it rests on, and has the one remedy.
        Fact::Missing { .. } if draft.facts.is_untried(Layer::ProcessLimit) => None,
        Fact::Missing { why, remedy } => {
            draft.refuse(Code::HostProcessLimit, Clause::Pids, why, remedy);
            None
        }
    }
}

fn open_files(draft: &mut Draft<'_>) -> Option<u64> {
    let Some(files) = draft.request.policy.limits.open_files else {
        draft.unset(Clause::OpenFiles, "the caller's own");
        return None;
    };
    draft.bind(
        Clause::OpenFiles,
        files.to_string(),
        &["RLIMIT_NOFILE"],
        &["limit.Max open files", "process.limit.Max open files"],
    );
    Some(files)
}

fn file_size(draft: &mut Draft<'_>) -> Option<u64> {
    let Some(bytes) = draft.request.policy.limits.file_size else {
        draft.unset(Clause::FileSize, "unlimited");
        return None;
    };
    draft.bind(
        Clause::FileSize,
        bytes.to_string(),
        &["RLIMIT_FSIZE"],
        &["limit.Max file size", "process.limit.Max file size"],
    );
    Some(bytes.0)
}

fn wall_time(draft: &mut Draft<'_>) {
    match draft.request.policy.limits.wall_time {
        None => draft.unset(Clause::WallTime, "unlimited"),
        Some(span) => draft.bind_supervised(
            Clause::WallTime,
            span.to_string(),
            "supervisor's clock, SIGKILL to PID 1",
            "the supervisor measures outside the guest; the kernel holds nothing to read back",
        ),
    }
}

fn output_bytes(draft: &mut Draft<'_>) {
    match draft.request.policy.limits.output_bytes {
        None => draft.unset(Clause::OutputBytes, "unlimited"),
        Some(bytes) => draft.bind_supervised(
            Clause::OutputBytes,
            format!("{bytes} of each stream"),
            "supervisor counts what it passes on",
            "the supervisor counts outside the guest; the kernel holds nothing to read back",
        ),
    }
}
