//! What the guest will see at a path, judged before there is a guest.
//!
//! The boundary mounts the host's system directories read-only, the grants at their targets, and
//! makes the directories above each target. Everything else is absent.

use std::path::{Path, PathBuf};

use isobar_policy::{FileKind, Grant};

/// The host's system directories that every boundary with a host root shows at the same place.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// The guest's own file systems in memory.
const OWN_TMPFS: [&str; 1] = ["/tmp"];

/// Whether `path` lies in a system directory, by its name.
pub(super) fn in_system(path: &Path) -> bool {
    SYSTEM.iter().any(|root| path.starts_with(root))
}

/// What is at a path of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// The host's own, from a system directory.
    System,
    /// This host path, from a grant.
    Granted(PathBuf),
    /// A directory that exists because something is mounted there or below.
    Directory,
    /// Nothing, as far as anybody can say before the guest runs.
    Absent,
}

/// The guest's file tree as planned.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) grants: &'a [Grant],
    /// Targets of the policy's own tmpfs.
    pub(super) tmpfs: &'a [String],
}

impl View<'_> {
    /// What the guest sees at `path`, which is absolute and without `..`.
    pub(super) fn at(&self, path: &Path) -> Seen {
        let grant = self
            .grants
            .iter()
            .filter(|grant| path.starts_with(&grant.target))
            .max_by_key(|grant| grant.target.len());
        let covered = |target: &str| grant.is_some_and(|grant| grant.target.len() > target.len());
        let tmpfs = self.tmpfs.iter().map(String::as_str).chain(OWN_TMPFS);
        let in_tmpfs = tmpfs.filter(|target| path.starts_with(target)).max_by_key(|t| t.len());
        match (grant, in_tmpfs) {
            (_, Some(target)) if !covered(target) => self.made(path),
            (Some(grant), _) => match path.strip_prefix(&grant.target) {
                Ok(rest) if rest.as_os_str().is_empty() => {
                    Seen::Granted(grant.source.clone().into())
                }
                Ok(rest) => Seen::Granted(Path::new(&grant.source).join(rest)),
                Err(_) => Seen::Absent,
            },
            (None, _) if in_system(path) => Seen::System,
            (None, _) => self.made(path),
        }
    }

    /// A directory above a target, or a target of a tmpfs.
    fn made(&self, path: &Path) -> Seen {
        let grants = self.grants.iter().map(|grant| grant.target.as_str());
        let mut targets =
            grants.chain(self.tmpfs.iter().map(String::as_str)).chain(OWN_TMPFS).chain(SYSTEM);
        if targets.any(|target| Path::new(target).starts_with(path)) {
            Seen::Directory
        } else {
            Seen::Absent
        }
    }

    /// Where the guest sees the host's `real`, if it does.
    pub(super) fn place_of(&self, real: &Path) -> Option<PathBuf> {
        if in_system(real) && self.at(real) == Seen::System {
            return Some(real.to_path_buf());
        }
        let places = self.grants.iter().filter_map(|grant| {
            let rest = real.strip_prefix(&grant.source).ok()?;
            let directory = grant.kind == FileKind::Directory;
            let place = if rest.as_os_str().is_empty() {
                PathBuf::from(&grant.target)
            } else if directory {
                Path::new(&grant.target).join(rest)
            } else {
                return None;
            };
            // Another grant may lie over it.
            (self.at(&place) == Seen::Granted(real.to_path_buf())).then_some(place)
        });
        places.max_by_key(|place| place.components().count())
    }

    /// Whether the guest has a directory at `path`.
    pub(super) fn has_directory(&self, path: &Path) -> bool {
        match self.at(path) {
            Seen::Directory => true,
            Seen::System => path.is_dir(),
            Seen::Granted(host) => host.is_dir(),
            Seen::Absent => false,
        }
    }
}
