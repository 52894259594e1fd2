//! Rule: a test that a document names in a link to a Rust file is defined in that file.
//!
//! `ARCHITECTURE.md` says for each invariant which test holds it; a renamed test must not leave the
//! claim standing.

use std::path::Path;

use super::tree::Document;
use super::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.documents.iter().flat_map(|document| missing(document, tree)).collect()
}

fn missing(document: &Document, tree: &Tree) -> Vec<Finding> {
    let base = document.path.parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    for (index, line) in document.text.lines().enumerate() {
        for (name, link) in named(line) {
            let path = base.join(link);
            let source = tree.sources.iter().find(|source| source.path == path);
            let definition = format!("fn {name}(");
            if !source.is_some_and(|source| source.text.contains(&definition)) {
                let message = format!("no test {name} in {link}");
                findings.push(Finding::new(&document.path, index + 1, message));
            }
        }
    }
    findings
}

/// Names in code that link to a Rust file, each with that file.
fn named(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split("[`").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("`](")?;
        let (link, _) = rest.split_once(')')?;
        link.ends_with(".rs").then_some((name, link))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_gone_is_caught() {
        let page = "| I1 | x | [`held`](crates/a/tests/t.rs) and [`gone`](crates/a/tests/t.rs) |\n";
        let tree =
            Tree::sample(&[("ARCHITECTURE.md", page), ("crates/a/tests/t.rs", "fn held() {}\n")]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1, "only the missing one: {findings:?}");
        assert!(findings.iter().all(|finding| finding.message.contains("gone")), "by its name");
    }
}
