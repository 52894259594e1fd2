//! The boundaries that are built into the engine: the one place that names them.
//!
//! A further boundary is one more line in [`built`].

use std::path::Path;

use isobar_boundary::Boundary;
use isobar_namespace::NamespaceBoundary;
use isobar_policy::BoundaryKind;

use crate::explain::BoundaryNote;

/// Which boundary runs a policy that names none.
pub(crate) const DEFAULT: BoundaryKind = BoundaryKind::Namespace;

/// Every boundary of this build. `libexec` holds the executables that face a guest.
pub(crate) fn built(libexec: &Path) -> Vec<Box<dyn Boundary>> {
    vec![Box::new(NamespaceBoundary::new(libexec.to_path_buf()))]
}

/// What `isobar explain` says about a boundary.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other boundary is not built")]
pub(crate) const fn note(kind: BoundaryKind) -> Option<BoundaryNote> {
    match kind {
        BoundaryKind::Namespace => Some(BoundaryNote {
            reaches: "the host's own kernel, through the calls that the filter leaves open",
            shared: "the whole host kernel behind those calls: file systems, memory, scheduler, \
                     what is left of the network stack",
            fails: "one bug in the kernel that an open call can reach lets the guest out; \
                    nothing stands behind it",
        }),
        _ => None,
    }
}
