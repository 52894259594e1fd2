//! A terminal of the sandbox's own for one process.
//!
//! It is a pair of the devpts instance that only this sandbox has mounted, so that the guest finds
//! its terminal by name below its own `/dev/pts`. The supervisor opens the pair itself, by a
//! descriptor of that directory which it took before any guest code existed: nothing that the agent
//! or a guest says chooses what becomes a terminal. The host's end stays here; the guest's end goes
//! where pipes go else. The caller's own terminal is not in this picture at all.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use isobar_boundary::{SpawnError, WindowSize};
use isobar_policy::{Code, Diagnostic, Evidence, Grade};
use rustix::fs::{Gid, Mode, OFlags, ResolveFlags, Uid, fchown, fstat, fstatfs, openat, openat2};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::process::spawn_failed;
use crate::sandbox::NamespaceSandbox;

/// `DEVPTS_SUPER_MAGIC` (linux/magic.h).
const DEVPTS: u64 = 0x1cd1;

/// Both ends.
pub(crate) struct Pair {
    pub(crate) ours: OwnedFd,
    pub(crate) theirs: OwnedFd,
}

/// The sandbox's own `/dev/pts`, and what was seen of it. To be called while PID 1 can be looked
/// into and no guest exists.
pub(crate) fn directory(pid: i32) -> (Option<OwnedFd>, Evidence) {
    let (directory, observed) = match open_directory(pid) {
        Ok((directory, seen)) => (Some(directory), seen),
        Err(errno) => (None, format!("unreadable: {errno}")),
    };
    let evidence = Evidence::compare(
        "terminal.devpts",
        Grade::ReadBack,
        "/proc/PID/root/dev/pts",
        "a devpts other than the host's",
        observed,
    );
    (directory, evidence)
}

fn open_directory(pid: i32) -> Result<(OwnedFd, String), Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(rustix::fs::CWD, format!("/proc/{pid}/root"), flags, Mode::empty())?;
    let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    let directory = openat2(&root, c"dev/pts", flags, Mode::empty(), inside)?;
    let (kind, device) = (fstatfs(&directory)?.f_type, fstat(&directory)?.st_dev);
    // A host without one cannot share it.
    let host = rustix::fs::stat(c"/dev/pts").map(|stat| stat.st_dev).ok();
    let seen = if u64::try_from(kind) != Ok(DEVPTS) {
        format!("a file system of type {kind:#x}")
    } else if host == Some(device) {
        "the host's devpts".to_owned()
    } else {
        "a devpts other than the host's".to_owned()
    };
    Ok((directory, seen))
}

/// Opens a terminal for the next process. Both ends are of the sandbox's devpts, which is evidence.
pub(crate) fn open(
    sandbox: &NamespaceSandbox,
    size: WindowSize,
) -> Result<(Pair, Vec<Evidence>), SpawnError> {
    let Some(directory) = &sandbox.terminals else {
        return Err(SpawnError::Failed(Diagnostic {
            code: Code::SpawnFailed,
            summary: "the sandbox was not planned with a terminal".to_owned(),
            causes: Vec::new(),
            remedy: "ask for the terminal before the sandbox is made".to_owned(),
        }));
    };
    let owner = sandbox.holdings.range.map(|range| range.guest());
    let failed = |errno: Errno| spawn_failed(&errno, "free some descriptors or memory");
    let pair = pair(directory.as_fd(), owner, size).map_err(failed)?;
    let device = |end: &OwnedFd| fstat(end).map(|stat| stat.st_dev);
    let own = fstat(directory).map(|stat| stat.st_dev).map_err(failed)?;
    let seen = device(&pair.theirs).map(|device| device.to_string());
    let evidence = Evidence::compare(
        "terminal.process",
        Grade::ReadBack,
        "fstat of the guest's end",
        format!("{own}"),
        seen.unwrap_or_else(|errno| format!("unreadable: {errno}")),
    );
    Ok((pair, vec![evidence]))
}

fn pair(directory: BorrowedFd<'_>, owner: Option<u32>, size: WindowSize) -> Result<Pair, Errno> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let ours = openat(directory, c"ptmx", flags, Mode::empty())?;
    unlockpt(&ours)?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let theirs = ioctl_tiocgptpeer(&ours, flags)?;
    // It belongs to whoever opened it, which is the host's root: the guest may open its own by name.
    if let Some(owner) = owner {
        fchown(&theirs, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)))?;
    }
    set_size(&ours, size)?;
    Ok(Pair { ours, theirs })
}

/// Sets the size; whoever is in the foreground gets SIGWINCH where it changed.
pub(crate) fn set_size(terminal: &OwnedFd, size: WindowSize) -> Result<(), Errno> {
    let WindowSize { rows, columns } = size;
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size)
}
