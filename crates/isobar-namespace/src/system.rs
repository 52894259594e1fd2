//! The host's system directories as the guest sees them: `/usr`, and what leads into it.

use std::ffi::CString;
use std::fs;

use isobar_jail::{Bind, BindSource, Entry, RootError, RootSpec};
use isobar_os::raw::MountAttributes;

/// Directories that are links into `/usr` on merged systems, and directories on others.
pub(crate) const TOP_LEVEL: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Device nodes of the guest, with their numbers (kernel document admin-guide/devices.txt).
pub(crate) const DEVICES: [(&str, (u32, u32)); 5] = [
    ("/dev/null", (1, 3)),
    ("/dev/zero", (1, 5)),
    ("/dev/full", (1, 7)),
    ("/dev/random", (1, 8)),
    ("/dev/urandom", (1, 9)),
];

/// By which a process finds its controlling terminal, whichever that is: only for a guest that has
/// one, and it can be none but the sandbox's own.
pub(crate) const TERMINAL: (&str, (u32, u32)) = ("/dev/tty", (5, 0));

/// Files of `/proc` that tell about the host or act on it.
const MASKED: [&str; 9] = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/interrupts",
    "/proc/kallsyms",
    "/proc/timer_list",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/sysrq-trigger",
];

/// Directories of `/proc` that tell about the host's devices and load. Pressure files also take
/// triggers, which keep a kernel thread busy (kernel document accounting/psi.rst).
const MASKED_DIRECTORIES: [&str; 4] =
    ["/proc/acpi", "/proc/asound", "/proc/scsi", "/proc/pressure"];

/// Directories of `/proc` that act on the host.
const FROZEN: [&str; 4] = ["/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs"];

pub(crate) const HARDENED: MountAttributes = MountAttributes::NOSUID.with(MountAttributes::NODEV);
pub(crate) const READ_ONLY: MountAttributes = HARDENED.with(MountAttributes::RDONLY);
pub(crate) const INERT: MountAttributes = HARDENED.with(MountAttributes::NOEXEC);

fn text(text: &str) -> Result<CString, RootError> {
    CString::new(text).map_err(|_| RootError::Target { target: text.to_owned() })
}

/// A read-only bind of a system path at the same place.
fn system_bind(
    path: &str,
    directory: bool,
    attributes: MountAttributes,
) -> Result<Entry, RootError> {
    Ok(Entry::Bind(Bind { source: BindSource::System(text(path)?), attributes, directory }))
}

/// Places `/usr`, the top-level directories, and the chosen files of `/etc`. Says which top-level
/// directories are directories of their own.
pub(crate) fn place(root: &mut RootSpec) -> Result<Vec<&'static str>, RootError> {
    let mut own = Vec::new();
    root.place("/usr", system_bind("/usr", true, READ_ONLY)?)?;
    for path in TOP_LEVEL {
        let Ok(kind) = fs::symlink_metadata(path).map(|data| data.file_type()) else { continue };
        if kind.is_symlink() {
            let target = fs::read_link(path).unwrap_or_default();
            let target = text(&target.to_string_lossy())?;
            root.place(path, Entry::Link { target })?;
        } else if kind.is_dir() {
            root.place(path, system_bind(path, true, READ_ONLY)?)?;
            own.push(path);
        }
    }
    for (path, _reason) in crate::etc::HOST_FILES {
        let Ok(kind) = fs::symlink_metadata(path).map(|data| data.file_type()) else { continue };
        if kind.is_symlink() {
            // It leads where the guest has something, or nowhere: nothing here follows it.
            let target = fs::read_link(path).unwrap_or_default();
            root.place(path, Entry::Link { target: text(&target.to_string_lossy())? })?;
        } else if kind.is_dir() || kind.is_file() {
            let attributes = READ_ONLY.with(MountAttributes::NOEXEC);
            root.place(path, system_bind(path, kind.is_dir(), attributes)?)?;
        }
    }
    Ok(own)
}

/// Places `/dev`: five nodes, terminals of the sandbox's own, the usual links.
pub(crate) fn place_devices(root: &mut RootSpec) -> Result<(), RootError> {
    for device in DEVICES {
        place_device(root, device)?;
    }
    let attributes = MountAttributes::NOSUID.with(MountAttributes::NOEXEC);
    root.place("/dev/pts", Entry::Devpts { max: c"64".to_owned(), attributes })?;
    for (path, target) in [
        ("/dev/ptmx", c"pts/ptmx"),
        ("/dev/fd", c"/proc/self/fd"),
        ("/dev/stdin", c"/proc/self/fd/0"),
        ("/dev/stdout", c"/proc/self/fd/1"),
        ("/dev/stderr", c"/proc/self/fd/2"),
    ] {
        root.place(path, Entry::Link { target: target.to_owned() })?;
    }
    Ok(())
}

/// Places one device node.
pub(crate) fn place_device(
    root: &mut RootSpec,
    (path, node): (&str, (u32, u32)),
) -> Result<(), RootError> {
    let source = BindSource::Device { path: text(path)?, node };
    let attributes = MountAttributes::NOSUID.with(MountAttributes::NOEXEC);
    root.place(path, Entry::Bind(Bind { source, attributes, directory: false }))
}

/// Places `/proc` with its masks. `/dev/null` must be there before.
pub(crate) fn place_proc(root: &mut RootSpec) -> Result<(), RootError> {
    root.place("/proc", Entry::Proc { attributes: INERT })?;
    for path in MASKED {
        root.place(path, Entry::MaskFile)?;
    }
    for path in MASKED_DIRECTORIES {
        root.place(path, Entry::MaskDirectory)?;
    }
    for path in FROZEN {
        root.place(path, Entry::Freeze { attributes: INERT.with(MountAttributes::RDONLY) })?;
    }
    Ok(())
}
