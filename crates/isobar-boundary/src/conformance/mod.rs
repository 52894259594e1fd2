//! What holds of every boundary, whatever it is made of: the laws of the traits, as checks.
//!
//! The tests of a boundary implement [`Subject`] and run every one of [`LAWS`]. A law returns a
//! [`Breach`] instead of panicking, so that a test can name the law and go on with the next. Each
//! law makes its own sandbox and destroys it. A scenario that needs more than the traits say (real
//! programs, limits, grants) belongs to the behaviour suite, not here.

mod ends;
mod plans;
mod processes;
mod wait;

use isobar_policy::{HostFacts, Request};

use crate::{Boundary, Descriptors, LaunchError, Process, ProcessSpec, Sandbox, SpawnError};

/// A boundary under test.
pub trait Subject {
    /// The boundary.
    fn boundary(&self) -> &dyn Boundary;

    /// What this host can do, as the boundary found out.
    fn facts(&self) -> &HostFacts;

    /// A request that this host can carry out and that grants nothing.
    fn request(&self) -> Request;

    /// A process that runs `script` in a POSIX shell.
    fn shell(&self, script: &str) -> ProcessSpec;

    /// A process whose program does not exist.
    fn absent(&self) -> ProcessSpec;
}

/// A law that does not hold, and what was seen instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Breach(String);

impl Breach {
    /// What was seen.
    #[must_use]
    pub fn new(seen: impl Into<String>) -> Self {
        Self(seen.into())
    }
}

/// One law.
#[derive(Debug, Clone, Copy)]
pub struct Law {
    /// What holds, as a sentence.
    pub name: &'static str,
    /// Checks it.
    pub check: fn(&dyn Subject) -> Result<(), Breach>,
}

const fn law(name: &'static str, check: fn(&dyn Subject) -> Result<(), Breach>) -> Law {
    Law { name, check }
}

/// Every law.
pub const LAWS: &[Law] = &[
    law("planning is pure, and a plan survives being written down", plans::pure),
    law("a payload of another version is not launched", plans::foreign_payload),
    law("every evidence that a plan names is delivered, and holds", plans::evidence),
    law("an exit code is the program's own", processes::exit_codes),
    law("a fatal signal is reported by its number", processes::signals),
    law("a program that is not there is told apart from one that failed", processes::absent),
    law("standard streams are separate, and end", processes::streams),
    law("two processes share one sandbox", processes::two),
    law("an ended process can be asked and signalled again", processes::after_the_end),
    law("kill ends everything and is an event once", ends::kill),
    law("nothing is started in a killed sandbox", ends::spawn_after_kill),
    law("destroy ends what runs, and repeats its answer", ends::destroy),
    law("dropping a sandbox ends what runs", ends::dropped),
];

/// Fails with what was seen.
fn breach<T>(seen: impl Into<String>) -> Result<T, Breach> {
    Err(Breach::new(seen))
}

/// Fails unless `holds`.
fn ensure(holds: bool, seen: impl FnOnce() -> String) -> Result<(), Breach> {
    if holds { Ok(()) } else { breach(seen()) }
}

/// A fresh sandbox of the subject's request.
fn launch(subject: &dyn Subject) -> Result<Box<dyn Sandbox>, Breach> {
    let plan =
        subject.boundary().plan(&subject.request(), subject.facts()).map_err(|refusals| {
            Breach::new(format!("the subject's request is refused: {refusals:?}"))
        })?;
    subject
        .boundary()
        .launch(&plan, Descriptors::new())
        .map_err(|error| Breach::new(format!("no sandbox: {}", why_not_launched(&error))))
}

fn spawn(sandbox: &mut dyn Sandbox, spec: &ProcessSpec) -> Result<Box<dyn Process>, Breach> {
    sandbox.spawn(spec).map_err(|error| {
        let why = match &error {
            SpawnError::Contradicted(evidence) => {
                format!("{:?}", evidence.iter().filter(|one| !one.holds).collect::<Vec<_>>())
            }
            SpawnError::Failed(diagnostic) => diagnostic.render(false),
        };
        Breach::new(format!("no process: {why}"))
    })
}

fn why_not_launched(error: &LaunchError) -> String {
    match error {
        LaunchError::Refused(refusals) => format!("{refusals:?}"),
        LaunchError::Contradicted(evidence) => {
            format!("{:?}", evidence.iter().filter(|one| !one.holds).collect::<Vec<_>>())
        }
        LaunchError::Failed(diagnostic) => diagnostic.render(false),
    }
}
