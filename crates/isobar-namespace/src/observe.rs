//! Evidence of one launch: what is read back when the root is in place, and what the agent probed.
//!
//! Knows the plan and the kernel's files, not how the stage works.

use isobar_boundary::protocol::{Hello, Ready};
use isobar_jail::evidence::{self, ExpectedStatus, MountExpectation};
use isobar_jail::{ClockOffsets, Jailed};
use isobar_os::landlock::{IOCTL_ABI, TRUNCATE_ABI};
use isobar_os::namespaces::NamespaceKind;
use isobar_os::procfs;
use isobar_os::seccomp::Filter;
use isobar_policy::{Evidence, Grade};

use crate::groups::Holdings;
use crate::jail_spec::{agent_capabilities, map_texts, namespaces, resource_limits};
use crate::payload::Planned;

/// What no ABI of Landlock allows here.
const CANARY: &str = "opening a file that only Landlock denies";
/// EACCES, which Landlock answers.
const EACCES: u32 = 13;
/// SIGSYS, which a kill rule sends.
const SIGSYS: u32 = 31;

/// What can be read when the stage says that its root is in place.
pub(crate) fn staged(planned: &Planned, jailed: &Jailed, holdings: &Holdings) -> Vec<Evidence> {
    let pid = jailed.pid();
    let mut kinds = vec![NamespaceKind::User, NamespaceKind::Pid];
    // The time namespace is entered at exec.
    kinds.extend(namespaces(planned).into_iter().filter(|kind| *kind != NamespaceKind::Time));
    let (uid_map, gid_map) = map_texts(planned, holdings.range);
    let mut all = evidence::namespaces(pid, &kinds);
    all.extend(evidence::id_maps(pid, &uid_map, &gid_map));
    all.extend(evidence::mounts(pid, &expected_mounts(planned, jailed)));
    all.push(network_devices(pid));
    all.extend(holdings.evidence(pid, &planned.limits));
    all
}

/// The mounts that the jail was told to make, which file of the host each grant must show, and which
/// of them must have their owners mapped.
fn expected_mounts(planned: &Planned, jailed: &Jailed) -> Vec<MountExpectation> {
    let mut expected = jailed.expected_mounts().to_vec();
    for grant in &planned.grants {
        for mount in expected.iter_mut().filter(|mount| mount.target == grant.target) {
            mount.file = Some((grant.device, grant.inode));
            mount.options.extend(grant.map_owner.map(|_| "idmapped"));
        }
    }
    expected
}

/// What can be read only after exec, which enters the time namespace.
pub(crate) fn executed(
    planned: &Planned,
    jailed: &Jailed,
    clocks: Option<ClockOffsets>,
) -> Vec<Evidence> {
    let kinds = if planned.time_namespace { vec![NamespaceKind::Time] } else { Vec::new() };
    let mut all = evidence::namespaces(jailed.pid(), &kinds);
    all.extend(clocks.map(|clocks| evidence::clocks(jailed.pid(), clocks)));
    all
}

/// What can be read and was probed once the agent has spoken.
pub(crate) fn greeted(
    planned: &Planned,
    jailed: &Jailed,
    holdings: &Holdings,
    filter: &Filter,
    hello: &Hello,
) -> Vec<Evidence> {
    let pid = jailed.pid();
    let (host_uid, host_gid) = holdings
        .range
        .map_or((planned.host_uid, planned.host_gid), |range| (range.agent(), range.agent()));
    let capabilities = agent_capabilities(planned.privilege);
    let groups = planned.kept_groups.clone();
    let expected = ExpectedStatus { host_uid, host_gid, groups, capabilities, filters: 1 };
    let mut all = evidence::status(pid, "agent", &expected);
    let limits = resource_limits(&planned.limits, planned.privilege);
    all.extend(evidence::limits(pid, "limit", &limits));
    all.push(not_dumpable(pid, host_uid));
    all.push(filter_probe("filter.agent", filter, hello.filter_errno));
    all.push(kill_probe("filter.i386", "a 32-bit call", hello.i386_signal));
    all.push(kill_probe("filter.x32", "an x32 call", hello.x32_signal));
    if let Some(abi) = planned.landlock_abi {
        all.extend(landlock_probes(abi, hello));
    }
    all.push(Evidence::compare(
        "uts.hostname",
        Grade::Probed,
        "uname by the agent",
        planned.hostname.as_str(),
        String::from_utf8_lossy(hello.hostname.name()),
    ));
    all
}

