//! Change the shape of the sandbox's own file system: attach a mount, make a detached one, make a
//! read-only one writable.
//!
//! Only in the mount namespace that the sandbox has: in one of its own a process that got a user
//! namespace could do all of it, and that is another attempt.

use std::ffi::{CStr, CString};
use std::path::Path;

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, StatVfsMountFlags, stat, statvfs};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags, fsconfig_create, fsmount, fsopen, mount, mount_remount, move_mount, open_tree,
    unmount,
};

use crate::scratch::Scratch;
use crate::sys::mounts::clear_read_only;
use crate::verdict::{Refusals, Unable, Verdict, argument};

/// Changes something at a place.
type Change<P> = fn(&P) -> Result<(), Errno>;
/// Makes a mount that is attached nowhere.
type Make = fn() -> Result<OwnedFd, Errno>;

/// Attaches a mount: success is a directory that leads to another file system than before.
pub(crate) fn attached(_: &[String]) -> Result<Verdict, Unable> {
    let scratch = Scratch::new()?;
    let place = scratch.path();
    let ways: [(&str, Change<Path>); 3] = [
        ("mount", |place| {
            mount(c"tmpfs", place, c"tmpfs", MountFlags::NOSUID | MountFlags::NODEV, None::<&CStr>)
        }),
        ("fsopen", |place| attach(&new_tmpfs()?, place)),
        ("open_tree", |place| attach(&clone_of(c"/dev")?, place)),
    ];
    let mut refusals = Refusals::default();
    for (way, try_it) in ways {
        match try_it(place) {
            Ok(()) if is_mounted(place)? => {
                // Where it cannot be taken away again, it goes with the mount namespace.
                unmount(place, UnmountFlags::DETACH).ok();
                return Ok(Verdict::Succeeded(way.to_owned()));
            }
            Ok(()) => refusals.other(way, "nothing mounted"),
            Err(errno) => refusals.errno(way, errno),
        }
    }
    Ok(refusals.verdict())
}

/// Makes a mount that is attached nowhere, with the file system driver behind it.
pub(crate) fn detached(_: &[String]) -> Result<Verdict, Unable> {
    let ways: [(&str, Make); 2] = [("fsopen", new_tmpfs), ("open_tree", || clone_of(c"/"))];
    let mut refusals = Refusals::default();
    for (way, make) in ways {
        match make() {
            Ok(_) => return Ok(Verdict::Succeeded(way.to_owned())),
            Err(errno) => refusals.errno(way, errno),
        }
    }
    Ok(refusals.verdict())
}

/// `DIRECTORY`: a read-only mount. Success is that it is none any more.
pub(crate) fn remount(arguments: &[String]) -> Result<Verdict, Unable> {
    let directory = argument(arguments, 0, "a directory")?;
    let path = CString::new(directory).map_err(|_| Unable("a path with a NUL".to_owned()))?;
    if !is_read_only(&path)? {
        return Err(Unable(format!("{directory} is not mounted read-only to begin with")));
    }
    let ways: [(&str, Change<CStr>); 2] = [
        ("mount_setattr", clear_read_only),
        ("mount", |path| mount_remount(path, MountFlags::BIND, c"")),
    ];
    let mut refusals = Refusals::default();
    for (way, try_it) in ways {
        match try_it(&path) {
            Ok(()) if !is_read_only(&path)? => return Ok(Verdict::Succeeded(way.to_owned())),
            Ok(()) => refusals.other(way, "nothing changed"),
            Err(errno) => refusals.errno(way, errno),
        }
    }
    Ok(refusals.verdict())
}

fn new_tmpfs() -> Result<OwnedFd, Errno> {
    let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn clone_of(path: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    open_tree(CWD, path, flags)
}

fn attach(mount: &OwnedFd, place: &Path) -> Result<(), Errno> {
    move_mount(mount, c"", CWD, place, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// Whether `place` leads to another file system than its parent's.
fn is_mounted(place: &Path) -> Result<bool, Unable> {
    let device = |path: &Path| {
        stat(path)
            .map(|found| found.st_dev)
            .map_err(|errno| Unable(format!("cannot stat {}: {errno}", path.display())))
    };
    Ok(device(place)? != device(place.parent().unwrap_or(place))?)
}

fn is_read_only(path: &CStr) -> Result<bool, Unable> {
    statvfs(path)
        .map(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY))
        .map_err(|errno| Unable(format!("cannot statvfs: {errno}")))
}
