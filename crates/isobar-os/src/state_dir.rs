//! The directory in which isobar keeps locks and cached facts: owner-only, checked by descriptor.
//!
//! Root uses `/run/isobar`; a user `$XDG_RUNTIME_DIR/isobar`, else `/tmp/isobar-UID`. A directory
//! that somebody else made, or that others may enter, is not used: `/tmp` is everybody's.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, fstat, mkdirat, openat};
use rustix::io::Errno;

/// Why there is no state directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateDirError {
    /// It could not be made or opened.
    #[error("cannot use {path} for locks and cached facts")]
    Open {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        errno: Errno,
    },
    /// Somebody else owns it, or others may enter it.
    #[error("{path} belongs to user {owner} with mode {mode:o}, not to us alone")]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
}

/// An open, checked state directory.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    directory: OwnedFd,
}

impl StateDir {
    /// Where the state directory of this user is.
    #[must_use]
    pub fn location(uid: u32, runtime_dir: Option<OsString>) -> PathBuf {
        if uid == 0 {
            return PathBuf::from("/run/isobar");
        }
        let runtime =
            runtime_dir.map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir());
        runtime.map_or_else(|| in_tmp(uid), |path| path.join("isobar"))
    }

    /// Every place where this user's state directory can be, in this run or in one with another
    /// environment. The first is [`StateDir::location`].
    #[must_use]
    pub fn locations(uid: u32, runtime_dir: Option<OsString>) -> Vec<PathBuf> {
        let named = runtime_dir.clone().map(PathBuf::from).filter(|path| path.is_absolute());
        let mut all = vec![Self::location(uid, runtime_dir)];
        if uid != 0 {
            let login = PathBuf::from(format!("/run/user/{uid}/isobar"));
            let others = named.map(|path| path.join("isobar")).into_iter();
            for other in others.chain([login, in_tmp(uid)]) {
                if !all.contains(&other) {
                    all.push(other);
                }
            }
        }
        all
    }

    /// Opens this user's directory, making it where it is missing.
    ///
    /// # Errors
    /// [`StateDirError`]
    pub fn open_own() -> Result<Self, StateDirError> {
        let uid = rustix::process::geteuid().as_raw();
        Self::open(&Self::location(uid, std::env::var_os("XDG_RUNTIME_DIR")))
    }

    /// Opens `path`, making it where it is missing.
    ///
    /// # Errors
    /// [`StateDirError`]
    pub fn open(path: &Path) -> Result<Self, StateDirError> {
        let failed = |errno| StateDirError::Open { path: path.to_owned(), errno };
        match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let directory = openat(CWD, path, flags, Mode::empty()).map_err(failed)?;
        let stat = fstat(&directory).map_err(failed)?;
        let mode = stat.st_mode & 0o7777;
        if stat.st_uid != rustix::process::geteuid().as_raw() || mode & 0o077 != 0 {
            let (path, owner) = (path.to_owned(), stat.st_uid);
            return Err(StateDirError::Foreign { path, owner, mode });
        }
        Ok(Self { path: path.to_owned(), directory })
    }

    /// Its path, for messages and for refusing grants that cover it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open directory.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Where there is no runtime directory.
fn in_tmp(uid: u32) -> PathBuf {
    PathBuf::from(format!("/tmp/isobar-{uid}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_locations_do_not_depend_on_what_is_chosen_now() {
        let texts = |uid, runtime: Option<&str>| -> Vec<String> {
            let all = StateDir::locations(uid, runtime.map(OsString::from));
            all.iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(texts(0, Some("/")), ["/run/isobar"], "root has one, whatever is set");
        let (login, tmp) = ("/run/user/4242/isobar", "/tmp/isobar-4242");
        assert_eq!(texts(4242, None), [tmp, login], "a login may set it for a later run");
        assert_eq!(texts(4242, Some("/")), ["/isobar", login, tmp], "a later run may not have it");
        assert_eq!(
            texts(4242, Some("/none/here")),
            [tmp, "/none/here/isobar", login],
            "a directory that is not there yet may be later"
        );
        assert_eq!(texts(4242, Some("none")), [tmp, login], "a relative one is never used");
    }

    #[test]
    fn only_a_directory_of_our_own_is_used() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let good = scratch.path().join("good");
        StateDir::open(&good).expect("a missing directory is made");
        StateDir::open(&good).expect("an existing one is used again");

        let open = scratch.path().join("open");
        std::fs::create_dir(&open).expect("a directory");
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).expect("chmod");
        let refused = StateDir::open(&open).expect_err("others may enter this one");
        assert!(
            matches!(refused, StateDirError::Foreign { .. }),
            "it is named as foreign: {refused}"
        );

        let link = scratch.path().join("link");
        symlink(&good, &link).expect("a link");
        let refused = StateDir::open(&link).expect_err("a link could lead anywhere");
        assert!(matches!(refused, StateDirError::Open { .. }), "it does not open: {refused}");
    }
}
