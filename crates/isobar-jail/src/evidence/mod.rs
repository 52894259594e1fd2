//! What the kernel says about a jailed process, held against what was asked. Read from outside, by
//! the supervisor, before the process runs anything of a guest.
//!
//! This code knows neither how the stage works nor that a fault build exists.

mod mounts;
mod status;

pub use mounts::{MountExpectation, mounts};
pub use status::{ExpectedStatus, status};

use isobar_os::namespaces::NamespaceKind;
use isobar_os::procfs;
use isobar_policy::{Evidence, Grade};

use crate::spec::{ClockOffsets, ResourceLimit};

/// Turns a failed reading into an observation that never holds.
#[must_use]
pub fn observed<T: ToString>(reading: std::io::Result<T>) -> String {
    match reading {
        Ok(value) => value.to_string(),
        Err(error) => format!("unreadable: {error}"),
    }
}

/// Whether `pid`, with what it starts, is in another namespace of each kind than we are. Key
/// `namespace.KIND`.
#[must_use]
pub fn namespaces(pid: i32, kinds: &[NamespaceKind]) -> Vec<Evidence> {
    kinds.iter().map(|kind| namespace(pid, *kind)).collect()
}

fn namespace(pid: i32, kind: NamespaceKind) -> Evidence {
    let (ours, theirs) = (procfs::own_namespace(kind), procfs::namespace(pid, kind));
    let holds = matches!((&ours, &theirs), (Ok(ours), Ok(theirs)) if ours != theirs);
    Evidence {
        key: format!("namespace.{}", kind.link()),
        grade: Grade::ReadBack,
        source: format!("/proc/PID/ns/{}", kind.link_of_children()),
        expected: format!("other than {}", observed(ours)),
        observed: observed(theirs),
        holds,
    }
}

/// How the clocks of the time namespace of `pid` differ from the host's. Key `time.offsets`.
#[must_use]
pub fn clocks(pid: i32, offsets: ClockOffsets) -> Evidence {
    let found = procfs::read(pid, "timens_offsets").map(|text| {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.collect::<Vec<_>>().join(", ")
    });
    let expected = format!("monotonic {} 0, boottime {} 0", offsets.monotonic, offsets.boottime);
    let source = "/proc/PID/timens_offsets";
    Evidence::compare("time.offsets", Grade::ReadBack, source, expected, observed(found))
}

/// The identity maps of `pid`. Keys `identity.uid-map` and `identity.gid-map`.
#[must_use]
pub fn id_maps(pid: i32, uid_map: &str, gid_map: &str) -> Vec<Evidence> {
    [("uid", uid_map), ("gid", gid_map)]
        .into_iter()
        .map(|(kind, expected)| {
            let found = observed(procfs::id_map(pid, &format!("{kind}_map")));
            Evidence::compare(
                format!("identity.{kind}-map"),
                Grade::ReadBack,
                format!("/proc/PID/{kind}_map"),
                expected,
                found,
            )
        })
        .collect()
}

/// The resource limits of `pid`. Key `PREFIX.LINE`, such as `limit.Max open files`.
#[must_use]
pub fn limits(pid: i32, prefix: &str, limits: &[ResourceLimit]) -> Vec<Evidence> {
    let found = procfs::limits(pid);
    limits
        .iter()
        .map(|limit| {
            let observed = match &found {
                Ok(lines) => lines.get(limit.line).map_or_else(
                    || "no such line".to_owned(),
                    |(soft, hard)| format!("{soft} {hard}"),
                ),
                Err(error) => format!("unreadable: {error}"),
            };
            Evidence::compare(
                format!("{prefix}.{}", limit.line),
                Grade::ReadBack,
                format!("/proc/PID/limits {}", limit.line),
                format!("{} {}", limit.soft, limit.hard),
                observed,
            )
        })
        .collect()
}
