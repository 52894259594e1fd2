//! Rule: the counts in `xtask/ratchet.toml` only fall.
//!
//! Counted for each crate, in code that ships: `unsafe` blocks and implementations, `.expect(`
//! calls, `as` casts between numbers or pointers, and `#[expect(…)]` attributes. A count above its
//! row fails; one below is printed, so that the row can be lowered with `--bless`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::safety::is_claim;
use super::source::{Line, words};
use super::{Finding, Tree};

const FILE: &str = "xtask/ratchet.toml";

const HEADER: &str = "# Counts per crate that may only fall; written by `cargo xtask tidy --bless`.\n\
    # Raising one needs its reason in the commit.\n\n";

/// What is counted in one crate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    unsafe_blocks: usize,
    expect_calls: usize,
    casts: usize,
    expected_lints: usize,
}

impl Counts {
    fn add(&mut self, line: &Line<'_>) {
        let code = line.code;
        let found: Vec<(usize, &str)> = words(code).collect();
        let claims = found.iter().filter(|(at, word)| *word == "unsafe" && is_claim(code, *at));
        self.unsafe_blocks += claims.count();
        self.expect_calls += code.matches(".expect(").count();
        self.casts += found.iter().filter(|(at, word)| *word == "as" && is_cast(code, *at)).count();
        self.expected_lints +=
            code.matches("#[expect(").count() + code.matches("#![expect(").count();
    }

    fn named(self) -> [(&'static str, usize); 4] {
        [
            ("unsafe blocks", self.unsafe_blocks),
            (".expect( calls", self.expect_calls),
            ("as casts", self.casts),
            ("#[expect] attributes", self.expected_lints),
        ]
    }
}

type Table = BTreeMap<String, Counts>;

/// Whether the `as` at `start` casts to a number or a pointer, rather than renames or qualifies.
fn is_cast(code: &str, start: usize) -> bool {
    const NUMBERS: [&str; 14] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f32", "f64",
    ];
    let after = code.get(start + 2..).unwrap_or_default().trim_start();
    let number = words(after)
        .next()
        .is_some_and(|(at, word)| at == 0 && (NUMBERS.contains(&word) || word.starts_with("c_")));
    let inferred = after.starts_with('_') && !code.trim_start().starts_with("use ");
    number || inferred || after.starts_with('*')
}

fn count(tree: &Tree) -> Table {
    let mut table = Table::new();
    for source in &tree.sources {
        let counts = table.entry(source.package().to_owned()).or_default();
        source.shipped().for_each(|line| counts.add(&line));
    }
    table
}

pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let file = tree.root.join(FILE);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("{error}; write it with `cargo xtask tidy --bless`");
            return Ok(vec![Finding::new(FILE, 0, message)]);
        }
    };
    let limits: Table = toml::from_str(&text).with_context(|| format!("unreadable {FILE}"))?;
    let (findings, hints) = compare(&count(tree), &limits);
    hints.iter().for_each(|hint| println!("ratchet: {hint}"));
    Ok(findings)
}

/// Findings for counts above their limit, hints for those below.
fn compare(counts: &Table, limits: &Table) -> (Vec<Finding>, Vec<String>) {
    let (mut findings, mut hints) = (Vec::new(), Vec::new());
    for (package, counts) in counts {
        let limits = limits.get(package).copied().unwrap_or_default();
        for ((what, count), (_, limit)) in counts.named().into_iter().zip(limits.named()) {
            if count > limit {
                let message = format!("{package}: {count} {what}, at most {limit}");
                findings.push(Finding::new(FILE, 0, message));
            } else if count < limit {
                hints.push(format!("{package}: {what} fell from {limit} to {count}: --bless"));
            }
        }
    }
    (findings, hints)
}

/// Writes the counts of the tree.
pub(super) fn bless(tree: &Tree) -> Result<()> {
    let text = format!("{HEADER}{}", toml::to_string(&count(tree))?);
    let file = tree.root.join(FILE);
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Counts {
        let table = count(&Tree::sample(&[("crates/isobar-os/src/sys.rs", text)]));
        table.get("isobar-os").copied().unwrap()
    }

    #[test]
    fn each_kind_is_counted_and_look_alikes_are_not() {
        let text = "unsafe { f() }; x.expect(\"y\"); n as u32; p as *const u8; z as _;\n\
                    #[expect(unsafe_code, reason = \"r\")]\n\
                    use a as b; use T as _; <T as Trait>::f(); // n as u32\n\
                    unsafe fn f() {}\n#[cfg(test)]\nmod tests { fn g() { n as u8; } }\n";
        let all = Counts { unsafe_blocks: 1, expect_calls: 1, casts: 3, expected_lints: 1 };
        assert_eq!(counts(text), all);
    }

    #[test]
    fn a_risen_count_fails_and_a_fallen_one_is_hinted_at() {
        let low = Table::from([("a".to_owned(), Counts::default())]);
        let high = Table::from([("a".to_owned(), Counts { casts: 2, ..Counts::default() })]);
        assert_eq!(compare(&high, &low).0.len(), 1, "above the limit");
        assert_eq!(compare(&high, &Table::new()).0.len(), 1, "a crate without a row has zeros");
        let (findings, hints) = compare(&low, &high);
        assert_eq!((findings.len(), hints.len()), (0, 1));
    }
}
