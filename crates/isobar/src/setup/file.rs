//! Files that isobar writes into a host's configuration, and how it knows them again.

use super::{Action, Root, SetupError};

/// The first line of each, after the comment sign that all of these formats share.
pub(crate) const MARK: &str = "# Written by `isobar setup`; `isobar setup --undo` removes it.";

/// A file of isobar's as it stands on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// None is there.
    Missing,
    /// isobar wrote it: this is its text.
    Ours(String),
    /// Somebody else did.
    Foreign,
}

/// What is at `path`.
///
/// # Errors
/// [`SetupError::Read`].
pub(crate) fn found(root: &Root, path: &str) -> Result<Found, SetupError> {
    Ok(match root.read(path)? {
        None => Found::Missing,
        Some(text) if text.starts_with(MARK) => Found::Ours(text),
        Some(_) => Found::Foreign,
    })
}

/// `body` with the mark above it, as the action that writes it.
pub(crate) fn written(path: &'static str, body: &str) -> Action {
    Action::Write { path, text: format!("{MARK}\n{body}") }
}