/// What can be read and was probed of a process before it executes the guest's program.
pub(crate) fn process(
    planned: &Planned,
    pid: i32,
    holdings: &Holdings,
    filter: &Filter,
    ready: &Ready,
) -> Vec<Evidence> {
    let (host_uid, host_gid) = holdings
        .range
        .map_or((planned.host_uid, planned.host_gid), |range| (range.guest(), range.guest()));
    let groups = planned.kept_groups.clone();
    let expected = ExpectedStatus { host_uid, host_gid, groups, capabilities: 0, filters: 1 };
    let mut all = evidence::status(pid, "process", &expected);
    let limits = resource_limits(&planned.limits, planned.privilege);
    all.extend(evidence::limits(pid, "process.limit", &limits));
    all.push(filter_probe("filter.process", filter, ready.filter_errno));
    if let Some(abi) = planned.landlock_abi {
        all.push(landlock_probe("landlock.process", CANARY, abi, ready.canary_errno));
    }
    all
}

fn network_devices(pid: i32) -> Evidence {
    let devices = procfs::read(pid, "net/dev").map(|text| {
        let names = text.lines().skip(2).filter_map(|line| line.split(':').next());
        names.map(str::trim).collect::<Vec<_>>().join(" ")
    });
    let observed = devices.unwrap_or_else(|error| format!("unreadable: {error}"));
    Evidence::compare("net.devices", Grade::ReadBack, "/proc/PID/net/dev", "lo", observed)
}

fn filter_probe(key: &str, filter: &Filter, errno: u32) -> Evidence {
    let source = format!("reserved call {}", filter.probe_call());
    let expected = format!("errno {}", filter.probe_errno());
    Evidence::compare(key, Grade::Probed, source, expected, format!("errno {errno}"))
}

fn kill_probe(key: &str, what: &str, signal: u32) -> Evidence {
    let expected = format!("killed by signal {SIGSYS}");
    let observed = match signal {
        0 => "lived".to_owned(),
        signal => format!("killed by signal {signal}"),
    };
    Evidence::compare(
        key,
        Grade::Probed,
        format!("throw-away child making {what}"),
        expected,
        observed,
    )
}

/// What the agent tried that a ruleset of `abi` denies and one of an older ABI does not. Scopes
/// (ABI 6) deny what reaches out of the domain; from inside, nothing outside can be reached for.
fn landlock_probes(abi: u32, hello: &Hello) -> Vec<Evidence> {
    let truncate = "truncating a file that may only be written";
    let ioctl = "an ioctl call on a device that may only be read and written";
    let mut all = vec![landlock_probe("landlock.agent", CANARY, abi, hello.canary_errno)];
    if abi >= TRUNCATE_ABI {
        all.push(landlock_probe("landlock.truncate", truncate, abi, hello.truncate_errno));
    }
    if abi >= IOCTL_ABI {
        all.push(landlock_probe("landlock.ioctl", ioctl, abi, hello.ioctl_errno));
    }
    all
}

fn landlock_probe(key: &str, act: &str, abi: u32, errno: u32) -> Evidence {
    let expected = format!("errno {EACCES}");
    let source = format!("{act} (Landlock ABI {abi})");
    Evidence::compare(key, Grade::Probed, source, expected, format!("errno {errno}"))
}

/// The kernel gives the files of a non-dumpable process in `/proc` to root (proc(5)).
fn not_dumpable(agent: i32, host_uid: u32) -> Evidence {
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::metadata(format!("/proc/{agent}/environ")).map(|data| data.uid());
    let holds = owner.as_ref().is_ok_and(|owner| *owner != host_uid);
    Evidence {
        key: "agent.not-dumpable".to_owned(),
        grade: Grade::ReadBack,
        source: "owner of /proc/PID/environ".to_owned(),
        expected: format!("root, not {host_uid}"),
        observed: evidence::observed(owner),
        holds,
    }
}

/// Whether everything holds. In the fault build a run may go on all the same, so that attacks can
/// be tried against missing layers; no other build has this choice.
pub(crate) fn all_hold(evidence: &mut [Evidence]) -> bool {
    #[cfg(isobar_fault)]
    if isobar_os::fault::active(isobar_os::fault::Fault::IgnoreEvidence) {
        for one in evidence.iter_mut() {
            one.holds = true;
        }
    }
    evidence.iter().all(|one| one.holds)
}
