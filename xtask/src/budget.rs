//! The budgets of our executables: size in release builds and number of foreign crates linked in.
//!
//! One table, a reason in each row. A budget is a promise to users (start-up time, what must be
//! audited), so raising one needs its reason changed in the same commit.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::process;

/// One executable of ours: a crate of the same name, built by its own `cargo build -p`.
pub(crate) struct Executable {
    pub(crate) name: &'static str,
    /// Upper bound of the release build in bytes.
    pub(crate) release_bytes: u64,
    /// Upper bound of foreign crates that are linked in, directly or not.
    pub(crate) foreign_crates: usize,
    pub(crate) reason: &'static str,
}

/// Every executable that we ship.
pub(crate) const EXECUTABLES: [Executable; 3] = [
    Executable {
        name: "isobar",
        release_bytes: 6 << 20,
        foreign_crates: 60,
        reason: "read from the page cache at every start; the floor of `isobar run -- true`",
    },
    Executable {
        name: "isobar-init",
        release_bytes: 64 << 10,
        foreign_crates: 4,
        reason: "PID 1 beside hostile code: small enough to be read whole",
    },
    Executable {
        name: "isobar-attack-payload",
        release_bytes: 2 << 20,
        foreign_crates: 4,
        reason: "what `isobar attack` runs inside: nothing of ours, little of others, easy to read",
    },
];

/// The foreign crates that are linked into `package`, in order of name.
///
/// Asks `cargo tree` for this package alone: the workspace's own graph unifies features, and would
/// count for one executable what only another one uses. Procedural macros and what they need run
/// at build time only, and are not linked.
pub(crate) fn foreign_crates(package: &str) -> Result<Vec<String>> {
    let mut tree = process::cargo();
    tree.args(["tree", "--package", package, "--edges", "normal,no-proc-macro"]);
    tree.args(["--prefix", "none", "--format", "{p}"]);
    let lines = process::capture(&mut tree)?;
    let names = lines.lines().filter_map(|line| line.split_whitespace().next());
    let ours = |name: &str| name == "xtask" || name == "isobar" || name.starts_with("isobar-");
    let names: BTreeSet<_> = names.filter(|name| !ours(name)).map(str::to_owned).collect();
    Ok(names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_not_counted_and_transitive_crates_are() {
        let linked = foreign_crates("xtask").unwrap();
        let has = |name: &str| linked.iter().any(|linked| linked == name);
        assert!(has("clap_builder"), "a dependency of a dependency is linked");
        assert!(!has("clap_derive") && !has("syn"), "macros run at build time only");
        assert!(!linked.iter().any(|name| name.starts_with("isobar")), "ours are not foreign");
    }
}
