//! `cargo xtask tidy`: the rules that no compiler checks, one file per rule.
//!
//! Each rule reads the checkout or cargo metadata and returns findings; none changes anything. Only
//! `--bless` writes, and only `xtask/ratchet.toml`. Every rule has a test with a bad sample.

mod arrows;
mod boundary_names;
mod documents;
mod file_names;
mod forbid_unsafe;
mod licences;
mod named_tests;
mod openings;
mod ratchet;
mod safety;
mod sizes;
mod source;
mod tree;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace;
use tree::Tree;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the counts of the tree to xtask/ratchet.toml.
    #[arg(long)]
    bless: bool,
}

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Relative to the root of the checkout.
    path: PathBuf,
    /// Counted from 1; 0 stands for the file as a whole.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: impl Into<PathBuf>, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.message)
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if options.bless {
        ratchet::bless(&Tree::read(&workspace::root())?)?;
    }
    check()?;
    Ok(ExitCode::SUCCESS)
}

/// Runs every rule; all findings are printed before the first makes this an error.
pub(crate) fn check() -> Result<()> {
    let tree = Tree::read(&workspace::root())?;
    let metadata = workspace::metadata()?;
    let rules: [(&str, Vec<Finding>); 11] = [
        ("crate arrows", arrows::check(&metadata)),
        ("licences and sources", licences::check(&metadata)),
        ("file sizes", sizes::check(&tree)),
        ("forbid(unsafe_code)", forbid_unsafe::check(&tree)),
        ("unsafe and SAFETY", safety::check(&tree)),
        ("boundary names", boundary_names::check(&tree)),
        ("module openings", openings::check(&tree)),
        ("file names", file_names::check(&tree)),
        ("documents", documents::check(&tree)),
        ("named tests", named_tests::check(&tree)),
        ("ratchet", ratchet::check(&tree)?),
    ];
    let mut findings = 0;
    for (rule, found) in &rules {
        println!("{rule}: {}", if found.is_empty() { "ok" } else { "FAILED" });
        for finding in found {
            println!("  {finding}");
        }
        findings += found.len();
    }
    if findings > 0 {
        bail!("{findings} findings");
    }
    Ok(())
}
