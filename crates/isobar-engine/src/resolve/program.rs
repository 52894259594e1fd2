//! Finding the program as the caller's shell would: by its path, or in the caller's PATH.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};

use super::error::ResolveError;
use super::open::normalised;
use crate::Caller;

/// Where the program `name` is: absolute, its own links not resolved.
///
/// # Errors
/// [`ResolveError::ProgramMissing`], or [`ResolveError::ProgramDenied`] where only files that may
/// not be executed have the name.
pub(super) fn find(name: &OsStr, caller: &Caller) -> Result<PathBuf, ResolveError> {
    find_beside(name, caller, &[])
}

/// As [`find`], leaving the directories `skipped` out.
pub(super) fn find_beside(
    name: &OsStr,
    caller: &Caller,
    skipped: &[PathBuf],
) -> Result<PathBuf, ResolveError> {
    let missing = |in_path| ResolveError::ProgramMissing { name: name.into(), in_path };
    if name.is_empty() {
        return Err(missing(false));
    }
    if name.as_bytes().contains(&b'/') {
        let path = absolute(caller, Path::new(name))?;
        return match judge(&path) {
            Found::Yes => Ok(path),
            Found::Denied => Err(ResolveError::ProgramDenied { path }),
            Found::No => Err(missing(false)),
        };
    }
    let mut denied = None;
    for directory in search_path(caller) {
        let Ok(directory) = absolute(caller, directory) else { continue };
        if skipped.contains(&directory) {
            continue;
        }
        let path = directory.join(name);
        match judge(&path) {
            Found::Yes => return Ok(path),
            Found::Denied => denied = denied.or(Some(path)),
            Found::No => {}
        }
    }
    Err(denied.map_or_else(|| missing(true), |path| ResolveError::ProgramDenied { path }))
}

/// Whether `path` is a file that the caller may execute.
pub(super) fn is_executable(path: &Path) -> bool {
    matches!(judge(path), Found::Yes)
}

/// The directories of the caller's PATH in order; what execvp(3) uses where there is none. An
/// empty entry is the working directory.
pub(super) fn search_path(caller: &Caller) -> impl Iterator<Item = &Path> {
    let path = caller.var("PATH").unwrap_or(OsStr::new("/bin:/usr/bin"));
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|entry| Path::new(OsStr::from_bytes(if entry.is_empty() { b"." } else { entry })))
}

/// `path` as the caller means it. `..` is taken by name, as a shell's `cd` does, only where no
/// link is crossed.
pub(super) fn absolute(caller: &Caller, path: &Path) -> Result<PathBuf, ResolveError> {
    if path.is_absolute() {
        return Ok(straightened(path));
    }
    if !caller.cwd.is_absolute() {
        return Err(ResolveError::NoWorkingDirectory { path: path.to_path_buf() });
    }
    Ok(straightened(&caller.cwd.join(path)))
}

/// Without `.` and `..`: by name where that leads to the same file, else by the real directory.
fn straightened(path: &Path) -> PathBuf {
    let plain = normalised(path);
    let same = super::open::identity(path) == super::open::identity(&plain);
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if !same => {
            std::fs::canonicalize(parent).map_or(plain, |real| real.join(name))
        }
        _ => plain,
    }
}

enum Found {
    Yes,
    Denied,
    No,
}

fn judge(path: &Path) -> Found {
    let file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let executable = || rustix::fs::accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok();
    match file {
        false => Found::No,
        true if executable() => Found::Yes,
        true => Found::Denied,
    }
}
