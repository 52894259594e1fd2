//! The ordinary user as whom root runs the tests again.
//!
//! The user is a free uid without an entry in the user database, so that nothing else runs under it
//! and everything that is left of it afterwards was left by the tests. The checkout may lie below a
//! home that is closed to others, so sources, executables and the virtual environment are copied
//! into a fresh directory that everybody can read; it is removed when [`User`] is dropped.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::arena::Arena;
use super::leftovers::{self, Owner};
use super::{Suite, Tally, copy, open_to_everybody, scratch};

/// Where the search for a free uid begins: above what distributions give to people and services,
/// below every range of subordinate ids.
const FIRST_UID: u32 = 31_000;

/// The path of the ordinary user: the system's programs, nothing below anybody's home.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What of the checkout is not copied.
const NOT_COPIED: [&str; 2] = ["target", ".git"];

/// An ordinary user with a directory of its own.
pub(crate) struct User {
    uid: u32,
    arena: Arena,
    dir: TempDir,
}

impl User {
    /// Picks a uid and copies what `caller` runs with to where that uid can read it.
    pub(crate) fn new(caller: &Arena) -> Result<Self> {
        let uid = free_uid()?;
        let dir = scratch::dir()?;
        println!("ordinary user: uid {uid}, in {}", dir.path().display());
        let at = |name: &str| dir.path().join(name);

        copy(&caller.bin, &at("bin"))?;
        copy(&caller.fault_bin, &at("fault"))?;
        copy(&caller.venv, &at("venv"))?;
        // The links in it lead to what lies beside it.
        copy(caller.peers.parent().context("peers lie together")?, &at("peers"))?;
        copy_tree(&caller.tree, &at("tree"))?;
        fs::create_dir(at("suites"))?;
        fs::create_dir(at("logs"))?;
        open_to_everybody(dir.path())?;
        for own in ["home", "tmp"] {
            fs::create_dir(at(own))?;
            fs::set_permissions(at(own), fs::Permissions::from_mode(0o700))?;
            chown(at(own), Some(uid), Some(uid))?;
        }
        let arena = Arena {
            who: "user",
            tree: at("tree"),
            bin: at("bin"),
            fault_bin: at("fault"),
            venv: at("venv"),
            peers: at("peers/bin"),
            logs: at("logs"),
            tmp: at("tmp"),
            prefix: dropping_to(uid),
            environment: Some(vec![
                ("PATH", PATH.into()),
                ("HOME", at("home").into()),
                ("LANG", "C.UTF-8".into()),
                ("RUST_BACKTRACE", "1".into()),
            ]),
        };
        Ok(Self { uid, arena, dir })
    }

    /// Runs every suite as this user; a process that is left behind is a failure.
    pub(crate) fn run_all(&self, suites: &[Suite]) -> Result<Tally> {
        let mut tally = Tally::default();
        for suite in suites {
            let readable = self.readable_copy(suite)?;
            tally += self.arena.run_all(&[readable])?;
            for left in leftovers::end(Owner::Uid(self.uid)) {
                tally.fail(format!("user: {} left {left}", suite.name()));
            }
        }
        Ok(tally)
    }

    /// The suite with its executable where the user can read it.
    fn readable_copy(&self, suite: &Suite) -> Result<Suite> {
        let to = self.dir.path().join("suites").join(suite.name());
        fs::copy(&suite.executable, &to)
            .and_then(|_| fs::set_permissions(&to, fs::Permissions::from_mode(0o755)))
            .with_context(|| format!("cannot copy {}", suite.executable.display()))?;
        Ok(Suite { executable: to, ..suite.clone() })
    }
}

/// The words that start a command as `uid`: no group but its own, no capability. no_new_privs is
/// not set, since a login shell has not set it either.
fn dropping_to(uid: u32) -> Vec<OsString> {
    vec![
        "setpriv".into(),
        format!("--reuid={uid}").into(),
        format!("--regid={uid}").into(),
        "--clear-groups".into(),
        "--inh-caps=-all".into(),
        "--".into(),
    ]
}

/// A uid that neither the user database, the group database nor a process uses.
pub(crate) fn free_uid() -> Result<u32> {
    let mut taken = HashSet::new();
    for database in ["/etc/passwd", "/etc/group"] {
        let text = fs::read_to_string(database).unwrap_or_default();
        taken.extend(text.lines().filter_map(|line| line.split(':').nth(2)?.parse::<u32>().ok()));
    }
    (FIRST_UID..FIRST_UID + 1000)
        .find(|uid| !taken.contains(uid) && leftovers::processes_of(Owner::Uid(*uid)).is_empty())
        .context("no free uid for the ordinary user")
}

/// Copies a checkout without what was built in it.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    let entries: Vec<PathBuf> = fs::read_dir(from)
        .with_context(|| format!("cannot list {}", from.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    for entry in entries {
        let Some(name) = entry.file_name() else { continue };
        if !NOT_COPIED.iter().any(|skipped| name == *skipped) {
            copy(&entry, &to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_uid_belongs_to_nobody() {
        let uid = free_uid().unwrap();
        assert!(uid >= FIRST_UID);
        assert!(
            leftovers::processes_of(Owner::Uid(uid)).is_empty(),
            "its leftovers would not be ours"
        );
    }

    #[test]
    fn what_was_built_is_not_copied() {
        let from = tempfile::tempdir().unwrap();
        fs::create_dir(from.path().join("target")).unwrap();
        fs::write(from.path().join("kept"), "x").unwrap();
        let to = tempfile::tempdir().unwrap();
        copy_tree(from.path(), &to.path().join("tree")).unwrap();
        assert!(to.path().join("tree/kept").exists());
        assert!(!to.path().join("tree/target").exists(), "gigabytes would be copied");
    }
}
