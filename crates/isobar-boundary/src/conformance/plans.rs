//! Laws of plans and evidence.

use std::collections::BTreeSet;

use isobar_policy::Plan;

use super::{Breach, Subject, breach, ensure, launch, spawn};
use crate::{Descriptors, LaunchError};

fn plan(subject: &dyn Subject) -> Result<Plan, Breach> {
    let planned = subject.boundary().plan(&subject.request(), subject.facts());
    planned.map_err(|refusals| Breach::new(format!("refused: {refusals:?}")))
}

pub(super) fn pure(subject: &dyn Subject) -> Result<(), Breach> {
    let first = plan(subject)?;
    ensure(first == plan(subject)?, || "two plans of one request differ".to_owned())?;
    ensure(first.boundary == subject.boundary().kind(), || {
        format!("it is for {}", first.boundary)
    })?;
    let text = serde_json::to_string(&first).map_err(|error| Breach::new(error.to_string()))?;
    let read: Plan = serde_json::from_str(&text).map_err(|error| Breach::new(error.to_string()))?;
    ensure(read == first, || format!("it is read back as {read:?}"))?;
    // What was written down is launched like the original.
    let launched = subject.boundary().launch(&read, Descriptors::new());
    launched.map(drop).map_err(|error| Breach::new(super::why_not_launched(&error)))
}

pub(super) fn foreign_payload(subject: &dyn Subject) -> Result<(), Breach> {
    let mut plan = plan(subject)?;
    plan.payload.version = plan.payload.version.wrapping_add(1);
    match subject.boundary().launch(&plan, Descriptors::new()) {
        Err(LaunchError::Failed(_)) => Ok(()),
        Err(error) => breach(format!("it is no failure of ours: {error:?}")),
        Ok(_) => breach("it was launched"),
    }
}

pub(super) fn evidence(subject: &dyn Subject) -> Result<(), Breach> {
    let plan = plan(subject)?;
    let mut sandbox = launch(subject)?;
    let process = spawn(&mut *sandbox, &subject.shell("exit 0"))?;
    let all: Vec<_> = sandbox.evidence().iter().chain(process.evidence()).collect();
    if let Some(wrong) = all.iter().find(|one| !one.holds) {
        return breach(format!("the guest runs against this: {wrong:?}"));
    }
    let delivered: BTreeSet<&str> = all.iter().map(|one| one.key.as_str()).collect();
    let named = plan.bindings.iter().flat_map(|one| &one.evidence);
    let missing: Vec<_> = named.filter(|key| !delivered.contains(key.as_str())).collect();
    ensure(missing.is_empty(), || format!("{missing:?} were promised and not observed"))
}
