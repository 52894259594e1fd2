//! Finding the directory of the executables that face a guest, and checking who could change it.
//!
//! It is the compiled-in directory, else the one of the running executable; never one from PATH
//! or the environment. Whoever can write there runs code as the caller, so owner and mode of the
//! directory and of `isobar-init` are checked on descriptors.

use std::io;
use std::path::{Path, PathBuf};

use isobar_policy::{Code, Diagnostic, escape_bytes};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use std::os::unix::ffi::OsStrExt;

/// The executable that every sandbox with processes needs.
const INIT: &str = "isobar-init";

/// The bits of a mode that let the group or anybody write.
const OTHERS_WRITE: u32 = 0o022;

/// Why the executables cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LibexecError {
    /// The running executable's own place is unknown.
    #[error("the place of the running executable cannot be read")]
    Unknown(#[source] io::Error),
    /// Not there.
    #[error("\"{}\" cannot be opened", shown(path))]
    Missing {
        /// The directory or file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Not what it should be.
    #[error("\"{}\" is not {expected}", shown(path))]
    Kind {
        /// The path.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// Somebody else could change it.
    #[error("\"{}\" belongs to user {owner} and has the mode {mode:o}", shown(path))]
    Changeable {
        /// The directory or file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
}

impl LibexecError {
    /// What a person is told.
    #[must_use]
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        let (code, remedy) = match self {
            Self::Unknown(_) | Self::Missing { .. } | Self::Kind { .. } => (
                Code::InitMissing,
                "install isobar-init beside isobar, or in the directory that isobar was built for"
                    .to_owned(),
            ),
            Self::Changeable { path, .. } => (
                Code::InitOwner,
                format!(
                    "make it yours or root's and writable by its owner only: chmod go-w '{}'",
                    shown(path)
                ),
            ),
        };
        Diagnostic::new(code, self, remedy)
    }
}

fn shown(path: &Path) -> String {
    escape_bytes(path.as_os_str().as_bytes())
}

/// The directory in which this build looks: `ISOBAR_LIBEXEC` of the build, else where the running
/// executable is.
///
/// # Errors
/// [`LibexecError::Unknown`].
pub(crate) fn directory() -> Result<PathBuf, LibexecError> {
    if let Some(compiled) = option_env!("ISOBAR_LIBEXEC") {
        return Ok(PathBuf::from(compiled));
    }
    let executable = std::env::current_exe().map_err(LibexecError::Unknown)?;
    executable
        .parent()
        .map(Path::to_path_buf)
        .ok_or_else(|| LibexecError::Unknown(io::ErrorKind::NotFound.into()))
}

/// Checks that nobody but root and the caller can change what is executed from `directory`.
///
/// # Errors
/// [`LibexecError`] for the directory or for `isobar-init` in it.
pub(crate) fn check(directory: &Path, uid: u32) -> Result<(), LibexecError> {
    let missing = |path: &Path| {
        let path = path.to_path_buf();
        |errno: rustix::io::Errno| LibexecError::Missing { path, source: errno.into() }
    };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let open = rustix::fs::open(directory, flags | OFlags::DIRECTORY, Mode::empty())
        .map_err(missing(directory))?;
    let stat = rustix::fs::fstat(&open).map_err(missing(directory))?;
    unchangeable(directory, &stat, uid)?;
    let init = directory.join(INIT);
    let file = rustix::fs::openat(&open, INIT, flags | OFlags::NOFOLLOW, Mode::empty())
        .map_err(missing(&init))?;
    let stat = rustix::fs::fstat(&file).map_err(missing(&init))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || stat.st_mode & 0o111 == 0 {
        return Err(LibexecError::Kind { path: init, expected: "an executable file" });
    }
    unchangeable(&init, &stat, uid)
}

fn unchangeable(path: &Path, stat: &Stat, uid: u32) -> Result<(), LibexecError> {
    let owned = stat.st_uid == 0 || stat.st_uid == uid;
    if owned && stat.st_mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    let (owner, mode) = (stat.st_uid, stat.st_mode & 0o7777);
    Err(LibexecError::Changeable { path: path.to_path_buf(), owner, mode })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn installed() -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        let init = directory.path().join(INIT);
        fs::write(&init, b"\x7fELF").expect("a file");
        fs::set_permissions(&init, fs::Permissions::from_mode(0o755)).expect("a mode");
        directory
    }

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn what_only_the_owner_can_change_is_taken() {
        let directory = installed();
        assert!(check(directory.path(), me()).is_ok(), "0755 of one's own is how it is installed");
    }

    #[test]
    fn what_others_could_change_is_not_executed() {
        for (name, mode) in [(INIT, 0o757), (INIT, 0o775), ("", 0o777), ("", 0o1777)] {
            let directory = installed();
            let path = directory.path().join(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
            let error = check(directory.path(), me()).expect_err("others can write");
            assert_eq!(error.diagnostic().code, Code::InitOwner, "{path:?} with {mode:o}");
        }
        let directory = installed();
        if me() == 0 {
            assert!(check(directory.path(), 1).is_ok(), "root's files are everybody's");
        } else {
            assert!(check(directory.path(), me() + 1).is_err(), "a stranger's file is not ours");
        }
    }

    #[test]
    fn what_is_missing_or_a_link_is_said_to_be_missing() {
        let empty = tempfile::tempdir().expect("a directory");
        let error = check(empty.path(), me()).expect_err("nothing is there");
        assert_eq!(error.diagnostic().code, Code::InitMissing, "and the message says so");
        std::os::unix::fs::symlink("/bin/true", empty.path().join(INIT)).expect("a link");
        let error = check(empty.path(), me()).expect_err("a link leads elsewhere");
        assert_eq!(error.diagnostic().code, Code::InitMissing, "what it names was not checked");
        assert!(check(&empty.path().join("gone"), me()).is_err(), "nor is there a directory");
    }
}
