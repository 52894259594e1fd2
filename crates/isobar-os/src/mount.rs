//! Detached mounts that a supervisor with the rights to mount prepares for a stage.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::mount::{OpenTreeFlags, open_tree};

use crate::raw::{self, Fd, MountAttributes};

/// Clones the mount behind an open path; nothing is looked up again, so nothing can be swapped.
///
/// # Errors
/// As open_tree(2).
pub fn clone_detached(path: BorrowedFd<'_>, recursive: bool) -> Result<OwnedFd, Errno> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    #[cfg(isobar_fault)]
    if recursive && crate::fault::active(crate::fault::Fault::SwappedGrant) {
        return open_tree(rustix::fs::CWD, crate::fault::swapped(), flags);
    }
    open_tree(path, c"", flags)
}

/// Sets attributes on a detached mount and, with `recursive`, on all below it.
///
/// # Errors
/// As mount_setattr(2).
pub fn set_attributes(
    mount: BorrowedFd<'_>,
    attributes: MountAttributes,
    recursive: bool,
) -> Result<(), Errno> {
    raw::set_attributes(Fd::of(mount), attributes, recursive)
}

/// Maps owners on a detached mount through a user namespace.
///
/// # Errors
/// As mount_setattr(2); EINVAL where the file system cannot.
pub fn map_owners(mount: BorrowedFd<'_>, userns: BorrowedFd<'_>) -> Result<(), Errno> {
    raw::idmap_mount(Fd::of(mount), Fd::of(userns))
}
