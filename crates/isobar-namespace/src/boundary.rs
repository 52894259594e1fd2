//! The boundary as the engine sees it.

use std::path::{Path, PathBuf};

use isobar_boundary::{Boundary, Descriptors, LaunchError, Leftovers, Sandbox};
use isobar_policy::{BoundaryKind, Diagnostic, HostFacts, Plan, Refusal, Request};

/// The namespace boundary.
#[derive(Debug, Clone)]
pub struct NamespaceBoundary {
    libexec: PathBuf,
}

impl NamespaceBoundary {
    /// A boundary that finds `isobar-init` in `libexec`.
    #[must_use]
    pub const fn new(libexec: PathBuf) -> Self {
        Self { libexec }
    }
}

impl Boundary for NamespaceBoundary {
    fn kind(&self) -> BoundaryKind {
        BoundaryKind::Namespace
    }

    fn probe(&self) -> HostFacts {
        crate::probe::probe(&self.libexec)
    }

    fn still_holds(&self, facts: &HostFacts) -> bool {
        crate::probe::still_holds(facts)
    }

    fn plan(&self, request: &Request, facts: &HostFacts) -> Result<Plan, Vec<Refusal>> {
        crate::plan::plan(request, facts)
    }

    fn launch(
        &self,
        plan: &Plan,
        descriptors: Descriptors,
    ) -> Result<Box<dyn Sandbox>, LaunchError> {
        crate::launch::launch(&self.libexec, plan, descriptors)
    }

    fn collect(&self, state: &Path) -> Result<Leftovers, Diagnostic> {
        crate::collect::collect(state)
    }
}
