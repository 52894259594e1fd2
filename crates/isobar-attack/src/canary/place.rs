//! A directory on the host that everybody may enter and read. That the guest's user may is what
//! leaves the boundary as the only protection: as root, it is another user than the caller.
//!
//! Its holder keeps it locked. One that nobody holds was left by a runner that was killed, and the
//! next runner removes it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use super::{CanaryError, make};
use crate::Token;

/// What the names of these directories begin with.
const PREFIX: &str = "isobar-attack-";

/// A directory that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Locked for as long as the directory is in use.
    _lock: File,
}

impl Place {
    /// Makes one.
    pub(super) fn new() -> Result<Self, CanaryError> {
        let above = open_to_all(std::env::temp_dir())
            .or_else(|| {
                ["/tmp", "/var/tmp", "/dev/shm"]
                    .into_iter()
                    .map(PathBuf::from)
                    .find_map(open_to_all)
            })
            .ok_or(CanaryError::Unreachable)?;
        sweep(&above);
        let token = Token::new()?;
        // Under a name that no sweep looks for until it is locked.
        let unlocked = above.join(format!("unlocked-{PREFIX}{token}"));
        let path = above.join(format!("{PREFIX}{token}"));
        DirBuilder::new().mode(0o755).create(&unlocked).map_err(make("a directory"))?;
        let lock = locked(&unlocked)
            // Whatever the umask took away.
            .and_then(|lock| lock.set_permissions(Permissions::from_mode(0o755)).map(|()| lock))
            .and_then(|lock| fs::rename(&unlocked, &path).map(|()| lock))
            .inspect_err(|_| drop(fs::remove_dir(&unlocked)))
            .map_err(make("a directory"))?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that everybody may read.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<PathBuf, CanaryError> {
        let path = self.path.join(name);
        fs::write(&path, content).map_err(make("a file"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o644)).map_err(make("a file"))?;
        Ok(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Nobody can be told from here; whoever looks for what is left sees it.
        fs::remove_dir_all(&self.path).ok();
    }
}

/// Opens and locks a directory, following no link; fails where somebody else holds it.
fn locked(directory: &Path) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(directory, flags, Mode::empty())?;
    flock(&opened, FlockOperation::NonBlockingLockExclusive)?;
    Ok(File::from(opened))
}

/// Removes what killed runners of this user left in `above`.
fn sweep(above: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(left) = locked(&entry.path()) else { continue };
        if left.metadata().is_ok_and(|found| found.uid() == own) {
            // What cannot be removed now is met again by the next runner.
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// `directory`, if everybody may pass through it and what is above it. An ordinary user's guest is
/// the same user, for whom its own directories are open.
fn open_to_all(directory: PathBuf) -> Option<PathBuf> {
    let own = rustix::process::geteuid();
    let open = |path: &Path| {
        fs::metadata(path).is_ok_and(|found| {
            found.mode() & 0o001 != 0 || (!own.is_root() && found.uid() == own.as_raw())
        })
    };
    (directory.is_absolute() && directory.ancestors().all(open)).then_some(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_swept_and_what_is_held_stays() {
        // A directory of its own: other tests sweep the common one at the same time.
        let above = std::env::temp_dir().join(format!("sweep-{}", Token::new().unwrap()));
        let [held, left] = [0; 2].map(|_| above.join(format!("{PREFIX}{}", Token::new().unwrap())));
        for directory in [&held, &left] {
            fs::create_dir_all(directory).unwrap();
            fs::write(directory.join("canary"), "x").unwrap();
        }
        let lock = locked(&held).unwrap();
        sweep(&above);
        assert!(held.exists(), "another runner is at work in it");
        assert!(!left.exists(), "its runner was killed");
        drop(lock);
        fs::remove_dir_all(above).unwrap();
    }
}
