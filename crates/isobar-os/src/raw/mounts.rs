//! The new mount interface (fsopen(2), open_tree(2), move_mount(2), mount_setattr(2); Linux 5.12),
//! pivot_root(2).

use core::ffi::CStr;

use linux_raw_sys::general as linux;
use rustix::io::Errno;

use super::call::{call, faulty, number};
use super::files::Fd;
#[cfg(isobar_fault)]
use crate::fault::Fault;

/// Attributes of a mount, as bits of `MOUNT_ATTR_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountAttributes(u64);

impl MountAttributes {
    /// None.
    pub const NONE: Self = Self(0);
    /// Read-only.
    pub const RDONLY: Self = Self(linux::MOUNT_ATTR_RDONLY as u64);
    /// No set-user-ID, set-group-ID or file capabilities.
    pub const NOSUID: Self = Self(linux::MOUNT_ATTR_NOSUID as u64);
    /// No device nodes.
    pub const NODEV: Self = Self(linux::MOUNT_ATTR_NODEV as u64);
    /// Nothing is executed.
    pub const NOEXEC: Self = Self(linux::MOUNT_ATTR_NOEXEC as u64);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Makes a detached mount of a new file system of type `kind` with string options.
///
/// # Errors
/// As fsopen(2), fsconfig(2) and fsmount(2).
pub fn new_filesystem(
    kind: &CStr,
    options: &[(&CStr, &CStr)],
    attributes: MountAttributes,
) -> Result<Fd, Errno> {
    // SAFETY: `kind` is NUL-terminated and borrowed for the call.
    let context =
        unsafe { call(number::FSOPEN, [kind.as_ptr() as usize, linux::FSOPEN_CLOEXEC as usize]) }?;
    let set_string = linux::fsconfig_command::FSCONFIG_SET_STRING as usize;
    for (key, value) in options {
        // SAFETY: both strings are NUL-terminated and borrowed for the call.
        unsafe {
            call(
                number::FSCONFIG,
                [context, set_string, key.as_ptr() as usize, value.as_ptr() as usize, 0],
            )
        }?;
    }
    let create = linux::fsconfig_command::FSCONFIG_CMD_CREATE as usize;
    // SAFETY: this command takes no key, value or auxiliary number.
    unsafe { call(number::FSCONFIG, [context, create, 0, 0, 0]) }?;
    #[expect(clippy::cast_possible_truncation, reason = "the target is 64-bit")]
    let bits = attributes.0 as usize;
    // SAFETY: numbers only.
    let mount = unsafe { call(number::FSMOUNT, [context, linux::FSMOUNT_CLOEXEC as usize, bits]) }?;
    super::files::close(Fd::from_answer(context))?;
    Ok(Fd::from_answer(mount))
}

/// Makes a detached copy of the mount at `path`; an empty path means `directory` itself.
///
/// # Errors
/// As open_tree(2).
pub fn open_clone(directory: Fd, path: &CStr, recursive: bool) -> Result<Fd, Errno> {
    let mut flags = linux::OPEN_TREE_CLONE | linux::OPEN_TREE_CLOEXEC | linux::AT_EMPTY_PATH;
    flags |= linux::AT_SYMLINK_NOFOLLOW;
    if recursive {
        flags |= linux::AT_RECURSIVE;
    }
    // Only what was resolved before is cloned without a path.
    #[cfg(isobar_fault)]
    let path = if recursive && path.is_empty() && crate::fault::active(Fault::SwappedGrant) {
        crate::fault::swapped()
    } else {
        path
    };
    // SAFETY: `path` is NUL-terminated and borrowed for the call.
    unsafe {
        call(number::OPEN_TREE, [directory.register(), path.as_ptr() as usize, flags as usize])
    }
    .map(Fd::from_answer)
}

/// Attaches the detached mount `mount` at `path` below `directory`, following no link at the end.
///
/// # Errors
/// As move_mount(2).
pub fn mount_here(mount: Fd, directory: Fd, path: &CStr) -> Result<(), Errno> {
    let flags = linux::MOVE_MOUNT_F_EMPTY_PATH as usize;
    // SAFETY: both strings are NUL-terminated and borrowed for the call.
    unsafe {
        call(
            number::MOVE_MOUNT,
            [
                mount.register(),
                c"".as_ptr() as usize,
                directory.register(),
                path.as_ptr() as usize,
                flags,
            ],
        )
    }
    .map(drop)
}

/// Attaches the detached mount `mount` on what `place` is, also where that is a link.
///
/// # Errors
/// As move_mount(2).
pub fn mount_on(mount: Fd, place: Fd) -> Result<(), Errno> {
    let flags = (linux::MOVE_MOUNT_F_EMPTY_PATH | linux::MOVE_MOUNT_T_EMPTY_PATH) as usize;
    let empty = c"".as_ptr() as usize;
    // SAFETY: both pointers are the same static string.
    unsafe { call(number::MOVE_MOUNT, [mount.register(), empty, place.register(), empty, flags]) }
        .map(drop)
}

fn mount_setattr(
    directory: Fd,
    path: &CStr,
    flags: u32,
    attributes: &linux::mount_attr,
) -> Result<(), Errno> {
    let size = size_of::<linux::mount_attr>();
    // SAFETY: `path` is NUL-terminated, `attributes` has the size that is said; both are borrowed
    // for the call.
    unsafe {
        call(
            number::MOUNT_SETATTR,
            [
                directory.register(),
                path.as_ptr() as usize,
                flags as usize,
                core::ptr::from_ref(attributes) as usize,
                size,
            ],
        )
    }
    .map(drop)
}

/// Sets attributes on the mount of `directory`, and with `recursive` on all below it, and takes it out
/// of propagation: a copy of a shared mount, as all mounts of a systemd host are, is shared too.
///
/// # Errors
/// As mount_setattr(2).
pub fn set_attributes(
    directory: Fd,
    attributes: MountAttributes,
    recursive: bool,
) -> Result<(), Errno> {
    #[cfg(isobar_fault)]
    let attributes = MountAttributes(attributes.0 & !crate::fault::dropped_attributes());
    let flags = linux::AT_EMPTY_PATH | if recursive { linux::AT_RECURSIVE } else { 0 };
    let set = linux::mount_attr {
        attr_set: attributes.0,
        attr_clr: 0,
        propagation: u64::from(linux::MS_PRIVATE),
        userns_fd: 0,
    };
    mount_setattr(directory, c"", flags, &set)
}

/// Maps owners on a detached mount through the user namespace `userns` (mount_setattr(2),
/// MOUNT_ATTR_IDMAP).
///
/// # Errors
/// As mount_setattr(2); EINVAL where the file system cannot.
pub fn idmap_mount(mount: Fd, userns: Fd) -> Result<(), Errno> {
    faulty!(SkipIdmap, Ok(()));
    let set = linux::mount_attr {
        attr_set: u64::from(linux::MOUNT_ATTR_IDMAP),
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::try_from(userns.number()).map_err(|_| Errno::BADF)?,
    };
    mount_setattr(mount, c"", linux::AT_EMPTY_PATH | linux::AT_RECURSIVE, &set)
}

/// Takes every mount of the current namespace out of propagation (mount_namespaces(7)).
///
/// # Errors
/// As mount_setattr(2).
pub fn make_private() -> Result<(), Errno> {
    let set = linux::mount_attr {
        attr_set: 0,
        attr_clr: 0,
        propagation: u64::from(linux::MS_PRIVATE),
        userns_fd: 0,
    };
    mount_setattr(Fd::CWD, c"/", linux::AT_RECURSIVE, &set)
}

/// Makes `root` the root directory and the working directory, with the old root stacked on it
/// (pivot_root(2), "pivot_root(".", ".")").
///
/// # Errors
/// As fchdir(2) and pivot_root(2).
pub fn pivot_here(root: Fd) -> Result<(), Errno> {
    // SAFETY: a number only.
    unsafe { call(number::FCHDIR, [root.register()]) }?;
    let here = c".".as_ptr() as usize;
    // SAFETY: both pointers are the same static string.
    unsafe { call(number::PIVOT_ROOT, [here, here]) }.map(drop)
}

/// Detaches the mount at `path` with everything below it (umount2(2), MNT_DETACH).
///
/// # Errors
/// As umount2(2).
pub fn detach(path: &CStr) -> Result<(), Errno> {
    faulty!(LeaveMount, Ok(()));
    let flags = linux::MNT_DETACH as usize;
    // SAFETY: `path` is NUL-terminated and borrowed for the call.
    unsafe { call(number::UMOUNT2, [path.as_ptr() as usize, flags]) }.map(drop)
}

/// Changes the working directory.
///
/// # Errors
/// As chdir(2).
pub fn change_directory(path: &CStr) -> Result<(), Errno> {
    // SAFETY: `path` is NUL-terminated and borrowed for the call.
    unsafe { call(number::CHDIR, [path.as_ptr() as usize]) }.map(drop)
}
