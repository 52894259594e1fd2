//! From an ask to a plan: the half of a run that only looks and decides.
//!
//! Order: the policy by itself, then the boundary's existence, then the world (paths, program,
//! environment), then the host's facts, then the plan. Each step gives all of its refusals.

use std::time::Instant;

use isobar_boundary::{Boundary, Descriptors, ProcessSpec};
use isobar_policy::{BoundaryKind, HostFacts, Phase, Plan, Policy, Request};

use crate::engine::Freshness;
use crate::put_aside::Watched;
use crate::resolve::{self, Resolved};
use crate::{Ask, Engine, Stop, boundaries};

/// A run that is planned and not started. It holds the descriptors of everything granted, so what
/// was decided cannot be swapped any more.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) kind: BoundaryKind,
    pub(crate) facts: HostFacts,
    pub(crate) plan: Plan,
    pub(crate) request: Request,
    pub(crate) descriptors: Descriptors,
    pub(crate) spec: ProcessSpec,
    pub(crate) watched: Watched,
    pub(crate) phases: Vec<Phase>,
}

impl Prepared {
    /// Every clause, bound.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the plan was made from: the grants, the program as it was found, the working
    /// directory. That is the one asked for; else the workspace (the caller's own directory
    /// inside it, if it is one); else the caller's, where the guest has it; else its HOME, or
    /// /tmp.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// The command as the caller wrote it, lossily decoded, not escaped.
    #[must_use]
    pub fn command(&self) -> &[String] {
        &self.request.program.command
    }

    /// The merged policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.request.policy
    }
}

/// Measures one phase after the other.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    last: Instant,
    pub(crate) phases: Vec<Phase>,
}

impl Stopwatch {
    pub(crate) fn continuing(phases: Vec<Phase>) -> Self {
        Self { last: Instant::now(), phases }
    }

    /// Ends the phase `name`, which began where the one before ended.
    pub(crate) fn lap(&mut self, name: &str) -> u64 {
        let now = Instant::now();
        let micros = u64::try_from((now - self.last).as_micros()).unwrap_or(u64::MAX);
        self.last = now;
        self.phases.push(Phase { name: name.to_owned(), micros });
        micros
    }
}

pub(crate) fn prepare(engine: &Engine, ask: Ask) -> Result<Prepared, Stop> {
    let mut watch = Stopwatch::continuing(Vec::new());
    let wrong = ask.policy.validate();
    if !wrong.is_empty() {
        return Err(Stop::Refused(wrong));
    }
    let kind = ask.policy.boundary.unwrap_or(boundaries::DEFAULT);
    let boundary = engine.boundary(kind).map_err(|refusal| Stop::Refused(vec![refusal]))?;
    engine.check_libexec().map_err(Stop::Failed)?;
    let resolved =
        resolve::resolve(ask, &engine.credentials, &engine.own).map_err(Stop::Refused)?;
    watch.lap("resolve");
    let (facts, age) = engine.facts_of(boundary, Freshness::Cached);
    watch.lap("facts");
    let (plan, facts) = match boundary.plan(&resolved.request, &facts) {
        Ok(plan) => (plan, facts),
        Err(refusals) if age == Freshness::Fresh => return Err(Stop::Refused(refusals)),
        Err(_) => planned_again(engine, boundary, &resolved.request)?,
    };
    watch.lap("plan");
    let Resolved { request, descriptors, spec, unprotect } = resolved;
    let watched = Watched::of(&request, unprotect, &descriptors).map_err(Stop::Failed)?;
    Ok(Prepared { kind, facts, plan, request, descriptors, spec, watched, phases: watch.phases })
}

/// A refusal is not believed from the cache: the host may have changed since.
fn planned_again(
    engine: &Engine,
    boundary: &dyn Boundary,
    request: &Request,
) -> Result<(Plan, HostFacts), Stop> {
    let (facts, _) = engine.facts_of(boundary, Freshness::Fresh);
    let plan = boundary.plan(request, &facts).map_err(Stop::Refused)?;
    Ok((plan, facts))
}
