//! The executable `isobar-init`: found, checked, copied into sealed memory.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use isobar_boundary::LaunchError;
use isobar_os::sealed;
use isobar_policy::Code;
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::errors::failed;

/// The executable's name in libexec.
const NAME: &str = "isobar-init";
/// More than any build of it has.
const MOST_BYTES: u64 = 4 << 20;

#[derive(Debug, thiserror::Error)]
enum AgentError {
    #[error("cannot open {path}")]
    Open {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} could be changed by others: owner {owner}, mode {mode:o}")]
    Foreign { path: PathBuf, owner: u32, mode: u32 },
    #[error("{path} has {bytes} bytes, more than any isobar-init")]
    Size { path: PathBuf, bytes: u64 },
    #[error("cannot copy {path} into sealed memory")]
    Seal {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// Loads `isobar-init` from `libexec`. It must belong to root or to the caller, and nobody else may
/// be able to write it.
pub(crate) fn load(libexec: &Path) -> Result<OwnedFd, LaunchError> {
    read(&libexec.join(NAME)).map_err(|error| {
        let (code, remedy) = match error {
            AgentError::Open { .. } => {
                (Code::InitMissing, "install isobar whole: isobar-init belongs beside isobar")
            }
            AgentError::Foreign { .. } => {
                (Code::InitOwner, "give isobar-init to root or yourself, mode 0755")
            }
            AgentError::Size { .. } => (Code::InitBuild, "install isobar again"),
            AgentError::Seal { .. } => {
                (Code::LaunchStep, "allow executable memfds (sysctl vm.memfd_noexec=0)")
            }
        };
        failed(code, &error, remedy)
    })
}

fn read(path: &Path) -> Result<OwnedFd, AgentError> {
    let at = || path.to_owned();
    let opening = |source| AgentError::Open { path: at(), source };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::empty()).map_err(|errno| opening(errno.into()))?;
    let mut file = File::from(file);
    let data = file.metadata().map_err(opening)?;
    let (owner, mode, bytes) = (data.uid(), data.mode() & 0o7777, data.len());
    let ours = owner == 0 || owner == rustix::process::geteuid().as_raw();
    if !ours || mode & 0o022 != 0 || !data.is_file() {
        return Err(AgentError::Foreign { path: at(), owner, mode });
    }
    if bytes > MOST_BYTES {
        return Err(AgentError::Size { path: at(), bytes });
    }
    let mut program = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    file.read_to_end(&mut program).map_err(opening)?;
    sealed::executable(&program).map_err(|source| AgentError::Seal { path: at(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_executable_that_others_may_write_is_refused() {
        let libexec = tempfile::tempdir().expect("a scratch directory");
        let path = libexec.path().join(NAME);
        assert!(matches!(read(&path), Err(AgentError::Open { .. })), "a missing one is named");
        std::fs::write(&path, b"\x7fELF").expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o775)).expect("chmod");
        assert!(
            matches!(read(&path), Err(AgentError::Foreign { .. })),
            "its group could replace it"
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("chmod");
        read(&path).expect("one of our own is loaded");
    }
}
