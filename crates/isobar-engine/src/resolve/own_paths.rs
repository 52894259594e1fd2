//! isobar's own directories, which no grant may cover.
//!
//! Covering is judged by identity as well as by name, so that another mount of the same directory
//! does not help.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use isobar_policy::Access;
use rustix::fs::{Access as Wanted, AtFlags, CWD, accessat};
use rustix::io::Errno;

use super::error::ResolveError;
use super::open::{Identity, Opened, identity};

/// Which access to an own directory does harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// Any: it holds what steers later runs.
    Any,
    /// Changing: what it holds is executed, and is no secret.
    Change,
    /// Changing, or making it: a later run in another environment may look there. Where it is not
    /// there, and this user could not make it, a guest cannot either.
    ChangeOrMake,
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

    /// And where a run in another environment would have its state directory.
    pub(crate) fn with_others(mut self, states: Vec<PathBuf>) -> Self {
        self.directories.extend(states.into_iter().map(|path| (path, Harm::ChangeOrMake)));
        self
    }

    /// Every place where this user's state can be, each once.
    pub(crate) fn states(&self) -> impl Iterator<Item = &Path> {
        let is_state = |(_, harm): &&(PathBuf, Harm)| !matches!(harm, Harm::Change);
        let mut seen = BTreeSet::new();
        let paths = self.directories.iter().filter(is_state).map(|(path, _)| path.as_path());
        paths.filter(move |path| seen.insert(*path))
    }

    /// Refuses a grant that is, lies in, or holds one of them.
    pub(crate) fn check(&self, opened: &Opened, access: Access) -> Result<(), ResolveError> {
        for (own, harm) in &self.directories {
            let harmful = match harm {
                Harm::Any => true,
                Harm::Change => access == Access::Rw,
                Harm::ChangeOrMake => access == Access::Rw && is_or_can_be(own),
            };
            if harmful && overlap(own, opened) {
                let (path, own) = (opened.real.clone(), own.clone());
                return Err(ResolveError::Own { path, own });
            }
        }
        Ok(())
    }
}

/// Whether `path` exists, or what is there of it is ours to fill.
fn is_or_can_be(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let there = path.ancestors().find_map(|one| Some((one, std::fs::metadata(one).ok()?)));
    let Some((there, data)) = there else { return false };
    // Whoever owns a directory can give himself the right to write it.
    if there == path || !data.is_dir() {
        return there == path;
    }
    if data.uid() == rustix::process::geteuid().as_raw() {
        return true;
    }
    let wanted = Wanted::WRITE_OK | Wanted::EXEC_OK;
    let denied = accessat(CWD, there, wanted, AtFlags::EACCESS);
    !matches!(denied, Err(Errno::ACCESS | Errno::PERM | Errno::ROFS))
}

fn overlap(own: &Path, opened: &Opened) -> bool {
    // Where it does not exist yet, its parents do, and the names below them decide.
    let real = real(own);
    let holds = real.starts_with(&opened.real) || line(&real).any(|id| id == opened.identity);
    let lies_in = opened.real.starts_with(&real)
        || identity(&real).is_some_and(|own| line(&opened.real).any(|id| id == own));
    holds || lies_in
}

/// `path` without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|one| Some((one, std::fs::canonicalize(one).ok()?)));
    let below = found.as_ref().and_then(|(one, _)| path.strip_prefix(one).ok());
    match (&found, below) {
        (Some((_, real)), Some(below)) if below.as_os_str().is_empty() => real.clone(),
        (Some((_, real)), Some(below)) => real.join(below),
        _ => path.to_path_buf(),
    }
}

/// The identities of `path` and of everything above it.
fn line(path: &Path) -> impl Iterator<Item = Identity> {
    path.ancestors().filter_map(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_nobody_of_us_can_make_is_not_guarded() {
        let scratch = tempfile::tempdir().expect("a directory");
        assert!(is_or_can_be(scratch.path()), "it is there");
        assert!(is_or_can_be(&scratch.path().join("a/b")), "it could be made");
        if !rustix::process::geteuid().is_root() {
            assert!(!is_or_can_be(Path::new("/usr/none/isobar")), "only root could");
        }
        assert!(!is_or_can_be(Path::new("/proc/version/isobar")), "that is no directory");
    }

    #[test]
    fn what_is_not_there_yet_is_named_without_links() {
        let scratch = tempfile::tempdir().expect("a directory");
        let root = std::fs::canonicalize(scratch.path()).expect("its real path");
        std::fs::create_dir(root.join("to")).expect("a directory");
        std::os::unix::fs::symlink(root.join("to"), root.join("link")).expect("a link");
        assert_eq!(real(&root.join("link/a/b")), root.join("to/a/b"), "where it would be made");
        assert_eq!(real(&root.join("link")), root.join("to"), "where it is");
    }
}
