//! Rule: files stay small enough to be read in one go.
//!
//! Counted are the lines that ship, comments included and tests not. Functions are held to 100 lines
//! by clippy (`too_many_lines`).

use std::path::{Path, PathBuf};

use super::{Finding, Tree};

/// Half of the files have at most this many lines.
const MEDIAN: usize = 180;
/// Nine of ten files have at most this many lines.
const P90: usize = 500;
/// No file has more, but flat tables.
const MAX: usize = 800;

/// Flat tables that may be longer, each with the reason.
const FLAT_TABLES: [(&str, &str); 0] = [];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut sizes: Vec<(usize, &PathBuf)> = tree
        .sources
        .iter()
        .map(|source| (source.shipped().count(), &source.path))
        .filter(|(lines, _)| *lines > 0)
        .collect();
    sizes.sort();
    let at = |tenths: usize| sizes.get(sizes.len() * tenths / 10).map_or(0, |(lines, _)| *lines);
    let (median, p90) = (at(5), at(9));
    let largest = sizes.last().map_or(0, |(lines, _)| *lines);
    println!("file sizes: {} files, median {median}, p90 {p90}, largest {largest}", sizes.len());

    let mut findings: Vec<Finding> = sizes
        .iter()
        .filter(|(lines, path)| *lines > MAX && !is_flat_table(path))
        .map(|(lines, path)| Finding::new(*path, 0, format!("{lines} lines, at most {MAX}")))
        .collect();
    for (name, value, limit) in [("median", median, MEDIAN), ("p90", p90, P90)] {
        if value > limit {
            let message = format!("{name} of file sizes is {value} lines, at most {limit}");
            findings.push(Finding::new(".", 0, message));
        }
    }
    findings
}

fn is_flat_table(path: &Path) -> bool {
    FLAT_TABLES.iter().any(|(table, _)| path == Path::new(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_caught_and_long_tests_are_not() {
        let long = "fn f() {}\n".repeat(MAX + 1);
        let tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        let tree =
            Tree::sample(&[("a.rs", &long), ("b.rs", &tests), ("c.rs", "\n"), ("d.rs", "\n")]);
        let findings = check(&tree);
        assert!(findings.iter().any(|finding| finding.path == Path::new("a.rs")));
        assert!(!findings.iter().any(|finding| finding.path == Path::new("b.rs")));
    }

    #[test]
    fn a_bad_median_is_caught_though_no_single_file_is_too_long() {
        let lines = "fn f() {}\n".repeat(MEDIAN + 1);
        let tree = Tree::sample(&[("a.rs", &lines), ("b.rs", &lines), ("c.rs", "\n")]);
        assert_eq!(check(&tree).len(), 1);
    }
}
