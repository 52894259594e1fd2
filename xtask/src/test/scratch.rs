//! Directories that a test run works in, and the remains of runs that were killed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// Where they are made: a short path on a real file system, rarely mounted noexec.
const PARENT: &str = "/var/tmp";

/// How their names begin; the pid of the maker follows.
const PREFIX: &str = "isobar-test-";

/// Makes a directory that every user can enter, when it is dropped, or else by the next run.
pub(crate) fn dir() -> Result<TempDir> {
    remove_stale(Path::new(PARENT));
    tempfile::Builder::new()
        .prefix(&format!("{PREFIX}{}-", std::process::id()))
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(PARENT)
        .with_context(|| format!("cannot make a directory in {PARENT}"))
}

/// Removes the directories of runs that were killed before they could.
fn remove_stale(parent: &Path) {
    let own = rustix::process::geteuid().as_raw();
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let maker = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        let ours = entry.metadata().is_ok_and(|data| data.is_dir() && data.uid() == own);
        if let Some(pid) = maker
            && ours
            && !Path::new("/proc").join(pid).exists()
        {
            println!("removing what a killed run has left: {}", entry.path().display());
            fs::remove_dir_all(entry.path()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_directories_of_dead_runs_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let live = parent.path().join(format!("{PREFIX}{}-x", std::process::id()));
        let dead = parent.path().join(format!("{PREFIX}4194305-x")); // above the largest pid
        let other = parent.path().join("other-4194305-x");
        for dir in [&live, &dead, &other] {
            fs::create_dir(dir).unwrap();
        }
        remove_stale(parent.path());
        assert_eq!((live.exists(), dead.exists(), other.exists()), (true, false, true));
    }
}
