//! Rule: every crate forbids `unsafe`, but the few that talk to the kernel themselves.

use super::{Finding, Tree};

/// Crates that may hold `unsafe`, in modules named `sys` or `raw`.
pub(super) const MAY_BE_UNSAFE: [&str; 4] =
    ["isobar-attack-payload", "isobar-init", "isobar-jail", "isobar-os"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let roots = tree.sources.iter().filter(|source| {
        source.path.ends_with("src/lib.rs") || source.path.ends_with("src/main.rs")
    });
    roots
        .filter(|source| !MAY_BE_UNSAFE.contains(&source.package()))
        .filter(|source| {
            !source.shipped().any(|line| line.code.contains("#![forbid(unsafe_code)]"))
        })
        .map(|source| Finding::new(&source.path, 1, "a crate root needs #![forbid(unsafe_code)]"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_without_the_attribute_is_caught() {
        let tree = Tree::sample(&[
            ("crates/isobar-policy/src/lib.rs", "//! x\n// #![forbid(unsafe_code)]\n"),
            ("crates/isobar-engine/src/lib.rs", "//! x\n#![forbid(unsafe_code)]\n"),
            ("crates/isobar-os/src/lib.rs", "//! x\n"),
        ]);
        let paths: Vec<_> = check(&tree).into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, [std::path::PathBuf::from("crates/isobar-policy/src/lib.rs")]);
    }
}
