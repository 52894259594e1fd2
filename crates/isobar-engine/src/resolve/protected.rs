//! What the host would execute below a writable grant, found on descriptors.
//!
//! Before the run, what is there becomes [`Protection`]s, which the boundary mounts read-only. What
//! is *not* there cannot be held that way: a mount needs a place, and nothing is ever made inside a
//! host directory. So after the run the directory is searched again (`crate::put_aside`), and what
//! the guest made is put aside.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use isobar_policy::{FileKind, Hold, ProtectedPath, Protection};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::error::ResolveError;
use super::open::{self, Identity, Opened};

/// How many files are looked at.
const MAX_ENTRIES: usize = 1_000_000;
/// How many are held: each costs a mount.
const MAX_HELD: usize = 1024;

/// Directories of installed packages. What lies in them is code that the host runs as it is, so
/// that holding a file of another purpose in them holds nothing.
const PACKAGES: [&str; 2] = ["node_modules", "site-packages"];

/// Something that a row of the table matched.
#[derive(Debug)]
pub(crate) struct Found {
    /// Relative to where the search began.
    pub(crate) path: PathBuf,
    pub(crate) row: &'static ProtectedPath,
    pub(crate) identity: Identity,
    is_link: bool,
    /// How many names at its end the row took.
    depth: usize,
}

/// Why a search did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SearchError {
    #[error("it holds too many files")]
    TooMany,
    #[error("a directory in it cannot be listed")]
    Closed,
}

impl SearchError {
    const fn why(self) -> &'static str {
        match self {
            Self::TooMany => "it holds too many files",
            Self::Closed => "a directory in it cannot be listed",
        }
    }
}

/// Everything below `root`, whose host path is `real`, that a row matches and `unprotect` does not
/// name. What is below a match is not searched.
pub(crate) fn search(
    root: BorrowedFd<'_>,
    real: &Path,
    unprotect: &[PathBuf],
    closed: Closed,
) -> Result<Vec<Found>, SearchError> {
    let mut found = Vec::new();
    let mut entries = 0_usize;
    let mut waiting = vec![PathBuf::new()];
    while let Some(directory) = waiting.pop() {
        let Some(listing) = list(root, &directory, closed)? else { continue };
        for entry in listing {
            let Ok(entry) = entry else { return Err(SearchError::Closed) };
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            entries += 1;
            if entries > MAX_ENTRIES {
                return Err(SearchError::TooMany);
            }
            let path = directory.join(OsStr::from_bytes(name));
            let host = real.join(&path);
            if unprotect.iter().any(|one| host.starts_with(one)) {
                continue;
            }
            // Some file systems do not tell it in the listing (readdir(3)).
            let told = entry.file_type();
            let kind = if told == FileType::Unknown { kind_of(root, &path) } else { told };
            let is_directory = kind == FileType::Directory;
            let names = names_of(&host);
            match ProtectedPath::find(&names, is_directory) {
                Some(row) => {
                    let Some(identity) = identity_of(root, &path) else { continue };
                    let is_link = kind == FileType::Symlink;
                    let depth = row.depth(&names);
                    found.push(Found { path, row, identity, is_link, depth });
                }
                None if is_directory && !PACKAGES.iter().any(|one| one.as_bytes() == name) => {
                    waiting.push(path);
                }
                None => {}
            }
        }
    }
    Ok(found)
}

/// What is done about a directory that its owner closed to himself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The search ends: nothing on the host is changed.
    Refuse,
    /// It is opened to its owner: a guest closed it.
    Open,
}

/// The entries of a directory; `None` where neither the caller nor a guest of the same rights can
/// enter it, or it is gone.
fn list(root: BorrowedFd<'_>, path: &Path, closed: Closed) -> Result<Option<Dir>, SearchError> {
    const LIST: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);
    match open_beneath(root, path, LIST) {
        Ok(directory) => Dir::new(directory).map(Some).map_err(|_| SearchError::Closed),
        // Deeper than any path of the host can name.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => Ok(None),
        Err(Errno::ACCESS) => {
            let place = open_beneath(root, path, OFlags::PATH | OFlags::DIRECTORY);
            let Ok(place) = place else { return Ok(None) };
            if closed == Closed::Open
                && open_to_owner(place.as_fd()).is_ok()
                && let Ok(directory) = open_beneath(place.as_fd(), Path::new(""), LIST)
            {
                return Dir::new(directory).map(Some).map_err(|_| SearchError::Closed);
            }
            if may_be_entered(place.as_fd()) { Err(SearchError::Closed) } else { Ok(None) }
        }
        Err(_) => Err(SearchError::Closed),
    }
}

