//! After the run: what the guest made, where there was nothing before, that the host would execute.
//!
//! Such a file could not be kept from being made (see `resolve::protected`). It is renamed, beside
//! its old place, to a name that no program obeys, and the outcome says so. Nothing is deleted.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use isobar_boundary::Descriptors;
use isobar_policy::{Access, Code, Diagnostic, FileKind, GrantOrigin, Hold, PutAside, Request};
use rustix::fs::{OFlags, RenameFlags};
use rustix::io::Errno;

use crate::resolve::protected::{
    Closed, Found, SearchError, open_beneath, open_to_owner, search, set_mode,
};

/// What the new name ends with.
const SUFFIX: &str = ".put-aside-by-isobar";
/// How many of the same name are kept.
const MAX_SAME: usize = 100;

/// The writable directories of a run, held until it has ended.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    directories: Vec<Directory>,
    unprotect: Vec<PathBuf>,
}

#[derive(Debug)]
struct Directory {
    descriptor: OwnedFd,
    real: PathBuf,
    /// Device and inode of what was there before and was read-only.
    known: BTreeSet<(u64, u64)>,
}

#[derive(Debug, thiserror::Error)]
enum PutAsideError {
    #[error("{} cannot be searched for what the host would execute", .0.display())]
    Search(PathBuf, #[source] SearchError),
    #[error("{} cannot be renamed", .0.display())]
    Rename(PathBuf, #[source] Errno),
}

impl Watched {
    /// Takes hold of every directory that the guest may change.
    ///
    /// # Errors
    /// Where a descriptor cannot be duplicated.
    pub(crate) fn of(
        request: &Request,
        unprotect: Vec<PathBuf>,
        descriptors: &Descriptors,
    ) -> Result<Self, Diagnostic> {
        let lent = request.grants.iter().filter(|grant| {
            let asked = matches!(grant.origin, GrantOrigin::Policy | GrantOrigin::Workspace);
            asked && grant.access == Access::Rw && grant.kind == FileKind::Directory
        });
        let mut directories = Vec::new();
        for grant in lent {
            let Some(descriptor) = descriptors.get(grant.slot) else { continue };
            let descriptor = descriptor.try_clone().map_err(|error| {
                Diagnostic::new(Code::RunProtected, &error, "free some descriptors")
            })?;
            let held = grant.protections.iter().filter(|one| one.hold == Hold::ReadOnly);
            let known = held.map(|one| (one.device, one.inode)).collect();
            directories.push(Directory { descriptor, real: grant.source.clone().into(), known });
        }
        Ok(Self { directories, unprotect })
    }

    /// Whether the guest may change no directory.
    pub(crate) const fn is_empty(&self) -> bool {
        self.directories.is_empty()
    }

    /// Puts aside what is new. Nothing inside is alive any more.
    ///
    /// # Errors
    /// What could not be searched or renamed; what was done before stays in the list.
    pub(crate) fn put_aside(&self, done: &mut Vec<PutAside>) -> Result<(), Diagnostic> {
        let mut wrong = Vec::new();
        for directory in &self.directories {
            if let Err(errors) = directory.put_aside(&self.unprotect, done) {
                wrong.extend(errors);
            }
        }
        let Some(first) = wrong.first() else { return Ok(()) };
        let remedy = "look for hooks and agent, editor and CI settings there before you use it";
        let mut diagnostic = Diagnostic::new(Code::RunProtected, first, remedy);
        diagnostic.causes.extend(wrong.iter().skip(1).map(ToString::to_string));
        Err(diagnostic)
    }
}

impl Directory {
    fn put_aside(
        &self,
        unprotect: &[PathBuf],
        done: &mut Vec<PutAside>,
    ) -> Result<(), Vec<PutAsideError>> {
        let found = search(self.descriptor.as_fd(), &self.real, unprotect, Closed::Open)
            .map_err(|error| vec![PutAsideError::Search(self.real.clone(), error)])?;
        let known = |one: &Found| self.known.contains(&(one.identity.device, one.identity.inode));
        let mut wrong = Vec::new();
        for one in found.iter().filter(|one| !known(one)) {
            match self.rename(&one.path) {
                Ok(now) => done.push(PutAside {
                    path: self.real.join(&one.path).to_string_lossy().into_owned(),
                    now: now.to_string_lossy().into_owned(),
                    by: one.row.by.to_owned(),
                }),
                Err(errno) => {
                    wrong.push(PutAsideError::Rename(self.real.join(&one.path), errno));
                }
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Renames it in its own directory, over nothing.
    fn rename(&self, path: &Path) -> Result<OsString, Errno> {
        let above = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().ok_or(Errno::INVAL)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let above = open_beneath(self.descriptor.as_fd(), above, flags)?;
        match rename_in(above.as_fd(), name) {
            // A guest may have taken the right away from the owner.
            Err(Errno::ACCESS) => {
                let mode = open_to_owner(above.as_fd())?;
                let renamed = rename_in(above.as_fd(), name);
                set_mode(above.as_fd(), mode)?;
                renamed
            }
            other => other,
        }
    }
}

fn rename_in(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OsString, Errno> {
    for number in 0..MAX_SAME {
        let mut now = name.to_owned();
        now.push(SUFFIX);
        if number > 0 {
            now.push(format!("-{number}"));
        }
        let flags = RenameFlags::NOREPLACE;
        match rustix::fs::renameat_with(directory, name, directory, &now, flags) {
            Err(Errno::EXIST) => {}
            Ok(()) => return Ok(now),
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::EXIST)
}
