//! Stages of a check run: each has a budget in minutes, and the table shows what each took.
//!
//! A stage that fails does not stop the others, so that one run shows everything that is wrong.
//! A stage over its own budget is marked; only the total over [`TOTAL_MINUTES`] fails the run.

use std::time::{Duration, Instant};

use anyhow::Result;

/// What CI may take in all, in minutes on two cores, from an empty target directory.
pub(crate) const TOTAL_MINUTES: f64 = 40.0;

/// A named part of a run with its budget in minutes.
#[derive(Clone, Copy)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) minutes: f64,
}

const fn stage(name: &'static str, minutes: f64) -> Stage {
    Stage { name, minutes }
}

pub(crate) const TIDY: Stage = stage("tidy", 1.0);
pub(crate) const FORMAT: Stage = stage("fmt", 0.5);
pub(crate) const CLIPPY: Stage = stage("clippy", 5.0);
pub(crate) const CLIPPY_FAULT: Stage = stage("clippy (fault)", 3.0);
pub(crate) const RUSTDOC: Stage = stage("rustdoc", 2.0);
pub(crate) const RELEASE: Stage = stage("release budgets", 4.0);
pub(crate) const PACKAGES: Stage = stage("packages", 2.0);
pub(crate) const EXECUTABLES: Stage = stage("executables", 5.0);
pub(crate) const TEST_BUILD: Stage = stage("test build", 4.0);
pub(crate) const DOC_TESTS: Stage = stage("doc tests", 1.5);
pub(crate) const TESTS: Stage = stage("tests", 6.0);
pub(crate) const TESTS_AS_USER: Stage = stage("tests as a user", 6.0);
/// Runs at night only, outside the total of CI.
pub(crate) const FLAKES: Stage = stage("flakes (5x)", 90.0);
pub(crate) const SWEEP: Stage = stage("sweeps", 10.0);
pub(crate) const FUZZ: Stage = stage("fuzz", 30.0);
/// Runs at night only, as root only.
pub(crate) const DIST: Stage = stage("packages in a root", 10.0);

/// Every stage of `cargo xtask ci`, in its order.
#[cfg(test)]
const CI: [Stage; 12] = [
    TIDY,
    FORMAT,
    CLIPPY,
    CLIPPY_FAULT,
    RUSTDOC,
    RELEASE,
    PACKAGES,
    EXECUTABLES,
    TEST_BUILD,
    DOC_TESTS,
    TESTS,
    TESTS_AS_USER,
];

/// One stage that was run.
pub(crate) struct Row {
    pub(crate) stage: Stage,
    pub(crate) took: Duration,
    pub(crate) passed: bool,
}

impl Row {
    pub(crate) fn minutes(&self) -> f64 {
        self.took.as_secs_f64() / 60.0
    }
}

/// The stages of one run, in the order in which they ran.
#[derive(Default)]
pub(crate) struct Stages {
    rows: Vec<Row>,
}

impl Stages {
    /// Runs a stage. An error is printed, remembered, and returned as `None`.
    pub(crate) fn run<T>(&mut self, stage: Stage, work: impl FnOnce() -> Result<T>) -> Option<T> {
        println!("\n== {} ==", stage.name);
        let start = Instant::now();
        let result = work();
        if let Err(error) = &result {
            println!("{} failed: {error:#}", stage.name);
        }
        self.rows.push(Row { stage, took: start.elapsed(), passed: result.is_ok() });
        result.ok()
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn passed(&self) -> bool {
        self.rows.iter().all(|row| row.passed)
    }

    /// Minutes of all stages together.
    pub(crate) fn total(&self) -> f64 {
        self.rows.iter().map(Row::minutes).sum()
    }

    /// Prints minutes and budget of each stage.
    pub(crate) fn print(&self) {
        println!("\n{:<18} {:>7} {:>7}", "stage", "minutes", "budget");
        for row in &self.rows {
            let minutes = row.minutes();
            let over = if minutes > row.stage.minutes { " over" } else { "" };
            let failed = if row.passed { "" } else { " FAILED" };
            println!(
                "{:<18} {minutes:>7.2} {:>7.1}{over}{failed}",
                row.stage.name, row.stage.minutes
            );
        }
        println!("{:<18} {:>7.2} {TOTAL_MINUTES:>7.1}", "total", self.total());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budgets_of_the_stages_fit_into_the_total() {
        let sum: f64 = CI.iter().map(|stage| stage.minutes).sum();
        assert!(sum <= TOTAL_MINUTES, "{sum} minutes planned");
    }

    #[test]
    fn a_failed_stage_is_remembered_and_the_next_one_still_runs() {
        let mut stages = Stages::default();
        assert!(stages.run(TIDY, || anyhow::bail!("bad") as Result<()>).is_none());
        assert_eq!(stages.run(FORMAT, || Ok(7)), Some(7));
        assert!(!stages.passed(), "a later success must not hide the failure");
    }
}
