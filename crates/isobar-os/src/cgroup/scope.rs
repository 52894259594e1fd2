//! A scope of isobar's own from the systemd user manager, with the right to fill it.
//!
//! A scope that others started, and the groups beside it, will not do: the manager takes controllers
//! away from what it does not know (measured: a neighbour lost `cpu` when another scope ended). The
//! process that will clone must itself be the one that moves, since it may clone only into groups
//! below one that it is in.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::discover::DiscoverError;
use super::unified::Unified;
use crate::bus::{Bus, BusError, ScopeRequest};

/// Whether an ordinary user gets limits this way. Not until the sessions of `cargo xtask lab` pass:
/// no run has yet shown that a manager moves us and that the scope can then be filled.
pub(super) const OFFERED: bool = false;
/// What is said instead of asking.
pub(super) const NOT_OFFERED: &str = "scopes from it are not built yet";

/// How long the manager may take to move us.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often we look where we are: the manager answers before it moves anybody, and nothing tells.
const POLL: Duration = Duration::from_millis(2);

/// How the names of our scopes begin and end.
const PREFIX: &str = "run-isobar-";
const SUFFIX: &str = ".scope";

/// Whether a group has the name of a scope of ours.
pub(super) fn is_named_so(directory: &Path) -> bool {
    let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// Why there is no scope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// The manager could not be asked, or said no.
    #[error("no scope from the systemd user manager")]
    Bus(#[from] BusError),
    /// Our group could not be read.
    #[error("cannot see in which control group we are")]
    Discover(#[from] DiscoverError),
    /// It said yes, and we are still where we were.
    #[error("the systemd user manager did not move us within {} s", PATIENCE.as_secs())]
    NotMoved,
}

/// Moves the calling process, with all its threads, into a new scope; returns its directory.
///
/// # Errors
/// [`ScopeError`]
pub(super) fn enter() -> Result<PathBuf, ScopeError> {
    let pid = std::process::id();
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = nanos.map_or(0, |since| since.as_nanos());
    let name = format!("{PREFIX}{pid}-{nanos:x}{SUFFIX}");
    let mut bus = Bus::of_session()?;
    bus.start_scope(&ScopeRequest {
        name: &name,
        description: "isobar: limits of sandboxes",
        pid,
    })?;
    let start = Instant::now();
    loop {
        if let Some(unified) = Unified::discover()?
            && unified.own().file_name().is_some_and(|own| own == name.as_str())
        {
            return Ok(unified.own().to_owned());
        }
        if start.elapsed() > PATIENCE {
            return Err(ScopeError::NotMoved);
        }
        std::thread::sleep(POLL);
    }
}
