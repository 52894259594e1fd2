//! `cargo xtask mutants`: changes the planner at one place after the other, and asks its tests.
//!
//! A change that no test notices would be a clause that can lose its mechanism unnoticed. Functions
//! are replaced by constants, arms of matches are deleted, operators turned (cargo-mutants).

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::tool::Tool;
use crate::{process, workspace};

const MUTANTS: Tool = Tool { name: "cargo-mutants", version: "27.1.0" };

/// What is changed, and the package whose unit tests must notice.
const PACKAGE: &str = "isobar-namespace";
const FILES: &str = "crates/isobar-namespace/src/plan/*.rs";

/// A change that makes a test run for ever is noticed by this, in seconds.
const TIMEOUT_SECONDS: &str = "60";

pub(crate) fn run() -> Result<ExitCode> {
    check()?;
    Ok(ExitCode::SUCCESS)
}

/// Fails where a change went unnoticed; what cargo-mutants wrote stays in the target directory.
pub(crate) fn check() -> Result<()> {
    let output = workspace::target_dir()?.join("mutants");
    std::fs::create_dir_all(&output)
        .with_context(|| format!("cannot create {}", output.display()))?;
    let mut mutants = process::command(MUTANTS.get()?);
    mutants.args(["mutants", "--package", PACKAGE, "--file", FILES, "--no-shuffle"]);
    mutants.args(["--timeout", TIMEOUT_SECONDS, "--colors", "never", "--output"]).arg(&output);
    // Its own copy of the tree is built in its own target directory.
    mutants.args(["--", "--lib"]).env_remove("CARGO_TARGET_DIR").current_dir(workspace::root());
    let judged = process::run(&mut mutants);
    let missed = output.join("mutants.out/missed.txt");
    let missed = std::fs::read_to_string(missed).unwrap_or_default();
    if !missed.is_empty() {
        bail!("no test notices these changes:\n{missed}");
    }
    judged
}
