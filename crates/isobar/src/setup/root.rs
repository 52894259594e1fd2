//! The host that is set up: the running one, or one below a directory (an image that is built).
//!
//! Every path is resolved inside the root (openat2(2), RESOLVE_IN_ROOT), so that a link in an
//! image cannot lead to the running host's files.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::{fs, io};

use isobar_engine::policy::escape;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, mkdirat, openat2, renameat, unlinkat};
use rustix::io::Errno;

use super::SetupError;

/// The most that is read of one file: settings are short.
const MAX_BYTES: u64 = 64 << 10;

/// The root directory of a host.
#[derive(Debug)]
pub(crate) struct Root {
    directory: OwnedFd,
    /// Whether it is the running host, whose kernel and programs can be told.
    running: bool,
}

impl Root {
    /// Opens the running host's root, or `directory`.
    ///
    /// # Errors
    /// [`SetupError::Root`].
    pub(crate) fn open(directory: Option<&Path>) -> Result<Self, SetupError> {
        let path = directory.unwrap_or_else(|| Path::new("/"));
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::empty());
        let directory_fd = opened.map_err(|errno| SetupError::Root {
            path: escape(&path.to_string_lossy()),
            source: errno.into(),
        })?;
        Ok(Self { directory: directory_fd, running: directory.is_none() })
    }

    /// Whether this is the running host.
    pub(crate) const fn is_running(&self) -> bool {
        self.running
    }

    /// The text of a file, `None` where there is none.
    ///
    /// # Errors
    /// [`SetupError::Read`] where it is there and cannot be read, or is longer than 64 KiB.
    pub(crate) fn read(&self, path: &str) -> Result<Option<String>, SetupError> {
        let failed = |source| SetupError::Read { path: path.to_owned(), source };
        let file = match self.open_at(path, OFlags::RDONLY) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(errno) => return Err(failed(errno.into())),
        };
        let mut bytes = Vec::new();
        fs::File::from(file).take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
            return Err(failed(io::Error::other("it is longer than 64 KiB")));
        }
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Whether something is at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.open_at(path, OFlags::PATH).is_ok()
    }

    /// Puts a file of mode 0644 in place by rename, and the directory above it.
    ///
    /// # Errors
    /// [`SetupError::Write`].
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<(), SetupError> {
        let failed =
            |errno: Errno| SetupError::Write { path: path.to_owned(), source: errno.into() };
        let (above, name) = path.rsplit_once('/').unwrap_or(("/", path));
        let directory = match self.open_at(above, OFlags::RDONLY | OFlags::DIRECTORY) {
            Err(Errno::NOENT) => {
                let (over, last) = above.rsplit_once('/').unwrap_or(("/", above));
                let over = self.open_at(if over.is_empty() { "/" } else { over }, OFlags::PATH);
                mkdirat(&over.map_err(failed)?, last, Mode::from(0o755)).map_err(failed)?;
                self.open_at(above, OFlags::RDONLY | OFlags::DIRECTORY).map_err(failed)?
            }
            other => other.map_err(failed)?,
        };
        let fresh = format!(".{name}.isobar-new");
        // Whatever has the name, left by an earlier call or put there by somebody else, goes: the file
        // is one that this call makes.
        unlinkat(&directory, &fresh, AtFlags::empty()).ok();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let file = rustix::fs::openat(&directory, &fresh, flags | OFlags::CLOEXEC, 0o644.into());
        let mut file = fs::File::from(file.map_err(failed)?);
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        let placed = written.map_err(|source| SetupError::Write { path: path.to_owned(), source });
        let placed =
            placed.and_then(|()| renameat(&directory, &fresh, &directory, name).map_err(failed));
        if placed.is_err() {
            // What could not be put in place is not left beside it.
            unlinkat(&directory, &fresh, AtFlags::empty()).ok();
        }
        placed
    }

    /// Writes a kernel setting below /proc/sys.
    ///
    /// # Errors
    /// [`SetupError::Write`].
    pub(crate) fn set(&self, path: &str, value: &str) -> Result<(), SetupError> {
        let failed = |source| SetupError::Write { path: path.to_owned(), source };
        let file = self.open_at(path, OFlags::WRONLY).map_err(|errno| failed(errno.into()))?;
        fs::File::from(file).write_all(value.as_bytes()).map_err(failed)
    }

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// [`SetupError::Write`].
    pub(crate) fn remove(&self, path: &str) -> Result<(), SetupError> {
        let failed =
            |errno: Errno| SetupError::Write { path: path.to_owned(), source: errno.into() };
        let (above, name) = path.rsplit_once('/').unwrap_or(("/", path));
        let directory = match self.open_at(above, OFlags::PATH) {
            Err(Errno::NOENT) => return Ok(()),
            other => other.map_err(failed)?,
        };
        match unlinkat(&directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn open_at(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        // O_PATH takes no O_NONBLOCK (open(2)).
        let flags = if flags.contains(OFlags::PATH) {
            flags - OFlags::NONBLOCK - OFlags::NOCTTY
        } else {
            flags
        };
        openat2(
            &self.directory,
            path,
            flags,
            Mode::empty(),
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
        )
    }
}
