//! What can be told about a boundary without running anything: who the guest talks to, what stays
//! shared, how it fails, what each host mechanism is for, and the reviewed table of system calls.
//!
//! Plain data for `isobar explain` and `isobar doctor`. Nothing is decided here: whether a run
//! starts is the planner's word, and tests of the command line hold the two against each other.

use isobar_os::seccomp::{Verdict, counts, table};
use isobar_policy::{Acceptance, BoundaryKind, Clause, Controller, Layer};
use serde::Serialize;

pub use isobar_boundary::build::BUILD_ID;

/// The boundary of a policy that names none.
#[must_use]
pub const fn default_kind() -> BoundaryKind {
    crate::boundaries::DEFAULT
}

/// A boundary in three sentences without full stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BoundaryNote {
    /// What the guest's system calls reach.
    pub reaches: &'static str,
    /// What guest and host still have in common.
    pub shared: &'static str,
    /// What a single fault costs.
    pub fails: &'static str,
}

/// What is to be known about `kind`; `None` for one that this build does not have.
#[must_use]
pub const fn boundary_note(kind: BoundaryKind) -> Option<BoundaryNote> {
    crate::boundaries::note(kind)
}

/// What a host mechanism is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Every run; nothing can be accepted instead.
    Floor,
    /// Every run, unless its absence is accepted by this name.
    FloorUnless(Acceptance),
    /// This clause; without the mechanism the clause is refused.
    Clause(Clause),
    /// This clause, unless a weaker form is accepted by this name.
    ClauseUnless(Clause, Acceptance),
    /// Grants of host directories, when isobar runs as root.
    RootGrants,
}

/// What a layer is needed for.
#[must_use]
pub const fn layer_need(layer: Layer) -> Need {
    match layer {
        Layer::UserNamespace
        | Layer::PidNamespace
        | Layer::MountNamespace
        | Layer::NetNamespace
        | Layer::IpcNamespace
        | Layer::UtsNamespace
        | Layer::Seccomp => Need::Floor,
        Layer::CgroupNamespace => Need::FloorUnless(Acceptance::CgroupNamespaceAbsent),
        Layer::TimeNamespace => Need::FloorUnless(Acceptance::TimeNamespaceAbsent),
        Layer::Landlock => Need::FloorUnless(Acceptance::LandlockAbsent),
        Layer::ProcessLimit => Need::Clause(Clause::Pids),
        Layer::IdmappedMounts => Need::RootGrants,
    }
}

/// What a control group controller is needed for.
#[must_use]
pub const fn controller_need(controller: Controller) -> Need {
    match controller {
        Controller::Memory => Need::ClauseUnless(Clause::Memory, Acceptance::MemoryPerProcess),
        Controller::Pids => Need::Clause(Clause::Pids),
        Controller::Cpu => Need::Clause(Clause::Cpus),
        Controller::Cpuacct => Need::ClauseUnless(Clause::CpuTime, Acceptance::CpuTimePerProcess),
    }
}

/// System calls that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallGroup {
    /// A short name.
    pub name: &'static str,
    /// Why the calls have their verdicts.
    pub reason: &'static str,
    /// The calls.
    pub calls: Vec<CallLine>,
}

/// One system call of the reviewed table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallLine {
    /// Its name, as in its manual page.
    pub name: &'static str,
    /// Its number on this architecture.
    pub number: u32,
    /// `allow`, `check` (by its arguments), `guard` (by its arguments where PID 1 shares the
    /// guest's uid), `deny` (EPERM) or `absent` (ENOSYS).
    pub verdict: &'static str,
    /// What the arguments may be, for `check` and `guard`; else empty.
    pub rule: &'static str,
    /// Why, where the group's reason does not say it; else empty.
    pub reason: &'static str,
}

/// How many calls have which verdict. A call that is not counted answers ENOSYS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallCounts {
    /// Always served.
    pub allow: usize,
    /// By their arguments.
    pub check: usize,
    /// By their arguments where PID 1 shares the guest's uid, else always served.
    pub guard: usize,
    /// EPERM.
    pub deny: usize,
    /// ENOSYS.
    pub absent: usize,
}

impl CallCounts {
    /// How many calls lead into the host kernel at all.
    #[must_use]
    pub const fn open(&self) -> usize {
        self.allow + self.check + self.guard
    }
}

/// The reviewed table that the seccomp filter is made of.
#[must_use]
pub fn seccomp_table() -> Vec<CallGroup> {
    let line = |row: &isobar_os::seccomp::Row| {
        let (verdict, rule) = match row.verdict {
            Verdict::Allow => ("allow", ""),
            Verdict::Check(check) => ("check", check.says),
            Verdict::Guard(check) => ("guard", check.says),
            Verdict::Deny => ("deny", ""),
            Verdict::Absent => ("absent", ""),
        };
        CallLine { name: row.name, number: row.number, verdict, rule, reason: row.reason }
    };
    let group = |group: &isobar_os::seccomp::Group| CallGroup {
        name: group.name,
        reason: group.reason,
        calls: group.rows.iter().map(line).collect(),
    };
    table().iter().map(group).collect()
}

/// The table, counted.
#[must_use]
pub fn seccomp_counts() -> CallCounts {
    let counted = counts();
    CallCounts {
        allow: counted.allowed,
        check: counted.checked,
        guard: counted.guarded,
        deny: counted.denied,
        absent: counted.absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_add_up_to_the_counts() {
        let lines: Vec<_> = seccomp_table().into_iter().flat_map(|group| group.calls).collect();
        let of = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
        let counts = seccomp_counts();
        assert_eq!(of("allow") + of("check") + of("guard"), counts.open(), "what is printed");
        assert_eq!((of("deny"), of("absent")), (counts.deny, counts.absent), "is what is counted");
    }

    #[test]
    fn every_built_boundary_is_explained() {
        let kind = default_kind();
        assert!(boundary_note(kind).is_some(), "nobody may run behind {kind} unexplained");
    }
}
