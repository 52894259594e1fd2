//! The `isobar` command line: flags in, a policy to the engine, its report out.
//!
//! A library, so that man pages and completions are made from the very definitions that the
//! executable reads (`examples/pages.rs`). Nothing else is meant to use it: the Rust API is
//! `isobar-engine`.
//!
//! One run, file by file: `cli.rs` (what can be given) → `flags.rs` (flags, file and profile become
//! a policy) → `cmd/run.rs` (the engine plans and runs) → `output.rs` (what a person is told) and
//! `exit.rs` (the code). The executable starts no thread and no runtime of its own; descriptors 0
//! to 2 are open when `main` begins, since the standard library opens `/dev/null` for closed ones.
#![forbid(unsafe_code)]

mod cli;
mod cmd;
mod exit;
mod flags;
#[cfg(test)]
mod fuzz;
mod hint;
mod lang;
mod output;
mod policy_file;
mod report_file;
mod setup;
mod sink;
mod status_fd;
mod terminal;
mod usage;

use std::process::ExitCode;

use isobar_engine::policy::{Code, Diagnostic};
use rustix::process::{getegid, geteuid, getgid, getuid};

use crate::output::{ColourChoice, Output};

/// The command line's definition, with the names, flags and texts that `--help` shows.
#[must_use]
pub fn definition() -> clap::Command {
    cli::definition()
}

/// The AppArmor profile that `isobar setup` writes, for an executable where packages put it.
#[must_use]
pub fn apparmor_profile() -> String {
    setup::apparmor::profile(setup::apparmor::INSTALLED)
}

/// Everything that the executable does, from its arguments to its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let before_flags = Output::new(ColourChoice::Auto, false);
    if getuid() != geteuid() || getgid() != getegid() {
        return ExitCode::from(failed(&before_flags, &[setuid()]));
    }
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(usage::Stop::Help(text)) => {
            return ExitCode::from(match before_flags.data(&text) {
                Ok(()) => 0,
                Err(error) => failed(&before_flags, &[error]),
            });
        }
        Err(usage::Stop::Wrong(error)) => {
            return ExitCode::from(failed(&before_flags, &[error]));
        }
    };
    let output = Output::new(cli.color, false);
    let ended = match cli.command {
        cli::Command::Run(args) => Ok(cmd::run::run(&args, output)),
        cli::Command::Doctor(args) => cmd::doctor::run(&args, &output).map_err(|e| (e, output)),
        cli::Command::Explain(args) => cmd::explain::run(*args, &output).map_err(|e| (e, output)),
        cli::Command::Attack(args) => cmd::attack::run(&args, &output).map_err(|e| (e, output)),
        cli::Command::Setup(args) => cmd::setup::run(&args, &output).map_err(|e| (e, output)),
        cli::Command::Gc(args) => cmd::gc::run(&args, &output).map_err(|e| (e, output)),
        cli::Command::Policy(args) => cmd::policy::run(*args, &output).map_err(|e| (e, output)),
    };
    ExitCode::from(ended.unwrap_or_else(|(errors, output)| failed(&output, &errors)))
}

/// Tells what went wrong; the first of it gives the exit code.
fn failed(output: &Output, errors: &[Diagnostic]) -> u8 {
    output.errors(errors);
    errors.first().map_or(125, |first| first.code.exit_code())
}

/// A caller could lend isobar's extra rights to a guest through any flag that names a path.
fn setuid() -> Diagnostic {
    Diagnostic {
        code: Code::CliPrivilege,
        summary: "isobar is installed with a setuid or setgid bit".to_owned(),
        causes: Vec::new(),
        remedy: "take the bit away (chmod ug-s); isobar needs no privileges".to_owned(),
    }
}
