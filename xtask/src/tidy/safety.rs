//! Rule: `unsafe` only in modules named `sys` or `raw`, and each use says why it is sound.

use std::path::Path;

use super::forbid_unsafe::MAY_BE_UNSAFE;
use super::source::{Source, words};
use super::{Finding, Tree};

/// How far above its block a SAFETY comment may stand, in lines.
const REACH: usize = 8;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let allowed = MAY_BE_UNSAFE.contains(&source.package()) && is_kernel_module(&source.path);
    let text: Vec<&str> = source.text.lines().collect();
    let mut findings = Vec::new();
    for line in source.lines() {
        for (start, _) in words(line.code).filter(|(_, word)| *word == "unsafe") {
            if !allowed {
                let message = "unsafe outside the sys and raw modules of the crates that may";
                findings.push(Finding::new(&source.path, line.number, message));
            }
            let above = text.get(line.number.saturating_sub(REACH + 1)..line.number);
            let explained = above.unwrap_or_default().iter().any(|line| line.contains("SAFETY:"));
            if is_claim(line.code, start) && !explained {
                let message = format!("unsafe without a SAFETY comment within {REACH} lines above");
                findings.push(Finding::new(&source.path, line.number, message));
            }
        }
    }
    findings
}

/// Whether the `unsafe` at `start` claims something: a block or an implementation. Functions and
/// attributes pass the obligation on instead.
pub(super) fn is_claim(code: &str, start: usize) -> bool {
    let after = code.get(start + "unsafe".len()..).unwrap_or_default().trim_start();
    after.is_empty() || after.starts_with('{') || after.starts_with("impl")
}

/// Whether a path is a module named `sys` or `raw`, or lies below one.
fn is_kernel_module(path: &Path) -> bool {
    path.with_extension("").iter().any(|part| part == "sys" || part == "raw")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> usize {
        check(&Tree::sample(&[(path, text)])).len()
    }

    const EXPLAINED: &str = "// SAFETY: the pointer is ours\nunsafe { f() }\n";

    #[test]
    fn unsafe_in_the_wrong_place_is_caught_even_with_a_comment() {
        assert_eq!(messages("crates/isobar-os/src/mount.rs", EXPLAINED), 1);
        assert_eq!(messages("crates/isobar-policy/src/sys.rs", EXPLAINED), 1);
        assert_eq!(messages("crates/isobar-os/src/sys/mount.rs", EXPLAINED), 0);
        assert_eq!(messages("crates/isobar-jail/src/raw.rs", EXPLAINED), 0);
    }

    #[test]
    fn a_block_or_impl_without_its_reason_is_caught() {
        assert_eq!(messages("crates/isobar-os/src/sys.rs", "unsafe { f() }\n"), 1);
        assert_eq!(messages("crates/isobar-os/src/sys.rs", "unsafe impl Send for X {}\n"), 1);
        let far = format!("// SAFETY: far away\n{}unsafe {{ f() }}\n", "\n".repeat(REACH));
        assert_eq!(messages("crates/isobar-os/src/sys.rs", &far), 1);
    }

    #[test]
    fn words_in_comments_strings_and_longer_words_are_not_code() {
        let text = "// unsafe { }\n\"unsafe {\"; #[deny(unsafe_code)]\n";
        assert_eq!(messages("crates/isobar-policy/src/lib.rs", text), 0);
    }

    #[test]
    fn an_unsafe_function_passes_its_obligation_on() {
        assert_eq!(messages("crates/isobar-os/src/sys.rs", "unsafe fn f() {}\n"), 0);
    }
}
