//! The payload's executable: where it is, and whether somebody else could have changed it.
//!
//! It is looked for where `isobar-init` is, and never through PATH. Most of it runs inside sandboxes,
//! but one canary is made by it on the host, as the caller.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use isobar_engine::policy::{Code, Diagnostic, escape_bounded};

/// The name of the executable.
pub const PAYLOAD: &str = "isobar-attack-payload";

/// The bits of a mode that let the group or anybody write.
const OTHERS_WRITE: u32 = 0o022;

/// Why the payload cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// It is not there.
    #[error("\"{}\" cannot be opened", shown(path))]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// It is not an executable file.
    #[error("\"{}\" is not an executable file", shown(path))]
    Kind {
        /// Where it is.
        path: PathBuf,
    },
    /// Somebody else could change it.
    #[error("\"{}\" belongs to user {owner} and has the mode {mode:o}", shown(path))]
    Changeable {
        /// Where it is.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Its permission bits.
        mode: u32,
    },
}

fn shown(path: &Path) -> String {
    escape_bounded(&path.to_string_lossy(), 300)
}

impl From<PayloadError> for Diagnostic {
    fn from(error: PayloadError) -> Self {
        let (code, remedy) = match &error {
            PayloadError::Missing { .. } | PayloadError::Kind { .. } => {
                (Code::InitMissing, format!("install {PAYLOAD} beside isobar-init"))
            }
            PayloadError::Changeable { path, .. } => (
                Code::InitOwner,
                format!(
                    "make it yours or root's and writable by its owner only: chmod go-w '{}'",
                    shown(path)
                ),
            ),
        };
        Self::new(code, &error, remedy)
    }
}

/// The payload's executable.
#[derive(Debug, Clone)]
pub struct Payload {
    path: PathBuf,
}

impl Payload {
    /// The one of this build: in `ISOBAR_LIBEXEC` of the build, else beside the running executable.
    ///
    /// # Errors
    /// [`PayloadError`]
    pub fn find() -> Result<Self, PayloadError> {
        if let Some(compiled) = option_env!("ISOBAR_LIBEXEC") {
            return Self::in_directory(Path::new(compiled));
        }
        let executable = std::env::current_exe()
            .map_err(|source| PayloadError::Missing { path: PathBuf::from(PAYLOAD), source })?;
        Self::in_directory(executable.parent().unwrap_or(Path::new("/")))
    }

    /// The one in `directory`.
    ///
    /// # Errors
    /// [`PayloadError`]
    pub fn in_directory(directory: &Path) -> Result<Self, PayloadError> {
        let path = directory.join(PAYLOAD);
        match std::fs::symlink_metadata(&path) {
            Ok(found) => check(path, &found),
            Err(source) => Err(PayloadError::Missing { path, source }),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn check(path: PathBuf, found: &Metadata) -> Result<Payload, PayloadError> {
    if !found.is_file() || found.mode() & 0o111 == 0 {
        return Err(PayloadError::Kind { path });
    }
    let (owner, mode) = (found.uid(), found.mode() & 0o7777);
    let trusted = owner == 0 || owner == rustix::process::geteuid().as_raw();
    if !trusted || mode & OTHERS_WRITE != 0 {
        return Err(PayloadError::Changeable { path, owner, mode });
    }
    Ok(Payload { path })
}
