//! A program that is named by the path at which the guest will see it, below a grant's target:
//! `--ro dir:/opt/x -- /opt/x/prog`.
//!
//! It is looked up in what is held for the grant, never out of it: a link may lead to another file of
//! the same grant, and one that leads elsewhere finds nothing.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use isobar_policy::GrantOrigin;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};

use super::error::ResolveError;
use super::grant::Grants;
use super::open::{self, Identity, normalised};
use super::program;
use super::view::{Seen, View};

/// A program below a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lent {
    /// Where the guest sees it.
    pub(super) place: PathBuf,
    /// The host's path of the same file.
    pub(super) host: PathBuf,
    /// The host's path of the grant.
    pub(super) source: PathBuf,
}

/// The program `name`, if the guest will see it at that path under another name than the host's.
/// `asked` is the working directory that was asked for, in which a relative path is looked up.
///
/// # Errors
/// [`ResolveError::ProgramDenied`] where it may not be executed.
pub(super) fn find(
    name: &OsStr,
    asked: Option<&str>,
    grants: &Grants,
    tmpfs: &[String],
) -> Result<Option<Lent>, ResolveError> {
    let Some(lent) = guest_path(name, asked, grants).and_then(|place| at(place, grants, tmpfs))
    else {
        return Ok(None);
    };
    if program::is_executable(&lent.host) {
        return Ok(Some(lent));
    }
    Err(ResolveError::ProgramDenied { path: lent.place })
}

/// The path as the guest would take it; `None` for a name that PATH is searched for, and where `..`
/// might cross a link.
fn guest_path(name: &OsStr, asked: Option<&str>, grants: &Grants) -> Option<PathBuf> {
    let named = Path::new(name);
    let path = if named.is_absolute() {
        named.to_path_buf()
    } else if name.as_bytes().contains(&b'/') {
        let workspace = grants.list.iter().find(|grant| grant.origin == GrantOrigin::Workspace);
        let base = Path::new(workspace.map_or("", |grant| &grant.target)).join(asked?);
        base.join(named)
    } else {
        return None;
    };
    let climbs = path.components().any(|part| part == Component::ParentDir);
    (path.is_absolute() && !climbs).then(|| normalised(&path))
}

fn at(place: PathBuf, grants: &Grants, tmpfs: &[String]) -> Option<Lent> {
    let view = View { grants: &grants.list, tmpfs };
    let Seen::Granted(host) = view.at(&place) else { return None };
    if host == place {
        return None;
    }
    let holders = grants.list.iter().filter(|grant| place.starts_with(&grant.target));
    let holder = holders.max_by_key(|grant| grant.target.len())?;
    let rest = place.strip_prefix(&holder.target).ok()?;
    let held = grants.descriptors.get(holder.slot)?.as_fd();
    let stat = if rest.as_os_str().is_empty() {
        fstat(held).ok()?
    } else {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        fstat(openat2(held, rest, flags, Mode::empty(), resolve).ok()?).ok()?
    };
    let same = open::identity(&host) == Some(Identity::from(&stat));
    let file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    (same && file).then(|| Lent { place, host, source: PathBuf::from(&holder.source) })
}
