//! From a plan to a report: launch, check the evidence, spawn, supervise, clean up.
//!
//! Every way out of here is an outcome; nothing panics and nothing is left. The launch itself
//! refuses to hand out a sandbox whose evidence contradicts the plan; it is checked here again,
//! since this is the last code that runs before a guest's.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

use isobar_boundary::{Descriptors, LaunchError, Process, ProcessSpec, Sandbox, SpawnError};
use isobar_policy::{
    BoundaryKind, Code, Diagnostic, End, Evidence, HostFacts, Outcome, Plan, Report, Request,
};

use crate::Engine;
use crate::conclude::{self, Supervised};
use crate::prepare::{Prepared, Stopwatch};
use crate::put_aside::Watched;
use crate::report::{self, Observed};
use crate::signals::{self, SignalQueue, Signals};
use crate::sink::OutputSink;
use crate::{supervise, terminal};

#[cfg(test)]
mod tests;

/// The caller's standard streams.
pub struct Io<'a> {
    /// What the guest reads; `None` for an empty input.
    pub stdin: Option<BorrowedFd<'a>>,
    /// Where its standard output goes.
    pub stdout: Box<dyn OutputSink + 'a>,
    /// Where its standard error goes.
    pub stderr: Box<dyn OutputSink + 'a>,
}

impl std::fmt::Debug for Io<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Io").field("stdin", &self.stdin).finish_non_exhaustive()
    }
}

/// What outlives the launch.
struct Run {
    plan: Plan,
    request: Request,
    facts: HostFacts,
    watch: Stopwatch,
    observed: Observed,
    watched: Watched,
}

pub(crate) fn run(engine: &Engine, prepared: Prepared, io: Io<'_>, signals: Signals) -> Report {
    match signals::queue(signals, prepared.request.terminal) {
        Ok(queue) => run_with(engine, prepared, io, queue),
        Err(diagnostic) => Run::of(prepared).0.ended(End::Failed { diagnostic }),
    }
}

/// As [`run`], with the queue of signals to forward, if there is one.
fn run_with(
    engine: &Engine,
    prepared: Prepared,
    io: Io<'_>,
    queue: Option<Box<dyn SignalQueue>>,
) -> Report {
    let kind = prepared.kind;
    let (mut run, descriptors, mut spec) = Run::of(prepared);
    let boundary = match engine.boundary(kind) {
        Ok(boundary) => boundary,
        Err(refusal) => return run.ended(End::Refused { refusals: vec![refusal] }),
    };
    let launched = boundary.launch(&run.plan, descriptors);
    run.watch.lap("launch");
    let mut sandbox = match launched {
        Ok(sandbox) => sandbox,
        Err(error) => {
            let end = run.not_launched(engine, kind, error);
            return run.ended(end);
        }
    };
    if queue.is_some() {
        // This process is a supervisor and nothing else: no other process of the user may look
        // into it while a guest runs. Not before the launch: a non-dumpable process of an ordinary
        // user could not map its own child. The call cannot fail for this value.
        isobar_os::raw::set_not_dumpable().ok();
    }
    run.observed.add(sandbox.evidence());
    if let Some(diagnostic) = run.observed.contradiction() {
        return run.destroyed(sandbox, diagnostic);
    }
    let terminal = io.stdin.filter(|_| spec.terminal.is_some());
    spec.terminal = spec.terminal.map(|unknown| terminal.map_or(unknown, terminal::size));
    let spawned = sandbox.spawn(&spec);
    run.watch.lap("spawn");
    let process = match spawned {
        Ok(process) => process,
        Err(SpawnError::Contradicted(evidence)) => {
            let diagnostic = run.contradicted(&evidence);
            return run.destroyed(sandbox, diagnostic);
        }
        Err(SpawnError::Failed(diagnostic)) => return run.destroyed(sandbox, diagnostic),
        Err(unknown) => {
            return run.destroyed(sandbox, unknown_failure(Code::SpawnFailed, &unknown));
        }
    };
    run.observed.add(process.evidence());
    let wrong = run.observed.contradiction().or_else(|| run.observed.missing(&run.plan));
    if let Some(diagnostic) = wrong {
        return run.destroyed(sandbox, diagnostic);
    }
    run.supervised(sandbox, process, io, queue)
}

/// What is said about an error of a kind that this engine does not know yet.
fn unknown_failure(code: Code, error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic::new(code, error, "use an engine of the boundary's own version")
}

impl Run {
    fn of(prepared: Prepared) -> (Self, Descriptors, ProcessSpec) {
        let Prepared { kind: _, facts, plan, request, descriptors, spec, watched, phases } =
            prepared;
        let watch = Stopwatch::continuing(phases);
        let observed = Observed::default();
        (Self { plan, request, facts, watch, observed, watched }, descriptors, spec)
    }

    /// The end of a run without a sandbox.
    fn not_launched(&mut self, engine: &Engine, kind: BoundaryKind, error: LaunchError) -> End {
        match error {
            LaunchError::Refused(refusals) => {
                engine.cache.forget(kind);
                End::Refused { refusals }
            }
            LaunchError::Contradicted(evidence) => {
                End::Failed { diagnostic: self.contradicted(&evidence) }
            }
            LaunchError::Failed(diagnostic) => End::Failed { diagnostic },
            other => End::Failed { diagnostic: unknown_failure(Code::LaunchStep, &other) },
        }
    }

    /// What is said where the boundary itself saw that `evidence` contradicts the plan.
    fn contradicted(&mut self, evidence: &[Evidence]) -> Diagnostic {
        self.observed.add(evidence);
        self.observed.contradiction().unwrap_or_else(|| report::contradicted(Vec::new()))
    }

    /// Ends a sandbox in which nothing may run.
    fn destroyed(mut self, mut sandbox: Box<dyn Sandbox>, mut diagnostic: Diagnostic) -> Report {
        sandbox.kill();
        let destroyed = sandbox.destroy();
        self.watch.lap("destroy");
        match destroyed {
            Ok(usage) => self.watch.phases.extend(usage.phases),
            Err(error) => {
                let left = Diagnostic::from(error);
                diagnostic.causes.push(format!("{}: {}", left.code, left.summary));
            }
        }
        self.ended(End::Failed { diagnostic })
    }

    fn supervised(
        mut self,
        sandbox: Box<dyn Sandbox>,
        process: Box<dyn Process>,
        io: Io<'_>,
        queue: Option<Box<dyn SignalQueue>>,
    ) -> Report {
        let asked = (&self.request.policy.limits, self.request.terminal);
        let supervised = supervise::supervise(sandbox, process, io, queue, asked, &mut self.watch);
        let Supervised { mut end, usage, limits_hit, truncated, used } = supervised;
        self.watch.phases.extend(usage.phases);
        let mut put_aside = Vec::new();
        if let Err(diagnostic) = self.watched.put_aside(&mut put_aside) {
            end = End::Failed { diagnostic: conclude::with_end(diagnostic, &end) };
        }
        if !self.watched.is_empty() {
            self.watch.lap("put aside");
        }
        let outcome = Outcome {
            end,
            limits_hit,
            denied: BTreeMap::new(),
            put_aside,
            truncated,
            usage: used,
            phases: self.watch.phases,
        };
        report::of_run(self.request, &self.plan, &self.facts, &self.observed, outcome)
    }

    /// The report of a run in which no program ran.
    fn ended(self, end: End) -> Report {
        let outcome = Outcome { phases: self.watch.phases, ..Outcome::only(end) };
        report::of_run(self.request, &self.plan, &self.facts, &self.observed, outcome)
    }
}
