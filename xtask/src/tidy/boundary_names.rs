//! Rule: a boundary is named in its own crate, in the policy, and in one file of the engine.
//!
//! So that a fifth boundary touches one crate and one line. Checked are the crates' names as
//! identifiers, variants of `BoundaryKind`, and string literals that are exactly a boundary's name,
//! in code that ships. `isobar-os` and `isobar-jail` speak of Linux namespaces by right.

use std::path::Path;

use super::source::{Source, words};
use super::{Finding, Tree};

const NAMES: [&str; 4] = ["namespace", "userkernel", "microvm", "wasm"];

/// Crates that may name boundaries: the enumeration, and the words of Linux. xtask holds this table.
const MAY_NAME: [&str; 4] = ["isobar-jail", "isobar-os", "isobar-policy", "xtask"];

/// The file of the engine that lists the boundaries.
const LIST: &str = "crates/isobar-engine/src/boundaries.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().filter(|source| !may_name(source)).flat_map(check_source).collect()
}

fn may_name(source: &Source) -> bool {
    let package = source.package();
    let own = package.strip_prefix("isobar-").is_some_and(|name| NAMES.contains(&name));
    own || MAY_NAME.contains(&package) || source.path == Path::new(LIST)
}

fn check_source(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in source.shipped() {
        let mut after_kind = false;
        for (_, word) in words(line.code) {
            let names_crate =
                word.strip_prefix("isobar_").is_some_and(|name| NAMES.contains(&name));
            let lower = word.to_lowercase();
            if names_crate || (after_kind && NAMES.contains(&lower.as_str())) {
                findings.push(Finding::new(&source.path, line.number, complaint(word)));
            }
            after_kind = word == "BoundaryKind";
        }
    }
    for literal in source.shipped_literals() {
        if NAMES.contains(&literal.text.as_str()) {
            findings.push(Finding::new(&source.path, literal.line, complaint(&literal.text)));
        }
    }
    findings
}

fn complaint(name: &str) -> String {
    format!("`{name}` names a boundary; only its own crate, the policy and {LIST} may")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str) -> usize {
        let text = "use isobar_namespace::Namespace;\nlet a = \"wasm\";\n\
                    let b = BoundaryKind::Microvm;\n// \"userkernel\"\nlet c = \"mount namespace\";\n";
        check(&Tree::sample(&[(path, text)])).len()
    }

    #[test]
    fn names_in_other_crates_are_caught() {
        assert_eq!(findings("crates/isobar/src/run.rs"), 3);
        assert_eq!(findings("crates/isobar-engine/src/supervise.rs"), 3);
    }

    #[test]
    fn names_at_home_in_the_list_and_in_tests_are_fine() {
        for path in [
            "crates/isobar-namespace/src/lib.rs",
            "crates/isobar-policy/src/boundary.rs",
            LIST,
            "crates/isobar/tests/run.rs",
        ] {
            assert_eq!(findings(path), 0, "{path}");
        }
    }
}