/// Gives the owner of a directory every right on it, and says which it had.
///
/// # Errors
/// As fstat(2) and chmod(2).
pub(crate) fn open_to_owner(directory: BorrowedFd<'_>) -> Result<Mode, Errno> {
    let mode = Mode::from_raw_mode(rustix::fs::fstat(directory)?.st_mode);
    set_mode(directory, mode | Mode::RWXU)?;
    Ok(mode)
}

/// Changes the mode of an O_PATH descriptor's file, for which there is no fchmod(2).
///
/// # Errors
/// As chmod(2).
pub(crate) fn set_mode(directory: BorrowedFd<'_>, mode: Mode) -> Result<(), Errno> {
    rustix::fs::chmod(format!("/proc/self/fd/{}", directory.as_raw_fd()), mode)
}

/// Whether the caller may enter a directory, or could give itself the right.
fn may_be_entered(directory: BorrowedFd<'_>) -> bool {
    let owned = rustix::fs::fstat(directory)
        .is_ok_and(|stat| stat.st_uid == rustix::process::geteuid().as_raw());
    let access = rustix::fs::Access::EXEC_OK;
    owned || rustix::fs::accessat(directory, ".", access, AtFlags::EACCESS).is_ok()
}

/// Opens `path` below `root`, crossing no link. An empty path is `root` itself.
pub(crate) fn open_beneath(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)
}

fn kind_of(root: BorrowedFd<'_>, path: &Path) -> FileType {
    rustix::fs::statat(root, path, AtFlags::SYMLINK_NOFOLLOW)
        .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
}

fn identity_of(root: BorrowedFd<'_>, path: &Path) -> Option<Identity> {
    let stat = rustix::fs::statat(root, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(Identity::from(&stat))
}

fn names_of(path: &Path) -> Vec<&[u8]> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.as_bytes()),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => None,
        })
        .collect()
}

/// What below a writable grant the guest must not have in its hand. A file that is granted by its
/// own name is meant.
pub(super) fn protections(
    opened: &Opened,
    unprotect: &[PathBuf],
) -> Result<Vec<Protection>, ResolveError> {
    let refused = |why| ResolveError::Unprotected { path: opened.real.clone(), why };
    if opened.kind != FileKind::Directory {
        return Ok(Vec::new());
    }
    let found = search(opened.descriptor.as_fd(), &opened.real, unprotect, Closed::Refuse)
        .map_err(|error| refused(error.why()))?;
    let mut held = BTreeMap::new();
    for one in &found {
        let names: Vec<_> = one.path.components().collect();
        // The directories of the row itself stay in their place, so that no other one of the same
        // name takes it. Those above may be renamed: what is held goes along.
        let above = names.len().saturating_sub(one.depth) + 1;
        for end in above..names.len() {
            let path: PathBuf = names.iter().take(end).collect();
            held.entry(path).or_insert(Hold::InPlace);
        }
        if one.is_link {
            // The link is held in its place, and what it leads to as well.
            if let Some(target) = link_target(opened, &one.path) {
                held.insert(target, Hold::ReadOnly);
            }
        }
        held.insert(one.path.clone(), Hold::ReadOnly);
    }
    // What lies below a read-only directory is read-only, and its place is held.
    let directories: Vec<PathBuf> = held
        .iter()
        .filter(|(_, hold)| **hold == Hold::ReadOnly)
        .map(|(path, _)| path.clone())
        .collect();
    held.retain(|path, _| {
        !directories.iter().any(|above| path != above && path.starts_with(above))
    });
    if held.len() > MAX_HELD {
        return Err(refused("it holds too many of them"));
    }
    held.into_iter()
        .map(|(path, hold)| {
            let identity = identity_of(opened.descriptor.as_fd(), &path)
                .ok_or_else(|| ResolveError::PathChanged { path: opened.real.join(&path) })?;
            let path = into_text(path)?;
            Ok(Protection { path, hold, device: identity.device, inode: identity.inode })
        })
        .collect()
}

/// Where a link leads, if that is below the grant.
fn link_target(opened: &Opened, link: &Path) -> Option<PathBuf> {
    let real = std::fs::canonicalize(opened.real.join(link)).ok()?;
    let below = real.strip_prefix(&opened.real).ok()?;
    (!below.as_os_str().is_empty()
        && open::identity(&real) == identity_of(opened.descriptor.as_fd(), below))
    .then(|| below.to_path_buf())
}

fn into_text(path: PathBuf) -> Result<String, ResolveError> {
    String::from_utf8(path.into_os_string().into_vec()).map_err(|error| {
        let path = PathBuf::from(OsString::from_vec(error.into_bytes()));
        ResolveError::NotUtf8 { path }
    })
}
