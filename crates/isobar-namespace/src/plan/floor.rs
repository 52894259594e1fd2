//! The hardening floor: layers that every run has, whether the policy mentions them or not.

use isobar_os::landlock::{IOCTL_ABI, MINIMUM_ABI, TRUNCATE_ABI};
use isobar_policy::{Acceptance, Binding, Fact, Layer, Mechanism, Privilege, Refusal};

use super::{Draft, binding};
use crate::errors::layer_code;

pub(super) struct PlannedFloor {
    pub(super) cgroup_namespace: bool,
    pub(super) time_namespace: bool,
    pub(super) landlock_abi: Option<u32>,
}

pub(super) fn plan(draft: &mut Draft<'_>) -> PlannedFloor {
    for (layer, evidence) in [
        (Layer::UserNamespace, "namespace.user"),
        (Layer::PidNamespace, "namespace.pid"),
        (Layer::MountNamespace, "namespace.mnt"),
        (Layer::NetNamespace, "namespace.net"),
        (Layer::IpcNamespace, "namespace.ipc"),
        (Layer::UtsNamespace, "namespace.uts"),
    ] {
        require(draft, layer, &[evidence], None);
    }
    mounts(draft);
    terminal(draft);
    let cgroup_namespace = require(
        draft,
        Layer::CgroupNamespace,
        &["namespace.cgroup"],
        Some(Acceptance::CgroupNamespaceAbsent),
    );
    let time_namespace = require(
        draft,
        Layer::TimeNamespace,
        &["namespace.time", "time.offsets"],
        Some(Acceptance::TimeNamespaceAbsent),
    );
    filter(draft);
    let landlock_abi = second_wall(draft);
    privileges(draft);
    PlannedFloor { cgroup_namespace, time_namespace, landlock_abi }
}

/// Binds Landlock, with evidence for each step of its ABI that can be seen from inside. Says which ABI.
fn second_wall(draft: &mut Draft<'_>) -> Option<u32> {
    let abi = draft.facts.landlock_abi;
    let mut evidence = vec!["landlock.agent", "landlock.process"];
    if abi >= TRUNCATE_ABI {
        evidence.push("landlock.truncate");
    }
    if abi >= IOCTL_ABI {
        evidence.push("landlock.ioctl");
    }
    if !require(draft, Layer::Landlock, &evidence, Some(Acceptance::LandlockAbsent)) {
        return None;
    }
    if let Some(bound) = draft.bindings.last_mut() {
        bound.mechanisms = vec![Mechanism(format!("Landlock ABI {abi}"))];
    }
    Some(abi)
}

/// Binds a layer, or refuses, or leaves it out where the user accepted that. Says whether it is on.
fn require(
    draft: &mut Draft<'_>,
    layer: Layer,
    evidence: &[&str],
    absent: Option<Acceptance>,
) -> bool {
    match fact(draft, layer) {
        Fact::Works => {
            draft.bindings.push(binding(None, layer.name().to_owned(), &[layer.name()], evidence));
            true
        }
        Fact::Missing { why, remedy } => {
            match absent.filter(|one| draft.accepts(*one)) {
                Some(accepted) => draft.bindings.push(absence(layer, accepted)),
                // What it rests on is refused already, and has the one remedy.
                None if draft.facts.is_untried(layer) => {}
                None => draft.refusals.push(Refusal {
                    code: layer_code(layer),
                    clause: None,
                    why: format!("this host has no usable {}: {why}", layer.name()),
                    remedy,
                    acceptable: absent,
                }),
            }
            false
        }
    }
}

/// What the host says of a layer. Landlock counts from the floor's ABI up only, whatever the fact
/// about it says.
fn fact(draft: &Draft<'_>, layer: Layer) -> Fact {
    let abi = draft.facts.landlock_abi;
    match draft.facts.layer(layer) {
        Fact::Works if layer == Layer::Landlock && abi < MINIMUM_ABI => landlock_too_old(abi),
        fact @ (Fact::Works | Fact::Missing { .. }) => fact,
    }
}

/// Landlock is there and not what the floor asks for.
pub(crate) fn landlock_too_old(abi: u32) -> Fact {
    Fact::Missing {
        why: format!("the kernel offers Landlock ABI {abi}, and {MINIMUM_ABI} is needed"),
        remedy: "boot with landlock in the lsm= parameter, on Linux 5.19 or later".to_owned(),
    }
}

/// Whether Landlock will stand as a second wall round files.
pub(super) fn has_landlock(draft: &Draft<'_>) -> bool {
    fact(draft, Layer::Landlock).works()
}

fn absence(layer: Layer, accepted: Acceptance) -> Binding {
    let mut one = binding(None, format!("{}: absent, accepted", layer.name()), &[], &[]);
    one.accepted = Some(accepted);
    one
}

/// A terminal of the sandbox's own, where the program gets one.
fn terminal(draft: &mut Draft<'_>) {
    if draft.request.terminal {
        let evidence = ["terminal.devpts", "terminal.process", "mount:/dev/tty"];
        let asked = "a terminal of its own".to_owned();
        draft.bindings.push(binding(None, asked, &["devpts of the sandbox"], &evidence));
    }
}

fn mounts(draft: &mut Draft<'_>) {
    let mechanisms = ["pivot_root on tmpfs", "private mounts"];
    let evidence = ["mount:/", "mount.others", "mount.roots", "mount:/proc"];
    draft.bindings.push(binding(None, "root of its own".to_owned(), &mechanisms, &evidence));
}

fn filter(draft: &mut Draft<'_>) {
    let evidence = [
        "filter.agent",
        "filter.process",
        "filter.i386",
        "filter.x32",
        "agent.filter-mode",
        "process.filter-mode",
        "process.filter-count",
    ];
    require(draft, Layer::Seccomp, &evidence, None);
}

fn privileges(draft: &mut Draft<'_>) {
    let rows: [(&str, &str, &[&str]); 5] = [
        (
            "no capabilities",
            "empty capability sets",
            &["agent.capabilities", "process.capabilities"],
        ),
        (
            "no new privileges",
            "no_new_privs",
            &["agent.no-new-privileges", "process.no-new-privileges"],
        ),
        (
            "no core files, no realtime",
            "RLIMIT_CORE, RLIMIT_RTPRIO",
            &[
                "limit.Max core file size",
                "limit.Max realtime priority",
                "process.limit.Max core file size",
                "process.limit.Max realtime priority",
            ],
        ),
        (
            "bounded signals, message queues, locked memory",
            "RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_MEMLOCK",
            &[
                "limit.Max pending signals",
                "limit.Max msgqueue size",
                "limit.Max locked memory",
                "process.limit.Max pending signals",
                "process.limit.Max msgqueue size",
                "process.limit.Max locked memory",
            ],
        ),
        ("agent out of reach", "PR_SET_DUMPABLE", &["agent.not-dumpable"]),
    ];
    for (name, mechanism, evidence) in rows {
        draft.bindings.push(binding(None, name.to_owned(), &[mechanism], evidence));
    }
    let groups = match draft.facts.privilege {
        Privilege::Root => "cleared",
        Privilege::User if draft.facts.supplementary_groups.is_empty() => "none",
        Privilege::User => "kept, as stated below",
    };
    let mut one =
        binding(None, format!("supplementary groups: {groups}"), &[], &["process.groups"]);
    if draft.facts.privilege == Privilege::Root {
        one.mechanisms.push(Mechanism("setgroups".to_owned()));
    }
    draft.bindings.push(one);
}
