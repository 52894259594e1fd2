//! `cargo xtask fuzz`: every fuzz target under libFuzzer, with coverage.
//!
//! A target is a test `fuzz_*` in a file `fuzz.rs` beside the parser that it feeds (bolero). In CI it
//! runs as a plain test: over the corpus that is kept beside it, then over random bytes for a moment.
//! Here the same tests are built with coverage, on the stable compiler, and run for longer; what
//! libFuzzer collects stays in the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use crate::{process, workspace};

/// What makes the compiler note which branches an input takes and what it is compared with (clang's
/// SanitizerCoverage), and bolero link libFuzzer, which reads that.
const FLAGS: [&str; 8] = [
    "--cfg fuzzing",
    "--cfg fuzzing_libfuzzer",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
];

/// How long one input may take, in seconds.
const TIMEOUT_SECONDS: u32 = 10;

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
    let mut crashed = Vec::new();
    for target in &targets {
        let fuzzed = built(&target.package, &directory)
            .and_then(|executable| fuzz(target, &executable, &directory, seconds));
        if let Err(error) = fuzzed {
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

/// The unit tests of `package`, built for libFuzzer. What needs no fuzzing, such as integration tests,
/// would not link: libFuzzer comes with a target.
fn built(package: &str, directory: &Path) -> Result<PathBuf> {
    let mut cargo = process::cargo();
    cargo.args(["test", "--lib", "--no-run", "--profile", "fuzz", "--package", package]);
    cargo.arg("--message-format=json-render-diagnostics");
    cargo.arg("--target-dir").arg(directory.join("build"));
    cargo.env("RUSTFLAGS", FLAGS.join(" ")).env("BOLERO_FUZZER", "libfuzzer");
    println!("$ {}", process::line_of(&cargo));
    let messages = process::capture(cargo.stdin(Stdio::null()))?;
    let tests = Message::parse_stream(messages.as_bytes()).filter_map(|message| {
        let Ok(Message::CompilerArtifact(artifact)) = message else { return None };
        artifact.executable.filter(|_| artifact.profile.test)
    });
    let executable = tests.last().context("cargo built no tests")?;
    Ok(executable.into_std_path_buf())
}

/// Runs one target for `seconds`.
fn fuzz(target: &Target, executable: &Path, directory: &Path, seconds: u32) -> Result<()> {
    let test = target.test.as_str();
    // A test that is not there would pass.
    let mut list = process::command(executable);
    let listed = process::capture(list.args([test, "--exact", "--list"]))?;
    if !listed.lines().any(|line| line == format!("{test}: test")) {
        bail!("{} has no test {test}", target.package);
    }
    let (grown, crashes) = (grown(target, directory)?, directory.join("crashes"));
    let arguments = format!(
        "{} {} -artifact_prefix={}/ -timeout={TIMEOUT_SECONDS} -max_total_time={seconds}",
        grown.display(),
        crashes.display(),
        crashes.display(),
    );
    let mut fuzzer = process::command(executable);
    fuzzer.args([test, "--exact", "--nocapture", "--quiet", "--test-threads", "1"]);
    fuzzer.env("BOLERO_TEST_NAME", test).env("BOLERO_LIBTEST_HARNESS", "1");
    fuzzer.env("BOLERO_FUZZER", "libfuzzer").env("BOLERO_LIBFUZZER_ARGS", arguments);
    process::run(&mut fuzzer)
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
