//! `cargo xtask`: the one door for contributors.
//!
//! Everything that is done to this repository by hand or by a machine goes through one of these
//! commands, so that what CI runs is what a contributor can run. Each command lives in the file of
//! its name. xtask knows no crate of ours: it sees them as cargo metadata, as source text, and as
//! executables.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "xtask talks to the person at the terminal")]

mod bench;
mod budget;
mod build;
mod ci;
mod demo;
mod dist;
mod elf;
mod fuzz;
mod lab;
mod mutants;
mod nightly;
mod packages;
mod peers;
mod process;
mod stage;
mod test;
mod tidy;
mod tool;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Build, test, check and measure isobar.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Door {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build isobar and run a Python program behind the namespace boundary; shows the report.
    Demo,
    /// Build each executable on its own, check that it is static and within its budgets.
    Build(build::Options),
    /// Install what the tests need, then run all tests (as root: also as an ordinary user).
    Test,
    /// Run tests on stock Debian kernels under emulation; fetches what it needs.
    Lab(lab::Options),
    /// All that a change must pass: tidy, fmt, clippy, rustdoc, release budgets, test.
    Ci,
    /// Everything of `ci`, and the behaviour suite five times; writes docs/nightly.json.
    Nightly,
    /// Make the release: a static tarball and a .deb, with pages and completions.
    Dist(dist::Options),
    /// Run every fuzz target under libFuzzer.
    Fuzz(fuzz::Options),
    /// Change the planner at one place after the other; a test must notice each.
    Mutants,
    /// Check the rules that no compiler checks.
    Tidy(tidy::Options),
    /// Measure against peers on this machine. Reports, never fails on a figure.
    Bench {
        #[command(subcommand)]
        subject: bench::Subject,
    },
}

fn main() -> ExitCode {
    open(Door::parse().command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn open(command: Command) -> Result<ExitCode> {
    match command {
        Command::Demo => demo::run(),
        Command::Build(options) => build::run(&options),
        Command::Test => test::run(),
        Command::Lab(options) => lab::run(&options),
        Command::Ci => ci::run(),
        Command::Nightly => nightly::run(),
        Command::Dist(options) => dist::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Mutants => mutants::run(),
        Command::Tidy(options) => tidy::run(&options),
        Command::Bench { subject } => bench::run(&subject),
    }
}
