//! Rule: a file is named by the one noun or verb that it holds, not by the lack of one.

use super::{Finding, Tree};

/// Names under which anything could be put.
const FORBIDDEN: [&str; 8] =
    ["common", "helper", "helpers", "manager", "misc", "util", "utils", "utilities"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        for part in source.path.with_extension("").iter().filter_map(|part| part.to_str()) {
            if part.split(['_', '-']).any(|word| FORBIDDEN.contains(&word)) {
                let message = format!("`{part}` says nothing: name the one thing it holds");
                findings.push(Finding::new(&source.path, 0, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_caught_in_files_and_directories() {
        let tree = Tree::sample(&[
            ("crates/isobar-os/src/utils.rs", ""),
            ("crates/isobar/tests/common/mod.rs", ""),
            ("crates/isobar-os/src/mount_helpers.rs", ""),
            ("crates/isobar-os/src/mount.rs", ""),
        ]);
        assert_eq!(check(&tree).len(), 3);
    }
}
