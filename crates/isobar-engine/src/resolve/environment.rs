//! The guest's environment: what the policy sets, and what it lets pass from the caller.
//!
//! PATH is the one variable whose value changes on the way: it keeps what the guest can see, and
//! gains the program's own installation.

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use isobar_policy::EnvClauses;

use super::error::ResolveError;
use super::program::search_path;
use super::toolchain::Bin;
use super::view::View;
use crate::Caller;

/// The variables of the guest, by name.
#[derive(Debug, Default)]
pub(super) struct Environment {
    pub(super) names: Vec<String>,
    /// `NAME=value` each.
    pub(super) strings: Vec<CString>,
}

/// Builds the guest's environment. What `env.set` names wins over what `env.allow` lets pass; of
/// a name that the caller has twice, the first counts, as for getenv(3).
pub(super) fn build(
    clauses: &EnvClauses,
    caller: &Caller,
    bins: &[Bin],
    view: View<'_>,
) -> Result<Environment, ResolveError> {
    let mut seen: BTreeSet<&OsStr> = clauses.set.keys().map(OsStr::new).collect();
    let mut environment = Environment::default();
    for (name, value) in &clauses.set {
        environment.push(name, OsStr::new(value))?;
    }
    for (name, value) in &caller.env {
        if !allowed(clauses, name) || !seen.insert(name) {
            continue;
        }
        let name = usable(name)?;
        if name == "PATH" {
            let path = guest_path(caller, bins, view);
            if !path.is_empty() {
                environment.push(name, &path)?;
            }
        } else {
            environment.push(name, value)?;
        }
    }
    Ok(environment)
}

impl Environment {
    fn push(&mut self, name: &str, value: &OsStr) -> Result<(), ResolveError> {
        let string = [name.as_bytes(), b"=", value.as_bytes()].concat();
        let string =
            CString::new(string).map_err(|_| ResolveError::EnvNul { name: name.to_owned() })?;
        self.names.push(name.to_owned());
        self.strings.push(string);
        Ok(())
    }
}

/// Whether a pattern of `env.allow` matches: a name, or its beginning and `*`.
fn allowed(clauses: &EnvClauses, name: &OsStr) -> bool {
    clauses.allow.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.as_bytes().starts_with(beginning.as_bytes()),
        None => name == pattern.as_str(),
    })
}

fn usable(name: &OsStr) -> Result<&str, ResolveError> {
    let fault = |fault| {
        let name = name.to_string_lossy().into_owned();
        ResolveError::EnvName { name, fault }
    };
    match name.to_str() {
        None => Err(fault("is not UTF-8 text")),
        Some("") => Err(fault("is empty")),
        Some(name) if name.contains('=') => Err(fault("contains `=`")),
        Some(name) if name.contains('\0') => Err(fault("contains a NUL")),
        Some(name) => Ok(name),
    }
}

/// The caller's PATH without what the guest cannot see, and with `bins`.
fn guest_path(caller: &Caller, bins: &[Bin], view: View<'_>) -> OsString {
    let visible = |directory: &&Path| directory.is_absolute() && view.has_directory(directory);
    let callers: Vec<_> = search_path(caller).filter(visible).map(Path::to_path_buf).collect();
    // A directory that the caller's PATH has stays where it is, unless it is chosen to be first.
    let new = |bin: &&Bin| bin.first || !callers.contains(&bin.directory);
    let first = bins.iter().filter(new).map(|bin| bin.directory.clone());
    let mut directories: Vec<PathBuf> = Vec::new();
    for directory in first.chain(callers.iter().cloned()) {
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    let parts: Vec<_> =
        directories.into_iter().map(|path| path.into_os_string().into_vec()).collect();
    OsString::from_vec(parts.join(&b':'))
}
