//! One live instance behind a boundary.

use std::os::fd::BorrowedFd;

use isobar_policy::{Diagnostic, Evidence, LimitHit, Phase};

use crate::process::{Process, ProcessSpec, SpawnError};

/// Something that happened to a sandbox as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SandboxEvent {
    /// The kernel ran out of the sandbox's memory. The boundary has killed the whole sandbox.
    OutOfMemory,
    /// The processor time limit was used up. The boundary has killed the whole sandbox.
    CpuTimeUsed,
    /// Its last process, or the agent inside, ended.
    Ended,
}

/// What a sandbox used, once it is gone.
#[derive(Debug, Clone, Default)]
pub struct SandboxUsage {
    /// Peak memory in bytes where something counts the sandbox as a whole.
    pub peak_memory_bytes: Option<u64>,
    /// Processor time in microseconds where something counts the sandbox as a whole.
    pub cpu_micros: Option<u64>,
    /// The kernel killed something for want of memory.
    pub out_of_memory: bool,
    /// Limits that were reached.
    pub limits_hit: Vec<LimitHit>,
    /// The phases of set-up and of clean-up.
    pub phases: Vec<Phase>,
}

/// Why the end of a sandbox could not be carried through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// Something of it is left.
    #[error("{}", .0.summary)]
    Left(Diagnostic),
}

/// A live sandbox. It lives no longer than the *thread* that launched it (PR_SET_PDEATHSIG(2const)
/// is about threads), and dropping it kills it and removes what it left.
pub trait Sandbox: std::fmt::Debug {
    /// Starts a process. Returns after the evidence for it matched and it was told to go on.
    ///
    /// # Errors
    /// [`SpawnError`]; after [`SpawnError::Contradicted`] the sandbox is dead.
    fn spawn(&mut self, spec: &ProcessSpec) -> Result<Box<dyn Process>, SpawnError>;

    /// A descriptor that becomes readable when [`Sandbox::events`] has something new.
    fn pollable(&self) -> BorrowedFd<'_>;

    /// What happened since the last call. Never blocks.
    fn events(&mut self) -> Vec<SandboxEvent>;

    /// Kills everything inside, at once. Idempotent.
    fn kill(&mut self);

    /// Kills, waits until nothing inside is left, removes what the sandbox had outside, and says
    /// what it used. Idempotent: later calls repeat the first answer.
    ///
    /// # Errors
    /// [`SandboxError::Left`] where something could not be removed.
    fn destroy(&mut self) -> Result<SandboxUsage, SandboxError>;

    /// What was observed before any guest code existed.
    fn evidence(&self) -> &[Evidence];

    /// Freezing and forking, where the boundary can.
    fn snapshots(&mut self) -> Option<&mut dyn Snapshots>;
}

/// Freezing a sandbox to an artefact and forking it. No boundary offers it yet; the place is kept
/// so that callers are written against it.
pub trait Snapshots: std::fmt::Debug {}

/// A diagnostic is what both errors of this module carry to a person.
impl From<SandboxError> for Diagnostic {
    fn from(error: SandboxError) -> Self {
        match error {
            SandboxError::Left(diagnostic) => diagnostic,
        }
    }
}
