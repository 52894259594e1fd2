//! Rule: every Rust file opens with `//!`: what it is for, and where it stands in the flow.

use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| Finding::new(&source.path, 1, "the file does not open with `//!`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_opens_with_code_or_a_plain_comment_is_caught() {
        let tree = Tree::sample(&[
            ("a.rs", "use std::fs;\n//! late\n"),
            ("b.rs", "// plain\n"),
            ("c.rs", "//! Good.\n"),
        ]);
        assert_eq!(check(&tree).len(), 2);
    }
}
