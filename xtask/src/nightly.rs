//! `cargo xtask nightly`: everything of `ci`, and what is too slow for every change.
//!
//! Its result is kept in `docs/nightly.json`, so that the claims of the documentation can be held
//! against a dated run on a named kernel. Numbers only; a stage that did not run is not in it.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::stage::{self, Stages};
use crate::test::{self, Tally};
use crate::{ci, dist, fuzz, packages, process, workspace};

/// How often the behaviour suite is repeated to find tests that only mostly pass.
const ROUNDS: u32 = 5;

/// How many moments of a run each sweep takes: as many kills and failures, less the few whose run
/// was over before.
const SWEEP_MOMENTS: u32 = 600;

/// How long each fuzz target runs.
const FUZZ_SECONDS: u32 = 20;

/// What a nightly run leaves behind.
#[derive(Serialize)]
struct Record {
    date: String,
    commit: String,
    kernel: String,
    stages: Vec<StageRecord>,
    tests: Counts,
    flakes: Counts,
    passed: bool,
}

#[derive(Serialize)]
struct StageRecord {
    name: &'static str,
    minutes: f64,
    passed: bool,
}

#[derive(Serialize)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
    flaky: usize,
}

impl From<&Tally> for Counts {
    fn from(tally: &Tally) -> Self {
        let Tally { passed, failed, skipped, flaky, .. } = *tally;
        Self { passed, failed, skipped, flaky }
    }
}

pub(crate) fn run() -> Result<ExitCode> {
    let mut stages = Stages::default();
    stages.run(stage::PACKAGES, || packages::ensure(&packages::FOR_NIGHTLY));
    ci::checks(&mut stages);
    let (mut tests, mut flakes) = (Tally::default(), Tally::default());
    if let Some(prepared) = test::prepare(&mut stages) {
        tests = test::run_prepared(&mut stages, &prepared);
        let sweep = stages.run(stage::SWEEP, || test::sweep(&prepared, SWEEP_MOMENTS));
        tests += sweep.unwrap_or_default();
        flakes = stages
            .run(stage::FLAKES, || test::repeat_behaviour(&prepared, ROUNDS))
            .unwrap_or_default();
    }
    stages.run(stage::FUZZ, || fuzz::run_all(None, FUZZ_SECONDS));
    if workspace::is_root() {
        stages.run(stage::DIST, || dist::check(true));
    }
    let bad = [&tests, &flakes].map(|tally| tally.failed + tally.flaky);
    let passed = stages.passed() && bad == [0, 0] && tests.passed > 0;
    write(&Record {
        date: word(process::command("date").args(["--utc", "+%Y-%m-%d"]))?,
        commit: word(process::command("git").args(["describe", "--always", "--dirty"]))?,
        kernel: word(process::command("uname").arg("--kernel-release"))?,
        stages: stages.rows().iter().map(stage_record).collect(),
        tests: Counts::from(&tests),
        flakes: Counts::from(&flakes),
        passed,
    })?;
    let mut both = tests;
    both += flakes;
    Ok(test::close(&stages, Some(&both), passed))
}

fn stage_record(row: &stage::Row) -> StageRecord {
    let minutes = (row.minutes() * 100.0).round() / 100.0;
    StageRecord { name: row.stage.name, minutes, passed: row.passed }
}

/// The one word or line that a command prints.
fn word(command: &mut std::process::Command) -> Result<String> {
    Ok(process::capture(command.current_dir(workspace::root()))?.trim().to_owned())
}

fn write(record: &Record) -> Result<()> {
    let file = workspace::root().join("docs/nightly.json");
    let text = serde_json::to_string_pretty(record)?;
    std::fs::write(&file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}
