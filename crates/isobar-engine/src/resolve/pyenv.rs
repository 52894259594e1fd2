//! What a pyenv shim would choose, found without running it.
//!
//! A shim is a script that asks pyenv which version's program to execute. pyenv is a tree of
//! shell scripts below the caller's home, which the guest neither sees nor needs: only the chosen
//! version is granted. The rules are those of pyenv-which(1), pyenv-version-name and
//! pyenv-version-file of pyenv 2.4, hooks aside.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::error::ResolveError;
use super::program;
use super::text_file::read_text;
use crate::Caller;

/// A shim and what it says about its pyenv.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shim {
    /// The directory that holds the shims; programs in it are not the system's.
    directory: PathBuf,
    /// PYENV_ROOT.
    root: PathBuf,
    /// Older shims let a script's own directory choose the version.
    by_script: bool,
}

/// What pyenv chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// The program of an installed version.
    Version(Version),
    /// A program, found in PATH beside the shims.
    System {
        /// The program.
        path: PathBuf,
        /// The file that said so, if it was a file.
        by: Option<PathBuf>,
    },
}

/// An installed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// Its directory, links resolved.
    pub(super) prefix: PathBuf,
    /// Its directory as it was named.
    pub(super) written: PathBuf,
    /// Directly in the versions' directory, and not a link that leads out of it.
    pub(super) installed: bool,
    /// The file that named it, if it was a file.
    pub(super) by: Option<PathBuf>,
}

/// The shim at `path`, if it is one.
pub(super) fn shim(path: &Path, caller: &Caller) -> Option<Shim> {
    let directory = path.parent()?;
    if directory.file_name()? != "shims" {
        return None;
    }
    let text = read_text(path)?;
    let mut words = text.lines().map(str::trim);
    if !text.starts_with("#!") || !words.any(|line| line.starts_with("exec ") && asks_pyenv(line)) {
        return None;
    }
    let exported = text.lines().find_map(|line| line.trim().strip_prefix("export PYENV_ROOT="));
    let root = exported
        .map(|value| PathBuf::from(value.trim_matches(['"', '\''])))
        .filter(|root| root.is_absolute())
        .or_else(|| caller.filled("PYENV_ROOT").map(PathBuf::from))
        .or_else(|| directory.parent().map(Path::to_path_buf))?;
    let by_script = text.contains("PYENV_FILE_ARG");
    Some(Shim { directory: directory.to_path_buf(), root, by_script })
}

fn asks_pyenv(line: &str) -> bool {
    line.contains("pyenv") && line.contains(" exec ")
}

/// What `shim` would execute as `name`. `arguments` are the command's, without its name.
pub(super) fn choose(
    shim: &Shim,
    name: &OsStr,
    arguments: &[std::ffi::OsString],
    caller: &Caller,
) -> Result<Choice, ResolveError> {
    let (versions, by) = version_names(shim, name, arguments, caller);
    for version in &versions {
        if version == "system" {
            if let Ok(path) = beside(shim, name, caller) {
                return Ok(Choice::System { path, by });
            }
        } else if let Some(mut version) = installed(&shim.root, version)
            && program::is_executable(&version.prefix.join("bin").join(name))
        {
            version.by = by;
            return Ok(Choice::Version(version));
        }
    }
    beside(shim, name, caller).map(|path| Choice::System { path, by }).map_err(|error| {
        if let ResolveError::ProgramMissing { name, .. } = error {
            ResolveError::PyenvMissing { name, versions }
        } else {
            error
        }
    })
}

fn beside(shim: &Shim, name: &OsStr, caller: &Caller) -> Result<PathBuf, ResolveError> {
    program::find_beside(name, caller, &[shim.directory.clone(), shim.root.join("shims")])
}

/// The versions that are set, in order, and the file that sets them.
fn version_names(
    shim: &Shim,
    name: &OsStr,
    arguments: &[std::ffi::OsString],
    caller: &Caller,
) -> (Vec<String>, Option<PathBuf>) {
    let set = caller.filled("PYENV_VERSION").map(|value| value.to_string_lossy().into_owned());
    let (text, by) = set.map_or_else(
        || {
            let file = version_file(shim, name, arguments, caller);
            (names_in(&read_text(&file).unwrap_or_default()).join(":"), Some(file))
        },
        |text| (text, None),
    );
    let names: Vec<_> =
        text.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (if names.is_empty() { vec!["system".to_owned()] } else { names }, by)
}

