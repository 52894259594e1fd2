//! isobar's own directories, which no grant may cover.
//!
//! Covering is judged by identity as well as by name, so that another mount of the same directory
//! does not help.

use std::path::{Path, PathBuf};

use isobar_policy::Access;

use super::error::ResolveError;
use super::open::{Identity, Opened, identity};

/// Which access to an own directory does harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// Any: it holds what steers later runs.
    Any,
    /// Changing: what it holds is executed, and is no secret.
    Change,
}

/// isobar's own directories.
#[derive(Debug)]
pub(crate) struct OwnPaths {
    directories: Vec<(PathBuf, Harm)>,
}

impl OwnPaths {
    /// The state directory, and the one of the executables that face a guest.
    pub(crate) fn new(state: PathBuf, libexec: Option<PathBuf>) -> Self {
        let libexec = libexec.map(|path| (path, Harm::Change));
        Self { directories: [(state, Harm::Any)].into_iter().chain(libexec).collect() }
    }

    /// Refuses a grant that is, lies in, or holds one of them.
    pub(crate) fn check(&self, opened: &Opened, access: Access) -> Result<(), ResolveError> {
        for (own, harm) in &self.directories {
            let harmful = *harm == Harm::Any || access == Access::Rw;
            if harmful && overlap(own, opened) {
                let (path, own) = (opened.real.clone(), own.clone());
                return Err(ResolveError::Own { path, own });
            }
        }
        Ok(())
    }
}

fn overlap(own: &Path, opened: &Opened) -> bool {
    // Where it does not exist yet, its parents do, and the names below them decide.
    let real = std::fs::canonicalize(own).unwrap_or_else(|_| own.to_path_buf());
    let holds = real.starts_with(&opened.real) || line(&real).any(|id| id == opened.identity);
    let lies_in = opened.real.starts_with(&real)
        || identity(&real).is_some_and(|own| line(&opened.real).any(|id| id == own));
    holds || lies_in
}

/// The identities of `path` and of everything above it.
fn line(path: &Path) -> impl Iterator<Item = Identity> {
    path.ancestors().filter_map(identity)
}
