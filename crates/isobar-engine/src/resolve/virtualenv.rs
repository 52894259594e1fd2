//! Virtual environments of Python: a directory with `pyvenv.cfg`, and the installation that it is
//! based on (PEP 405).
//!
//! The program must be executed by its path inside the environment, since that is how CPython
//! finds out that it is in one. `pyvenv.cfg` may have been written by an earlier guest, so the
//! base that it names is taken only if it looks like an installation of Python.

use std::path::{Path, PathBuf};

use super::error::ResolveError;
use super::prefix;
use super::program;
use super::text_file::read_text;
use super::view::in_system;

/// The installations that the environment in `directory` is based on, as it writes them; `None`
/// where `directory` is no environment. A base in the system's directories is not listed.
pub(super) fn bases(
    directory: &Path,
    home: Option<&Path>,
) -> Result<Option<Vec<PathBuf>>, ResolveError> {
    let Some(text) = read_text(&directory.join("pyvenv.cfg")) else { return Ok(None) };
    let Some(bin) = value_of(&text, "home").map(PathBuf::from) else { return Ok(None) };
    if in_system(&bin) {
        return Ok(Some(Vec::new()));
    }
    let base = bin.parent().map(Path::to_path_buf).unwrap_or_default();
    let sound = bin.is_absolute()
        && bin.file_name().is_some_and(|name| name == "bin")
        && is_python(&base)
        && std::fs::canonicalize(&base).is_ok_and(|real| !prefix::is_private(&real, home));
    if !sound {
        return Err(ResolveError::VirtualenvBase { environment: directory.to_path_buf(), base });
    }
    Ok(Some(vec![base]))
}

/// The value of `key` in the form of `pyvenv.cfg`: `key = value`, one a line, case ignored.
pub(super) fn value_of<'text>(text: &'text str, key: &str) -> Option<&'text str> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find_map(|(name, value)| name.trim().eq_ignore_ascii_case(key).then(|| value.trim()))
}

/// Whether `base` has an interpreter and its library.
fn is_python(base: &Path) -> bool {
    let names = ["python3", "python", "pypy3", "pypy"];
    let interpreter = names.iter().any(|name| program::is_executable(&base.join("bin").join(name)));
    interpreter && ["lib", "lib64"].iter().any(|lib| holds_library(&base.join(lib)))
}

fn holds_library(lib: &Path) -> bool {
    let Ok(listing) = std::fs::read_dir(lib) else { return false };
    listing.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        (name.starts_with("python") || name.starts_with("pypy")) && entry.path().is_dir()
    })
}
