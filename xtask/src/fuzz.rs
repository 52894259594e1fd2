//! `cargo xtask fuzz`: every fuzz target under libFuzzer, with coverage.
//!
//! A target is a test `fuzz_*` in a file `fuzz.rs` beside the parser that it feeds (bolero). In CI it
//! runs as a plain test: over the corpus that is kept beside it, then over random bytes for a moment.
//! Here the same tests are built with coverage, on the stable compiler, and run for longer; what
//! libFuzzer collects stays in the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::tool::Tool;
use crate::{process, workspace};

/// The runner, of the version that belongs to the library.
const RUNNER: Tool = Tool { name: "cargo-bolero", version: "0.13.5" };

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only targets whose name contains this
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// One fuzz target.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    package: String,
    /// The test's path, such as `resolve::fuzz::fuzz_steering_text`.
    test: String,
    /// The corpus that is kept in the repository.
    corpus: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    run_all(options.target.as_deref(), options.seconds)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs every target, or those whose name contains `wanted`, for `seconds` each.
pub(crate) fn run_all(wanted: Option<&str>, seconds: u32) -> Result<()> {
    let mut targets = targets(&workspace::root().join("crates"))?;
    targets.retain(|target| wanted.is_none_or(|part| target.test.contains(part)));
    if targets.is_empty() {
        bail!("no fuzz target is called so");
    }
    let directory = workspace::target_dir()?.join("fuzz");
    let runner = RUNNER.get()?;
    let mut crashed = Vec::new();
    for target in &targets {
        let grown = grown(target, &directory)?;
        let mut bolero = process::command(&runner);
        bolero.args(["bolero", "test", &target.test, "--package", &target.package]);
        bolero.args(["--engine", "libfuzzer", "--sanitizer", "NONE", "-T"]);
        bolero.arg(format!("{seconds}s")).arg("--target-dir").arg(directory.join("build"));
        bolero.arg("--corpus-dir").arg(&grown).arg("--crashes-dir").arg(directory.join("crashes"));
        if let Err(error) = process::run(bolero.current_dir(workspace::root())) {
            println!("{error:#}");
            crashed.push(target.test.as_str());
        }
    }
    if !crashed.is_empty() {
        bail!(
            "found something, or did not run: {}; inputs in {}",
            crashed.join(", "),
            directory.display()
        );
    }
    println!("{} targets, {seconds} s each, nothing found", targets.len());
    Ok(())
}

/// The corpus that grows: what is kept in the repository, and what earlier runs have found.
fn grown(target: &Target, directory: &Path) -> Result<PathBuf> {
    let grown = directory.join("corpus").join(format!("{}-{}", target.package, target.test));
    for made in [&grown, &directory.join("crashes")] {
        fs::create_dir_all(made).with_context(|| format!("cannot create {}", made.display()))?;
    }
    for entry in fs::read_dir(&target.corpus).into_iter().flatten().flatten() {
        fs::copy(entry.path(), grown.join(entry.file_name()))?;
    }
    Ok(grown)
}

/// Every target below `crates`, in order.
fn targets(crates: &Path) -> Result<Vec<Target>> {
    let mut found = Vec::new();
    let mut open = vec![crates.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.file_name().is_some_and(|name| name == "fuzz.rs") {
                found.extend(in_file(crates, &path)?);
            }
        }
    }
    found.sort_by(|a, b| (&a.package, &a.test).cmp(&(&b.package, &b.test)));
    Ok(found)
}

/// The targets of one file.
fn in_file(crates: &Path, file: &Path) -> Result<Vec<Target>> {
    let inside = file.strip_prefix(crates).context("a crate's file")?;
    let mut parts = inside.with_extension("");
    let package = parts.iter().next().context("a crate's name")?.to_string_lossy().into_owned();
    parts = parts.iter().skip(2).collect();
    let module = parts.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("::");
    let beside = file.parent().context("a file lies in a directory")?.join("__fuzz__");
    let text = fs::read_to_string(file)?;
    let names = text.lines().filter_map(|line| line.strip_prefix("fn fuzz_")?.split_once('('));
    let target = |(name, _): (&str, &str)| Target {
        package: package.clone(),
        test: format!("{module}::fuzz_{name}"),
        corpus: beside.join(format!("fuzz__{name}")).join("corpus"),
    };
    Ok(names.map(target).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_with_their_corpus() {
        let found = targets(&workspace::root().join("crates")).unwrap();
        assert!(found.len() >= 9, "{found:?}");
        let deep = found.iter().find(|one| one.test == "resolve::fuzz::fuzz_steering_text");
        assert_eq!(deep.map(|one| one.package.as_str()), Some("isobar-engine"), "{found:?}");
        for target in &found {
            let seeds = fs::read_dir(&target.corpus).map_or(0, Iterator::count);
            assert!(seeds > 0, "{target:?} has a corpus to begin with");
        }
    }
}
