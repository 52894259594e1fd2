//! Searching a lent directory for sockets that the caller reaches through a supplementary group
//! only, such as `docker.sock`.
//!
//! An ordinary user cannot drop these groups, so a guest keeps them: behind a read-only mount such
//! a socket still connects (connect(2) asks for write permission on the file, not on the mount).
//! The group may own the file or stand in its access control list.
//! Whoever has no such group is not searched for. Sockets that appear later are not found; the
//! report says that the groups stay in force.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use isobar_policy::FileKind;

use super::access::{LIST, Right, SEARCH, WRITE, right};
use super::error::ResolveError;
use super::open::Opened;
use crate::caller::Credentials;

/// How many files are looked at: a second's work on a cold disk.
const MAX_ENTRIES: usize = 200_000;

/// The first socket below `opened` that only a supplementary group opens.
pub(super) fn search(
    opened: &Opened,
    credentials: &Credentials,
) -> Result<Option<PathBuf>, ResolveError> {
    search_bounded(opened, credentials, MAX_ENTRIES)
}

pub(super) fn search_bounded(
    opened: &Opened,
    credentials: &Credentials,
    limit: usize,
) -> Result<Option<PathBuf>, ResolveError> {
    if credentials.is_root() || credentials.groups.is_empty() || opened.kind != FileKind::Directory
    {
        return Ok(None);
    }
    let unsearchable =
        |path: &Path, why| Err(ResolveError::Unsearchable { path: path.to_path_buf(), why });
    let mut entries = 0_usize;
    // Directories still to be read, each with whether it was reached through a group.
    let mut waiting = vec![(opened.real.clone(), reached_by_group(&opened.real, credentials))];
    while let Some((directory, by_group)) = waiting.pop() {
        let Ok(found) = std::fs::symlink_metadata(&directory) else { continue };
        let search = right(&directory, &found, SEARCH, credentials);
        if search == Right::None {
            continue;
        }
        if right(&directory, &found, LIST, credentials) == Right::None {
            return unsearchable(&directory, "it may be entered and not listed");
        }
        let by_group = by_group || search == Right::Group;
        let Ok(listing) = std::fs::read_dir(&directory) else {
            return unsearchable(&directory, "it cannot be listed");
        };
        for entry in listing {
            let Ok(entry) = entry else {
                return unsearchable(&directory, "reading it failed before its end");
            };
            entries += 1;
            if entries > limit {
                return unsearchable(&opened.real, "it holds too many files");
            }
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                waiting.push((entry.path(), by_group));
            } else if kind.is_socket() {
                let Ok(metadata) = entry.metadata() else { continue };
                match right(&entry.path(), &metadata, WRITE, credentials) {
                    Right::Group => return Ok(Some(entry.path())),
                    Right::Plain if by_group => return Ok(Some(entry.path())),
                    Right::Plain | Right::None => {}
                }
            }
        }
    }
    Ok(None)
}

/// Whether a directory above `path` is entered through a supplementary group. The guest, to which
/// the grant is mounted directly, would not even need that.
fn reached_by_group(path: &Path, credentials: &Credentials) -> bool {
    path.ancestors().skip(1).any(|directory| {
        std::fs::symlink_metadata(directory)
            .is_ok_and(|found| right(directory, &found, SEARCH, credentials) == Right::Group)
    })
}
