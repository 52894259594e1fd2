//! `cargo xtask ci`: all that a change must pass, and exactly what `.ci/run` runs.
//!
//! The cheap checks come first, the tests last: their summary closes the output. All stages run
//! even if one fails, and the exit status tells whether all passed within [`TOTAL_MINUTES`].

use std::process::ExitCode;

use anyhow::Result;

use crate::build::{self, FAULT_CONFIG, Flavour};
use crate::stage::{self, Stages, TOTAL_MINUTES};
use crate::{process, test, tidy, workspace};

pub(crate) fn run() -> Result<ExitCode> {
    let mut stages = Stages::default();
    checks(&mut stages);
    let tally = test::run_stages(&mut stages);
    let in_time = stages.total() <= TOTAL_MINUTES;
    if !in_time {
        println!("\nover the budget of {TOTAL_MINUTES} minutes");
    }
    let good = stages.passed() && in_time;
    Ok(test::close(&stages, tally.as_ref(), good))
}

/// Every stage before the tests.
pub(crate) fn checks(stages: &mut Stages) {
    stages.run(stage::TIDY, tidy::check);
    stages.run(stage::FORMAT, || {
        process::run(process::cargo().args(["fmt", "--all", "--", "--check"]))
    });
    stages.run(stage::CLIPPY, || clippy(&[]));
    stages.run(stage::CLIPPY_FAULT, || {
        let target = workspace::target_dir()?.join("fault");
        let target = target.to_string_lossy();
        clippy(&["--config", FAULT_CONFIG, "--target-dir", &target])
    });
    stages.run(stage::RUSTDOC, || {
        process::run(
            process::cargo()
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    });
    stages.run(stage::RELEASE, || build::build(Flavour::Release));
}

fn clippy(extra: &[&str]) -> Result<()> {
    process::run(
        process::cargo()
            .args(["clippy", "--workspace", "--all-targets"])
            .args(extra)
            .args(["--", "-D", "warnings"]),
    )
}
