//! `cargo xtask test`: every test, as whoever called and, for root, again as an ordinary user.
//!
//! Cargo builds the test executables; this command runs them itself, one after the other, each with
//! the time limit [`suite::LIMIT`]. So both stages run the same files, and the second one can run
//! from a copy that an ordinary user can read. The environment that tests may rely on is described
//! at [`arena::Arena`]. The last line of the output is `N passed, N failed, N skipped`.

mod arena;
mod leftovers;
pub(crate) mod numpy;
pub(crate) mod ordinary;
mod scratch;
mod suite;
mod tally;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::build::{self, Flavour};
use crate::stage::{self, Stages};
use crate::{packages, peers, process, workspace};

pub(crate) use arena::Arena;
pub(crate) use suite::{Suite, build_some as build_suites};
pub(crate) use tally::Tally;

/// The packages whose tests depend on who runs them; root repeats them as an ordinary user.
const DEPENDS_ON_PRIVILEGE: [&str; 6] =
    ["isobar", "isobar-attack", "isobar-engine", "isobar-jail", "isobar-namespace", "isobar-os"];

/// The suite that goes through the moments of a run.
const SWEEP: &str = "sweep";

/// The package whose integration tests are the behaviour suite.
pub(crate) const BEHAVIOUR: &str = "isobar";

pub(crate) fn run() -> Result<ExitCode> {
    let mut stages = Stages::default();
    let tally = run_stages(&mut stages);
    Ok(close(&stages, tally.as_ref(), stages.passed()))
}

/// Prints what closes a run: the table of stages, the skips, and the summary as the last line.
pub(crate) fn close(stages: &Stages, tally: Option<&Tally>, mut good: bool) -> ExitCode {
    stages.print();
    match tally {
        Some(tally) => {
            good &= tally.failed == 0;
            tally.print_notes();
            println!("\n{tally}");
        }
        None => {
            println!("\nno tests ran");
            good = false;
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs all stages of the tests; `None` if they could not be started.
pub(crate) fn run_stages(stages: &mut Stages) -> Option<Tally> {
    let prepared = prepare(stages)?;
    Some(run_prepared(stages, &prepared))
}

/// The test stages proper.
pub(crate) fn run_prepared(stages: &mut Stages, prepared: &Prepared) -> Tally {
    let caller = &prepared.caller;
    let mut tallies = vec![
        stages.run(stage::DOC_TESTS, || suite::doc_tests(caller)),
        stages.run(stage::TESTS, || caller.run_all(&prepared.suites)),
    ];
    if workspace::is_root() {
        tallies.push(stages.run(stage::TESTS_AS_USER, || {
            let user = ordinary::User::new(caller)?;
            user.run_all(&prepared.privileged())
        }));
    } else {
        println!("\nnot run: the tests as root (call this command as root for both)");
    }
    let mut sum = Tally::default();
    tallies.into_iter().flatten().for_each(|tally| sum += tally);
    sum
}

/// What the test stages work with: the executables of the tests, and the caller's arena.
pub(crate) struct Prepared {
    pub(crate) suites: Vec<Suite>,
    pub(crate) caller: Arena,
    /// The caller's temporary directory, removed with this.
    _tmp: TempDir,
}

impl Prepared {
    /// The suites that an ordinary user runs again.
    pub(crate) fn privileged(&self) -> Vec<Suite> {
        let repeated = |suite: &&Suite| DEPENDS_ON_PRIVILEGE.contains(&suite.package.as_str());
        self.suites.iter().filter(repeated).cloned().collect()
    }
}

/// Installs, builds, and gathers what the test stages need.
pub(crate) fn prepare(stages: &mut Stages) -> Option<Prepared> {
    let (venv, peers) = stages.run(stage::PACKAGES, || {
        packages::ensure(&packages::FOR_TESTS)?;
        Ok((numpy::environment()?, peers::gather(&peers::FOR_MIGRATION)?))
    })?;
    let (bin, fault_bin) = stages.run(stage::EXECUTABLES, || {
        Ok((build::build(Flavour::Dev)?, build::build(Flavour::Fault)?))
    })?;
    let suites = stages.run(stage::TEST_BUILD, suite::build)?;
    let scratch = scratch::dir();
    let caller = scratch
        .and_then(|tmp| Ok((Arena::in_checkout(&bin, &fault_bin, &venv, &peers, tmp.path())?, tmp)))
        .inspect_err(|error| println!("cannot prepare the test run: {error:#}"));
    let (caller, tmp) = caller.ok()?;
    Some(Prepared { suites, caller, _tmp: tmp })
}

/// Runs the sweeps with `moments` moments each, as whoever called and, for root, as an ordinary user.
pub(crate) fn sweep(prepared: &Prepared, moments: u32) -> Result<Tally> {
    let is_sweep = |suite: &&Suite| suite.is_integration_of(BEHAVIOUR) && suite.target == SWEEP;
    let mut sweeps: Vec<Suite> = prepared.suites.iter().filter(is_sweep).cloned().collect();
    if sweeps.is_empty() {
        bail!("{BEHAVIOUR} has no suite {SWEEP}");
    }
    sweeps.iter_mut().for_each(|suite| suite.moments = Some(moments));
    let mut tally = prepared.caller.run_all(&sweeps)?;
    if workspace::is_root() {
        tally += ordinary::User::new(&prepared.caller)?.run_all(&sweeps)?;
    }
    Ok(tally)
}

/// Runs the behaviour suite `rounds` times, as whoever called and, for root, as an ordinary user.
pub(crate) fn repeat_behaviour(prepared: &Prepared, rounds: u32) -> Result<Tally> {
    let behaviour: Vec<Suite> = prepared
        .suites
        .iter()
        .filter(|suite| suite.is_integration_of(BEHAVIOUR))
        .cloned()
        .collect();
    if behaviour.is_empty() {
        bail!("{BEHAVIOUR} has no integration tests");
    }
    let user = workspace::is_root()
        .then(|| ordinary::User::new(&prepared.caller).context("ordinary user"))
        .transpose()?;
    let mut tally = Tally::default();
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        tally += prepared.caller.run_all(&behaviour)?;
        if let Some(user) = &user {
            tally += user.run_all(&behaviour)?;
        }
    }
    Ok(tally)
}

/// Copies a file or a directory with its modes and links.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    process::capture(process::command("cp").arg("--archive").arg(from).arg(to)).map(drop)
}

/// Lets every user read a directory and all that is in it.
pub(crate) fn open_to_everybody(dir: &Path) -> Result<()> {
    process::capture(process::command("chmod").args(["--recursive", "a+rX"]).arg(dir)).map(drop)
}
