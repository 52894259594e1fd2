//! The boundary itself: probe, plan, launch, collect.

use std::path::Path;

use isobar_policy::{BoundaryKind, Diagnostic, HostFacts, Plan, Refusal, Request};

use crate::launch::{Descriptors, LaunchError};
use crate::leftovers::Leftovers;
use crate::sandbox::Sandbox;

/// One kind of isolation.
pub trait Boundary: std::fmt::Debug {
    /// Which kind.
    fn kind(&self) -> BoundaryKind;

    /// Learns what this machine can do, by doing it up to the last step. Slow (tens of
    /// milliseconds); callers cache the answer.
    fn probe(&self) -> HostFacts;

    /// Whether `facts`, which an earlier start learned, agree with everything that can be read anew
    /// in microseconds: who runs, which kernel, what may change while it runs. No parameter of a
    /// plan rests on a cache alone.
    fn still_holds(&self, facts: &HostFacts) -> bool;

    /// Binds every clause to mechanisms. Pure: the same request and facts give the same plan.
    ///
    /// # Errors
    /// Every [`Refusal`], not only the first.
    fn plan(&self, request: &Request, facts: &HostFacts) -> Result<Plan, Vec<Refusal>>;

    /// Makes a sandbox. Returns only after the evidence matched the plan.
    ///
    /// # Errors
    /// [`LaunchError`]; nothing is left of the attempt.
    fn launch(
        &self,
        plan: &Plan,
        descriptors: Descriptors,
    ) -> Result<Box<dyn Sandbox>, LaunchError>;

    /// Removes what supervisors of this user have left that were killed, as they noted it in the
    /// state directory `state`. Every launch does so too. Living sandboxes are not touched.
    ///
    /// # Errors
    /// The state directory cannot be used.
    fn collect(&self, state: &Path) -> Result<Leftovers, Diagnostic>;
}
