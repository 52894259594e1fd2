//! The files of a release, laid out as below `/usr`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::budget::EXECUTABLES;
use crate::{process, workspace};

/// Where the executables lie together, below `/usr`.
pub(crate) const LIBEXEC: &str = "libexec/isobar";

/// The documents that a release carries.
const DOCUMENTS: [&str; 5] = ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "docs"];

/// A directory that looks like `/usr` with isobar installed and nothing else.
pub(crate) struct Layout {
    pub(crate) usr: PathBuf,
}

impl Layout {
    /// Lays everything out anew in `directory`.
    pub(crate) fn make(directory: &Path, executables: &Path) -> Result<Self> {
        if directory.exists() {
            fs::remove_dir_all(directory)
                .with_context(|| format!("cannot remove {}", directory.display()))?;
        }
        let usr = directory.join("usr");
        let libexec = usr.join(LIBEXEC);
        fs::create_dir_all(&libexec)?;
        for executable in &EXECUTABLES {
            fs::copy(executables.join(executable.name), libexec.join(executable.name))?;
        }
        fs::create_dir_all(usr.join("bin"))?;
        std::os::unix::fs::symlink(format!("../{LIBEXEC}/isobar"), usr.join("bin/isobar"))?;
        let share = usr.join("share");
        process::run(
            process::cargo()
                .args(["run", "--quiet", "--package", "isobar", "--example", "pages", "--"])
                .arg(&share),
        )?;
        let documents = share.join("doc/isobar");
        fs::create_dir_all(&documents)?;
        for name in DOCUMENTS {
            let from = workspace::root().join(name);
            process::run(process::command("cp").arg("--recursive").arg(from).arg(&documents))?;
        }
        let layout = Self { usr };
        for path in layout.files()? {
            let executable = path.starts_with(layout.usr.join(LIBEXEC));
            let mode = if executable { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        }
        Ok(layout)
    }

    /// Every regular file, sorted.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut open = vec![self.usr.clone()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(&directory)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755))?;
                    open.push(entry.path());
                } else if kind.is_file() {
                    found.push(entry.path());
                } else if !kind.is_symlink() {
                    bail!("{} is no file", entry.path().display());
                }
            }
        }
        found.sort();
        Ok(found)
    }
}
