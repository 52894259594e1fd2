//! What a host needs once so that ordinary users can have sandboxes: steps as data, done and taken
//! back on request.
//!
//! A step looks at the host and says whether it is needed; its actions are listed before anything
//! acts. Files that isobar writes begin with [`file::MARK`], and only such files are replaced or
//! removed.

pub(crate) mod action;
pub(crate) mod apparmor;
mod delegation;
mod error;
pub(crate) mod file;
mod root;
mod userns;

pub(crate) use action::Action;
pub(crate) use error::SetupError;
pub(crate) use root::Root;

/// Where a step stands on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// The host works without it, for this reason.
    NotNeeded(&'static str),
    /// The host lacks it, for this reason.
    Needed(String),
    /// isobar did it before.
    Done,
}

/// One thing that a host can need.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What it is for, in one line.
    pub(crate) about: &'static str,
    /// What a reader must know before relying on it.
    pub(crate) caution: Option<&'static str>,
    /// Where it stands.
    pub(crate) state: State,
    /// What doing it does, in order.
    pub(crate) apply: Vec<Action>,
    /// What taking it back does, in order; nothing where it was not done.
    pub(crate) undo: Vec<Action>,
}

/// The names of all steps.
pub(crate) const STEPS: [&str; 3] = [apparmor::NAME, userns::NAME, delegation::NAME];

/// Every step, as it stands on the host below `root`.
///
/// # Errors
/// [`SetupError::Read`] where something is there and cannot be read.
pub(crate) fn steps(root: &Root) -> Result<Vec<Step>, SetupError> {
    Ok(vec![apparmor::step(root)?, userns::step(root)?, delegation::step(root)?])
}
