//! The root: a tmpfs attached over the old one, filled in order, then pivoted to.

use core::ffi::CStr;

use isobar_os::Errno;
use isobar_os::raw::{self, Fd, MountAttributes};

use super::{At, Failure};
use crate::error::Step;
use crate::root::{Bind, BindSource, Entry, RootSpec};

/// `S_IFCHR` (inode(7)).
const CHARACTER_DEVICE: u32 = 0o020_000;

/// Makes the root and enters it; the old root is gone afterwards.
pub(super) fn make_root(spec: &RootSpec) -> Result<(), Failure> {
    // The caller's mask must not decide what the guest can read.
    raw::clear_mode_mask();
    raw::make_private().at(Step::Private)?;
    let options = [(c"size", RootSpec::SIZE), (c"nr_inodes", RootSpec::INODES), (c"mode", c"755")];
    let attributes = MountAttributes::NOSUID.with(MountAttributes::NODEV);
    let root = raw::new_filesystem(c"tmpfs", &options, attributes).at(Step::RootFs)?;
    // Stacked on "/" it hides nothing: lookups start at the old root until the pivot.
    raw::mount_here(root, Fd::CWD, c"/").at(Step::RootFs)?;
    for (index, placed) in spec.placed.iter().enumerate() {
        fill(root, &placed.path, &placed.entry).map_err(|(step, errno)| Failure {
            step,
            index,
            errno,
        })?;
    }
    raw::set_attributes(root, MountAttributes::RDONLY, false).at(Step::RootFs)?;
    raw::pivot_here(root).at(Step::Pivot)?;
    raw::detach(c".").at(Step::Pivot)?;
    raw::change_directory(c"/").at(Step::Pivot)
}

fn fill(root: Fd, path: &CStr, entry: &Entry) -> Result<(), (Step, Errno)> {
    let made = match entry {
        Entry::Directory { mode } => raw::make_directory(root, path, *mode),
        Entry::Link { target } => raw::make_symlink(target, root, path),
        Entry::File { mode, content } => raw::write_file(root, path, *mode, content),
        Entry::Bind(bind) => return fill_bind(root, path, bind),
        Entry::Tmpfs { size, inodes, mode, attributes } => {
            let options = [
                (c"size", size.as_c_str()),
                (c"nr_inodes", inodes.as_c_str()),
                (c"mode", mode.as_c_str()),
            ];
            mount_new(c"tmpfs", &options, *attributes, root, path)
        }
        Entry::Proc { attributes } => mount_proc(*attributes, root, path),
        Entry::Devpts { max, attributes } => {
            let options = [(c"ptmxmode", c"666"), (c"mode", c"600"), (c"max", max.as_c_str())];
            mount_new(c"devpts", &options, *attributes, root, path)
        }
        Entry::Alias { of, attributes } => alias(root, of, path, *attributes),
        Entry::MaskFile => mask_file(root, path),
        Entry::MaskDirectory => mask_directory(root, path),
        Entry::Freeze { attributes } => freeze(root, path, *attributes),
        Entry::Protect { attributes } => return protect(root, path, *attributes),
    };
    made.map_err(|errno| (Step::RootEntry, errno))
}

fn mount_new(
    kind: &CStr,
    options: &[(&CStr, &CStr)],
    attributes: MountAttributes,
    root: Fd,
    path: &CStr,
) -> Result<(), Errno> {
    let mount = raw::new_filesystem(kind, options, attributes)?;
    raw::mount_here(mount, root, path)?;
    raw::close(mount)
}

fn mount_proc(attributes: MountAttributes, root: Fd, path: &CStr) -> Result<(), Errno> {
    // The proc of somebody else's process namespace cannot be mounted (pid_namespaces(7)).
    #[cfg(isobar_fault)]
    if isobar_os::fault::active(isobar_os::fault::Fault::SkipPidNamespace) {
        return Ok(());
    }
    mount_new(c"proc", &[], attributes, root, path)
}

fn fill_bind(root: Fd, path: &CStr, bind: &Bind) -> Result<(), (Step, Errno)> {
    let at_entry = |errno| (Step::RootEntry, errno);
    let (source, prepared) = match &bind.source {
        BindSource::Detached(mount) => {
            use std::os::fd::AsFd;
            (Fd::of(mount.as_fd()), true)
        }
        BindSource::System(source) => {
            (raw::open_clone(Fd::CWD, source, bind.directory).map_err(at_entry)?, false)
        }
        BindSource::Resolved { path: source, device, inode } => {
            (clone_resolved(source, *device, *inode, bind.directory)?, false)
        }
        BindSource::Device { path: source, node } => {
            (clone_device(source, *node).map_err(at_entry)?, false)
        }
    };
    if !prepared {
        raw::set_attributes(source, bind.attributes, bind.directory).map_err(at_entry)?;
    }
    raw::mount_here(source, root, path).map_err(at_entry)?;
    if prepared { Ok(()) } else { raw::close(source).map_err(at_entry) }
}

