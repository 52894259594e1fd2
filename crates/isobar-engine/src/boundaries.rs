//! The boundaries that are built into the engine: the one place that names them.
//!
//! A further boundary is one more line in [`built`].

use std::path::Path;

use isobar_boundary::Boundary;
use isobar_namespace::NamespaceBoundary;
use isobar_policy::BoundaryKind;

/// Which boundary runs a policy that names none.
pub(crate) const DEFAULT: BoundaryKind = BoundaryKind::Namespace;

/// Every boundary of this build. `libexec` holds the executables that face a guest.
pub(crate) fn built(libexec: &Path) -> Vec<Box<dyn Boundary>> {
    vec![Box::new(NamespaceBoundary::new(libexec.to_path_buf()))]
}
