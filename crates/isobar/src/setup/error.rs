//! Why a step could not be done or taken back.

use std::io;

use isobar_engine::policy::{Code, Diagnostic};

/// Why a step could not be done or taken back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// The directory that stands for the host is none.
    #[error("\"{path}\" cannot be opened as the root of a host")]
    Root {
        path: String,
        #[source]
        source: io::Error,
    },
    /// A file that says how the host is set up cannot be read.
    #[error("\"{path}\" cannot be read")]
    Read {
        path: String,
        #[source]
        source: io::Error,
    },
    /// A file or a kernel setting cannot be written.
    #[error("\"{path}\" cannot be written")]
    Write {
        path: String,
        #[source]
        source: io::Error,
    },
    /// A file of that name is there and is not isobar's.
    #[error("\"{path}\" is there and was not written by isobar")]
    Foreign { path: String },
    /// A program of the host could not do it.
    #[error("`{line}` failed: {how}")]
    Command { line: String, how: String },
    /// The step that was named does not exist.
    #[error("no step is called \"{name}\"")]
    Unknown { name: String },
}

impl From<SetupError> for Diagnostic {
    fn from(error: SetupError) -> Self {
        let (code, remedy) = match &error {
            SetupError::Root { .. } => (Code::SetupRoot, "name a directory that you may open"),
            SetupError::Read { .. } => (Code::SetupRead, "run isobar setup as root"),
            SetupError::Write { .. } => {
                (Code::SetupWrite, "run isobar setup as root, on a file system that can be written")
            }
            SetupError::Foreign { .. } => {
                (Code::SetupForeign, "look at the file; move it away if it is not needed")
            }
            SetupError::Command { .. } => {
                (Code::SetupCommand, "run the command by hand and see why; then try again")
            }
            SetupError::Unknown { .. } => {
                let remedy = format!("use one of {}", super::STEPS.join(", "));
                return Self::new(Code::SetupUnknown, &error, remedy);
            }
        };
        Self::new(code, &error, remedy)
    }
}