/// Clones a path that must still be what it was when it was resolved. ESTALE says that it is not.
fn clone_resolved(
    path: &CStr,
    device: u64,
    inode: u64,
    directory: bool,
) -> Result<Fd, (Step, Errno)> {
    let changed = |errno| (Step::Changed, errno);
    let opened = raw::open_path_beneath(Fd::CWD, path).map_err(changed)?;
    let identity = raw::identity_of(opened).map_err(changed)?;
    if (identity.device, identity.inode) != (device, inode) {
        return Err(changed(Errno::STALE));
    }
    let clone =
        raw::open_clone(opened, c"", directory).map_err(|errno| (Step::RootEntry, errno))?;
    raw::close(opened).map_err(changed)?;
    Ok(clone)
}

/// Clones a device node; the node's type and numbers are checked on the clone itself, so a swapped
/// path is noticed (the class of CVE-2025-31133).
fn clone_device(path: &CStr, node: (u32, u32)) -> Result<Fd, Errno> {
    let clone = raw::open_clone(Fd::CWD, path, false)?;
    let identity = raw::identity_of(clone)?;
    if identity.kind == CHARACTER_DEVICE && identity.node == node {
        Ok(clone)
    } else {
        Err(Errno::STALE)
    }
}

/// Puts `/dev/null` over a file. A file that this kernel does not have needs no mask.
fn mask_file(root: Fd, path: &CStr) -> Result<(), Errno> {
    #[cfg(isobar_fault)]
    if isobar_os::fault::active(isobar_os::fault::Fault::SkipProcMasks) {
        return Ok(());
    }
    if !is_there(root, path)? {
        return Ok(());
    }
    let null = raw::open_clone(root, c"dev/null", false)?;
    raw::mount_here(null, root, path)?;
    raw::close(null)
}

/// Whether there is something to mask. A mount that is made and then not attached costs 100 us when
/// it is closed, more than all that are attached: the kernel waits for every reader of its tables.
fn is_there(root: Fd, path: &CStr) -> Result<bool, Errno> {
    match raw::open_path_beneath(root, path) {
        Err(Errno::NOENT) => Ok(false),
        other => raw::close(other?).map(|()| true),
    }
}

/// Puts an empty tmpfs over a directory. One that this kernel does not have needs no mask.
fn mask_directory(root: Fd, path: &CStr) -> Result<(), Errno> {
    #[cfg(isobar_fault)]
    if isobar_os::fault::active(isobar_os::fault::Fault::SkipProcMasks) {
        return Ok(());
    }
    if !is_there(root, path)? {
        return Ok(());
    }
    let options = [(c"nr_inodes", c"1"), (c"mode", c"555")];
    mount_new(c"tmpfs", &options, RootSpec::MASK, root, path)
}

/// Mounts the directory `of` a second time.
fn alias(root: Fd, of: &CStr, path: &CStr, attributes: MountAttributes) -> Result<(), Errno> {
    let clone = raw::open_clone(root, of, false)?;
    raw::set_attributes(clone, attributes, false)?;
    raw::mount_here(clone, root, path)?;
    raw::close(clone)
}

/// Mounts a file, directory or link of a host directory on itself. Nothing on the way may be a link
/// now; whoever changes the directory meanwhile ends the launch.
fn protect(root: Fd, path: &CStr, attributes: MountAttributes) -> Result<(), (Step, Errno)> {
    #[cfg(isobar_fault)]
    if isobar_os::fault::active(isobar_os::fault::Fault::SkipProtection) {
        return Ok(());
    }
    let changed = |errno| (Step::Changed, errno);
    let at_entry = |errno| (Step::RootEntry, errno);
    let place = raw::open_path_beneath(root, path).map_err(changed)?;
    let clone = raw::open_clone(place, c"", true).map_err(at_entry)?;
    raw::set_attributes(clone, attributes, true).map_err(at_entry)?;
    raw::mount_on(clone, place).map_err(at_entry)?;
    raw::close(clone).map_err(at_entry)?;
    raw::close(place).map_err(at_entry)
}

/// Makes a directory read-only by a mount on itself. One that this kernel does not have is skipped.
fn freeze(root: Fd, path: &CStr, attributes: MountAttributes) -> Result<(), Errno> {
    #[cfg(isobar_fault)]
    if isobar_os::fault::active(isobar_os::fault::Fault::SkipProcMasks) {
        return Ok(());
    }
    let clone = match raw::open_clone(root, path, false) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    raw::set_attributes(clone, attributes, false)?;
    raw::mount_here(clone, root, path)?;
    raw::close(clone)
}
