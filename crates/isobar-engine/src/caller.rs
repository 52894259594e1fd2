//! Where the caller stands: working directory and environment, and who the caller is.
//!
//! Everything that depends on the calling process is read here, once, so that tests can describe
//! any caller. Relative paths and the search for programs go by these values, never by the
//! process's own.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the caller stands.
#[derive(Clone)]
pub struct Caller {
    /// The working directory, absolute; empty where it could not be read, which refuses every
    /// relative path.
    pub cwd: PathBuf,
    /// The environment, in order. PATH and HOME are looked up here.
    pub env: Vec<(OsString, OsString)>,
}

impl Caller {
    /// Reads the calling process.
    #[must_use]
    pub fn from_process() -> Self {
        // A working directory that was removed has no path. That matters only to relative paths,
        // and those say so.
        let cwd = std::env::current_dir().unwrap_or_default();
        Self { cwd, env: std::env::vars_os().collect() }
    }

    /// The first variable called `name`, which is the one that getenv(3) finds.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_os_str())
    }

    /// As [`Caller::var`], without those that are set to nothing.
    pub(crate) fn filled(&self, name: &str) -> Option<&OsStr> {
        self.var(name).filter(|value| !value.is_empty())
    }

    /// The home directory, if HOME names one.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.filled("HOME").map(Path::new).filter(|home| home.is_absolute())
    }
}

impl fmt::Debug for Caller {
    /// Values may be secret: only their number is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("cwd", &self.cwd)
            .field("env", &format_args!("{} variables", self.env.len()))
            .finish()
    }
}

/// Who the caller is to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// Effective user number.
    pub(crate) uid: u32,
    /// Effective group number.
    pub(crate) gid: u32,
    /// Supplementary groups, the effective group left out.
    pub(crate) groups: Vec<u32>,
}

impl Credentials {
    /// Reads the calling process.
    pub(crate) fn from_process() -> Self {
        let gid = rustix::process::getegid().as_raw();
        let groups = rustix::process::getgroups().unwrap_or_default();
        let groups = groups.into_iter().map(rustix::process::Gid::as_raw);
        Self {
            uid: rustix::process::geteuid().as_raw(),
            gid,
            groups: groups.filter(|group| *group != gid).collect(),
        }
    }

    pub(crate) const fn is_root(&self) -> bool {
        self.uid == 0
    }
}
