//! Rule: no debt markers in any file, and every relative link of a Markdown file leads somewhere.

use super::tree::Document;
use super::{Finding, Tree};

/// Markers of work put off. Spelled in halves, so that this file does not contain them.
const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let rust = tree.sources.iter().map(|source| (&source.path, &source.text));
    let other = tree.documents.iter().map(|document| (&document.path, &document.text));
    let mut findings = Vec::new();
    for (path, text) in rust.chain(other) {
        for (index, line) in text.lines().enumerate() {
            if let Some(marker) = MARKERS.iter().find(|marker| line.contains(*marker)) {
                let message = format!("{marker}: do it now, or file an issue");
                findings.push(Finding::new(path, index + 1, message));
            }
        }
    }
    let markdown = tree
        .documents
        .iter()
        .filter(|document| document.path.extension().is_some_and(|extension| extension == "md"));
    findings.extend(markdown.flat_map(|document| broken_links(document, tree)));
    findings
}

/// The relative links of a Markdown file whose target does not exist.
fn broken_links(document: &Document, tree: &Tree) -> Vec<Finding> {
    let dir = tree.root.join(&document.path);
    let mut findings = Vec::new();
    for (line, link) in links(&document.text) {
        let path = link.split('#').next().unwrap_or_default();
        let elsewhere = link.contains("://") || link.starts_with("mailto:") || path.is_empty();
        if !elsewhere && !dir.parent().is_some_and(|dir| dir.join(path).exists()) {
            findings.push(Finding::new(&document.path, line, format!("broken link: {link}")));
        }
    }
    findings
}

/// The targets of inline links outside of code, with their line.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        // Every second part between backticks is code.
        for prose in line.split('`').step_by(2) {
            for rest in prose.split("](").skip(1) {
                let target = rest.split([')', ' ']).next().unwrap_or_default();
                found.push((index + 1, target));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_caught_in_code_and_in_documents() {
        let line = format!("// {}: later\n", MARKERS[0]);
        let tree = Tree::sample(&[("a.rs", &line), ("Cargo.toml", &line), ("b.rs", "// todo\n")]);
        assert_eq!(check(&tree).len(), 2);
    }

    #[test]
    fn a_broken_relative_link_is_caught() {
        let tree =
            Tree::sample(&[("docs/a.md", "see [b](b.md#part) and [c](https://c.example)\n")]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.message.contains("b.md")));
    }

    #[test]
    fn code_holds_no_links() {
        assert!(links("`a[0](x)`\n```\n[a](b)\n```\n").is_empty());
        assert_eq!(links("[`code`](target.md)"), [(1, "target.md")]);
    }
}