/// The file that sets the version: the nearest `.python-version`, else the global one.
fn version_file(
    shim: &Shim,
    name: &OsStr,
    arguments: &[std::ffi::OsString],
    caller: &Caller,
) -> PathBuf {
    let by_script = shim.by_script && name.as_bytes().starts_with(b"python");
    let script = by_script.then(|| script_directory(arguments, caller)).flatten();
    let from = caller.filled("PYENV_DIR").map(PathBuf::from).or(script);
    let starts = from.as_deref().into_iter().chain([caller.cwd.as_path()]);
    let above = starts.filter(|start| start.is_absolute()).flat_map(Path::ancestors);
    above
        .map(|directory| directory.join(".python-version"))
        .find(|file| file.is_file())
        .unwrap_or_else(|| shim.root.join("version"))
}

/// The directory of the first argument that is a script's path, as older shims look for it.
fn script_directory(arguments: &[std::ffi::OsString], caller: &Caller) -> Option<PathBuf> {
    let candidates = arguments
        .iter()
        .take_while(|argument| !argument.as_bytes().starts_with(b"-c") && *argument != "--")
        .filter(|argument| argument.as_bytes().contains(&b'/'));
    let script =
        candidates.map(|argument| caller.cwd.join(argument)).find(|path| path.is_file())?;
    Some(std::fs::canonicalize(script).ok()?.parent()?.to_path_buf())
}

/// The names in a version file: the first word of each line that is no comment.
pub(super) fn names_in(text: &str) -> Vec<String> {
    let words = text.lines().filter_map(|line| line.split_whitespace().next());
    words.filter(|word| !word.starts_with('#')).map(str::to_owned).collect()
}

/// Whether `name` does not lead out of the versions' directory. pyenv leaves such names out since
/// CVE-2022-35861.
fn stays_below(root: &Path, name: &str) -> bool {
    if name != ".." && !name.contains('/') {
        return true;
    }
    let versions = root.join("versions");
    let real = std::fs::canonicalize(&versions);
    let inside = std::fs::canonicalize(versions.join(name));
    match (real, inside) {
        (Ok(versions), Ok(inside)) => inside.starts_with(&versions) && inside != versions,
        _ => false,
    }
}

/// The installed version that `name` means: itself, without a leading `python-`, or
/// the newest one that it is the beginning of.
fn installed(root: &Path, name: &str) -> Option<Version> {
    if !stays_below(root, name) {
        return None;
    }
    let versions = root.join("versions");
    let plain = name.strip_prefix("python-").unwrap_or(name);
    let exact = [name, plain].into_iter().map(|name| versions.join(name));
    let newest = || [name, plain].into_iter().find_map(|name| newest(&versions, name));
    let written = exact.into_iter().find(|path| path.is_dir()).or_else(newest)?;
    let prefix = std::fs::canonicalize(&written).ok()?;
    let installed = written.parent() == Some(&versions)
        && std::fs::canonicalize(&versions).is_ok_and(|real| prefix.starts_with(&real));
    Some(Version { prefix, written, installed, by: None })
}

/// The newest released version below `versions` that begins with `name` and `.` or `-`.
fn newest(versions: &Path, name: &str) -> Option<PathBuf> {
    let installed = std::fs::read_dir(versions).ok()?.flatten();
    let names = installed.filter_map(|entry| entry.file_name().into_string().ok());
    let (stem, threaded) = match name.strip_suffix('t') {
        Some(stem) if stem.ends_with(|c: char| c.is_ascii_digit()) => (stem, true),
        _ => (name, false),
    };
    names
        .filter(|one| {
            let rest = one.strip_prefix(stem);
            rest.is_some_and(|rest| rest.starts_with(['.', '-'])) && released(one, threaded)
        })
        .max_by_key(|one| order(one))
        .map(|one| versions.join(one))
}

fn released(name: &str, threaded: bool) -> bool {
    let unfinished = ["-dev", "-src", "-latest"].iter().any(|end| name.ends_with(end));
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let candidate = stem.len() < name.len()
        && ["a", "b", "rc"].iter().any(|mark| {
            stem.strip_suffix(mark).is_some_and(|s| s.ends_with(|c: char| c.is_ascii_digit()))
        });
    let is_threaded =
        name.strip_suffix('t').is_some_and(|s| s.ends_with(|c: char| c.is_ascii_digit()));
    !unfinished && !candidate && is_threaded == threaded
}

/// What orders versions: their numbers, then their names.
fn order(name: &str) -> (Vec<u64>, String) {
    let numbers = name.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    (numbers.collect(), name.to_owned())
}
