//! Opening a path once, so that what was looked at is what will be granted.
//!
//! The descriptor is O_PATH: it holds the file, not permission to read it. Links are never
//! followed here; whoever may follow one (the installation of a program) does so before, knowing
//! it, and hands in the real path.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use isobar_policy::FileKind;
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::error::ResolveError;
use super::file_system;

/// Which file it is, whatever its name: device and inode number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl From<&Stat> for Identity {
    fn from(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }
}

/// A file or directory of the host, held.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) descriptor: OwnedFd,
    /// Absolute, without links, `.` and `..`.
    pub(crate) real: PathBuf,
    pub(crate) identity: Identity,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) kind: FileKind,
    pub(crate) file_system: String,
}

impl Opened {
    /// The real path as text.
    pub(crate) fn text(&self) -> Result<&str, ResolveError> {
        self.real.to_str().ok_or_else(|| ResolveError::NotUtf8 { path: self.real.clone() })
    }
}

/// Opens `path`, relative to `cwd`, refusing every symbolic link on the way, and what is no file
/// or directory that somebody stored.
pub(crate) fn without_links(cwd: &Path, path: &Path) -> Result<Opened, ResolveError> {
    if path.is_relative() && !cwd.is_absolute() {
        return Err(ResolveError::NoWorkingDirectory { path: path.to_path_buf() });
    }
    let absolute = cwd.join(path);
    let descriptor = open(&absolute).map_err(|errno| refused(errno, &absolute))?;
    // Without links on the way, `..` means the same to the kernel and to this.
    let real = normalised(&absolute);
    let stat = stat_of(&descriptor, &real)?;
    let identity = Identity::from(&stat);
    #[cfg(isobar_fault)]
    isobar_os::fault::pause("resolve");
    let again = open(&real).map_err(|_| ResolveError::PathChanged { path: real.clone() })?;
    if Identity::from(&stat_of(&again, &real)?) != identity {
        return Err(ResolveError::PathChanged { path: real });
    }
    let kind = kind_of(&stat, &real)?;
    let magic = statfs_magic(&descriptor, &real)?;
    if file_system::shows_kernel(magic) {
        let what = "belongs to a file system that shows the host's kernel";
        return Err(ResolveError::Kernel { path: real, what });
    }
    Ok(Opened {
        descriptor,
        identity,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mode: stat.st_mode & 0o7777,
        kind,
        file_system: file_system::name(magic),
        real,
    })
}

fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(CWD, path, flags, Mode::empty(), resolve)
}

fn refused(errno: Errno, path: &Path) -> ResolveError {
    let path = path.to_path_buf();
    match errno {
        Errno::NOENT | Errno::NOTDIR => ResolveError::PathMissing { path },
        Errno::LOOP => ResolveError::PathLink { real: std::fs::canonicalize(&path).ok(), path },
        _ => ResolveError::PathDenied { path, source: io::Error::from(errno) },
    }
}

fn stat_of(descriptor: &OwnedFd, path: &Path) -> Result<Stat, ResolveError> {
    rustix::fs::fstat(descriptor).map_err(|errno| refused(errno, path))
}

fn statfs_magic(descriptor: &OwnedFd, path: &Path) -> Result<u64, ResolveError> {
    let answer = rustix::fs::fstatfs(descriptor).map_err(|errno| refused(errno, path))?;
    // The magic numbers are 32 bits wide; the kernel's type is a signed word.
    Ok(u64::try_from(answer.f_type).unwrap_or_default() & 0xffff_ffff)
}

fn kind_of(stat: &Stat, path: &Path) -> Result<FileKind, ResolveError> {
    let what = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => return Ok(FileKind::Directory),
        FileType::RegularFile => return Ok(FileKind::File),
        FileType::Socket => "socket",
        FileType::Fifo => "named pipe",
        FileType::CharacterDevice | FileType::BlockDevice => "device",
        FileType::Symlink => "symbolic link",
        FileType::Unknown => "file of an unknown kind",
    };
    Err(ResolveError::Special { path: path.to_path_buf(), what })
}

/// `path` without `.` and `..`, as if it crossed no link.
pub(crate) fn normalised(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                plain.push(component);
            }
        }
    }
    plain
}

/// The identity of `path`, links followed; `None` where it cannot be had.
pub(crate) fn identity(path: &Path) -> Option<Identity> {
    rustix::fs::stat(path).ok().as_ref().map(Identity::from)
}
