//! `/proc/PID/status`: identity, groups, capabilities, no_new_privs, the filter.

use isobar_os::procfs::Status;
use isobar_policy::{Evidence, Grade};

/// What the status of a process must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedStatus {
    /// The host's user number, in all four places.
    pub host_uid: u32,
    /// The host's group number, in all four places.
    pub host_gid: u32,
    /// Supplementary groups as the host numbers them.
    pub groups: Vec<u32>,
    /// Capabilities in every set, as a mask.
    pub capabilities: u64,
    /// How many filters.
    pub filters: u32,
}

/// Holds the status of `pid` against what was asked. Keys start with `prefix`, such as
/// `agent.capabilities`.
#[must_use]
pub fn status(pid: i32, prefix: &str, expected: &ExpectedStatus) -> Vec<Evidence> {
    let status = match Status::read(pid) {
        Ok(status) => status,
        Err(error) => return vec![unreadable(prefix, &error)],
    };
    let four = |number: u32| format!("{number} {number} {number} {number}");
    let mask = format!("{:016x}", expected.capabilities);
    let groups: Vec<_> = expected.groups.iter().map(u32::to_string).collect();
    let mode = if expected.filters == 0 { "0" } else { "2" };
    let capabilities = ["CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb"];
    let compare = |key: &str, field: &str, expected: String, observed: String| {
        let source = format!("/proc/PID/status {field}");
        Evidence::compare(format!("{prefix}.{key}"), Grade::ReadBack, source, expected, observed)
    };
    let field = |name: &str| status.field(name).to_owned();
    vec![
        compare("uid", "Uid", four(expected.host_uid), field("Uid")),
        compare("gid", "Gid", four(expected.host_gid), field("Gid")),
        compare("groups", "Groups", groups.join(" "), field("Groups")),
        compare(
            "capabilities",
            &capabilities.join(" "),
            [mask.as_str(); 5].join(" "),
            capabilities.map(|name| status.field(name)).join(" "),
        ),
        compare("no-new-privileges", "NoNewPrivs", "1".to_owned(), field("NoNewPrivs")),
        compare("filter-mode", "Seccomp", mode.to_owned(), field("Seccomp")),
        compare(
            "filter-count",
            "Seccomp_filters",
            expected.filters.to_string(),
            field("Seccomp_filters"),
        ),
    ]
}

fn unreadable(prefix: &str, error: &std::io::Error) -> Evidence {
    Evidence {
        key: format!("{prefix}.status"),
        grade: Grade::ReadBack,
        source: "/proc/PID/status".to_owned(),
        expected: "readable".to_owned(),
        observed: format!("unreadable: {error}"),
        holds: false,
    }
}
