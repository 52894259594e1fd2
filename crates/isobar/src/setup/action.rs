//! One act of setting a host up: shown before it is done.

use std::process::{Command, Stdio};

use isobar_engine::policy::escape_bounded;

use super::file::{self, Found};
use super::{Root, SetupError};

/// The most that is repeated of what a program of the host said.
const SHOWN: usize = 400;

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Writes a file that isobar owns.
    Write { path: &'static str, text: String },
    /// Removes a file that isobar owns.
    Remove { path: &'static str },
    /// Writes a kernel setting of the running host.
    Set { path: &'static str, value: String },
    /// Runs a program of the running host.
    Run { program: &'static str, args: Vec<&'static str> },
}

impl Action {
    /// What it does, in one line for a person.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Write { path, .. } => format!("write {path}"),
            Self::Remove { path } => format!("remove {path}"),
            Self::Set { path, value } => format!("write {value} to {path}"),
            Self::Run { program, args } => {
                let words = std::iter::once(program).chain(args).copied();
                format!("run {}", words.collect::<Vec<_>>().join(" "))
            }
        }
    }

    /// The text that it writes, for a person to read first.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Write { text, .. } => Some(text),
            Self::Remove { .. } | Self::Set { .. } | Self::Run { .. } => None,
        }
    }

    /// Whether it is left out on a host that is not running: nobody there could be told.
    pub(crate) const fn needs_running(&self) -> bool {
        matches!(self, Self::Set { .. } | Self::Run { .. })
    }

    /// Does it.
    ///
    /// # Errors
    /// [`SetupError`]; a file of somebody else is never touched.
    pub(crate) fn perform(&self, root: &Root) -> Result<(), SetupError> {
        match self {
            Self::Write { path, text } => {
                ours(root, path)?;
                root.write(path, text)
            }
            Self::Remove { path } => {
                ours(root, path)?;
                root.remove(path)
            }
            Self::Set { path, value } => root.set(path, value),
            Self::Run { program, args } => execute(&self.line(), program, args),
        }
    }
}

fn ours(root: &Root, path: &str) -> Result<(), SetupError> {
    match file::found(root, path)? {
        Found::Missing | Found::Ours(_) => Ok(()),
        Found::Foreign => Err(SetupError::Foreign { path: path.to_owned() }),
    }
}

#[expect(clippy::disallowed_methods, reason = "the host's own tool, named and shown beforehand")]
fn execute(line: &str, program: &str, args: &[&str]) -> Result<(), SetupError> {
    let failed = |how: String| SetupError::Command {
        line: line.strip_prefix("run ").unwrap_or(line).to_owned(),
        how,
    };
    let mut command = Command::new(program);
    command.args(args).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::null());
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!("{}: {}", output.status, escape_bounded(said.trim(), SHOWN))))
}
