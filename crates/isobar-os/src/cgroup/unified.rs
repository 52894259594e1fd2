//! The unified hierarchy (version 2): where it is mounted, and below which of its groups sandboxes may
//! have theirs (kernel document admin-guide/cgroup-v2).
//!
//! A group with processes in it cannot hand controllers down ("no internal processes"), so a sandbox's
//! group is never made below the caller's own. What works is tried in this order:
//! - root: `isobar` below the top of the hierarchy, which is exempt from that rule;
//! - whoever was given a subtree: the nearest group above the caller's own that is the caller's to
//!   fill. A slice is systemd's own, which takes controllers away again, and nobody looks beyond it;
//! - an ordinary user of a systemd user manager: a scope of isobar's own ([`super::scope`]), not offered yet.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use isobar_policy::Controller;
use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::discover::DiscoverError;
use super::group::CgroupError;
use super::scope;
use crate::mountinfo;

/// The directory of root's sandboxes below the top. It stays, as the state directory does.
const OWN: &str = "isobar";

/// The calling process in the unified hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unified {
    point: PathBuf,
    own: PathBuf,
}

impl Unified {
    /// Reads the calling process's mounts and group. `None` where the hierarchy is not mounted or
    /// does not show the group that the process is in.
    ///
    /// # Errors
    /// [`DiscoverError`]
    pub fn discover() -> Result<Option<Self>, DiscoverError> {
        let read = |path: &'static str| {
            fs::read_to_string(path).map_err(|source| DiscoverError::Read { path, source })
        };
        Ok(Self::parse(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?))
    }

    fn parse(mounts: &str, groups: &str) -> Option<Self> {
        let mounts = mountinfo::parse_kinds(mounts, &["cgroup2"]);
        let mount = mounts.iter().rfind(|mount| mount.kind == "cgroup2")?;
        let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
        let below = if mount.root == "/" { own } else { own.strip_prefix(mount.root.as_str())? };
        // A path outside what the mount or the namespace shows (`/..`) is not ours to use.
        if below.split('/').any(|part| part == "..") {
            return None;
        }
        let point = PathBuf::from(&mount.point);
        let below = below.trim_start_matches('/');
        let own = if below.is_empty() { point.clone() } else { point.join(below) };
        Some(Self { point, own })
    }

    /// The group that the process is in.
    #[must_use]
    pub fn own(&self) -> &Path {
        &self.own
    }

    /// Whether the hierarchy carries `controller` at all. Processor time is counted in every group.
    #[must_use]
    pub fn carries(&self, controller: Controller) -> bool {
        match wanted(controller) {
            None => true,
            Some(name) => holds(&self.point.join("cgroup.controllers"), name),
        }
    }

    /// The groups that may be the base, nearest first. Our own is none of them: we are in it.
    fn above_own(&self) -> impl Iterator<Item = &Path> {
        let ours = |path: &&Path| path.starts_with(&self.point) && !is_managed(path);
        self.own.ancestors().take_while(ours).skip(1)
    }
}

/// A group whose children systemd looks after: what others make there may lose its controllers.
fn is_managed(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let user_manager = name.starts_with("user@");
    user_manager || path.extension().is_some_and(|end| end == "slice")
}

/// The name under which a controller is handed down; none for what every group does.
const fn wanted(controller: Controller) -> Option<&'static str> {
    match controller {
        Controller::Memory | Controller::Pids | Controller::Cpu => Some(controller.name()),
        Controller::Cpuacct => None,
    }
}

fn holds(file: &Path, name: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.split_whitespace().any(|one| one == name))
}

/// A group below which sandboxes have theirs, with the controllers handed down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    directory: PathBuf,
}

impl Base {
    /// Finds or makes one that hands down `controllers`. Once scopes are offered, which they are not yet, it may
    /// move the calling process, with all its threads, into a scope of its own, where it stays.
    ///
    /// # Errors
    /// [`CgroupError`], with all that was tried.
    pub fn settle(controllers: &[Controller]) -> Result<Self, CgroupError> {
        let unified = Unified::discover().ok().flatten();
        let Some(unified) = unified else { return Err(CgroupError::NotMounted) };
        let mut tried = Vec::new();
        let root = rustix::process::geteuid().is_root();
        if root {
            match top(&unified.point, controllers) {
                Ok(base) => return Ok(base),
                Err(error) => tried.push(error),
            }
        }
        match Self::near(&unified, controllers) {
            Ok(base) => return Ok(base),
            Err(errors) => tried.extend(errors),
        }
        if !root && !scope::OFFERED {
            tried.push(format!("the user manager: {}", scope::NOT_OFFERED));
        } else if !root {
            let moved = scope::enter().map_err(|error| attempt("the user manager", &error));
            let moved = moved.and_then(|own| Self::in_scope(&own, controllers));
            match moved {
                Ok(base) => return Ok(base),
                Err(error) => tried.push(error),
            }
        }
        let read_only = is_read_only(&unified.point);
        Err(CgroupError::NoBase { tried: tried.join("; "), read_only })
    }

    /// The nearest group above our own that can be filled.
    fn near(unified: &Unified, controllers: &[Controller]) -> Result<Self, Vec<String>> {
        let mut tried = Vec::new();
        for directory in unified.above_own() {
            let usable = may_fill(directory)
                .and_then(|()| has_nobody(directory))
                .and_then(|()| hand_down(directory, controllers));
            match usable {
                Ok(()) => return Ok(Self { directory: directory.to_owned() }),
                Err(error) => tried.push(attempt(&directory.display().to_string(), &error)),
            }
        }
        Err(tried)
    }

    /// Our own scope, once we have left its top for a leaf.
    fn in_scope(own: &Path, controllers: &[Controller]) -> Result<Self, String> {
        let leaf = own.join("supervisor");
        let settle = || {
            fs::create_dir(&leaf)?;
            fs::write(leaf.join("cgroup.procs"), "0")?;
            hand_down(own, controllers)
        };
        match settle() {
            Ok(()) => Ok(Self { directory: own.to_owned() }),
            Err(error) => Err(attempt(&own.display().to_string(), &error)),
        }
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether it is a scope of isobar's own.
    #[must_use]
    pub fn is_scope(&self) -> bool {
        scope::is_named_so(&self.directory)
    }
}

/// Root's own directory below the top.
fn top(point: &Path, controllers: &[Controller]) -> Result<Base, String> {
    let directory = point.join(OWN);
    let make = || {
        // The top of all has no type; what a namespace shows as the top is a group like others.
        if point.join("cgroup.type").exists() {
            has_nobody(point)?;
        }
        hand_down(point, controllers)?;
        match fs::create_dir(&directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // Systemd cannot take away at the top what is handed down here.
        hand_down(&directory, controllers)
    };
    match make() {
        Ok(()) => Ok(Base { directory }),
        Err(error) => Err(attempt(&point.display().to_string(), &error)),
    }
}

/// Whether groups can be made in `directory` and processes be moved between them.
fn may_fill(directory: &Path) -> io::Result<()> {
    for path in [directory.to_owned(), directory.join("cgroup.procs")] {
        accessat(CWD, &path, Access::WRITE_OK, AtFlags::EACCESS)?;
    }
    Ok(())
}

/// Whether no process is in `directory` itself. The kernel would hand `pids` and `cpu` down all the
/// same, and turn the group into one for threads, below which no process can be made.
fn has_nobody(directory: &Path) -> io::Result<()> {
    let members = fs::read_to_string(directory.join("cgroup.procs"))?;
    if members.is_empty() { Ok(()) } else { Err(rustix::io::Errno::BUSY.into()) }
}

/// Hands `controllers` down to the groups below `directory`.
fn hand_down(directory: &Path, controllers: &[Controller]) -> io::Result<()> {
    let file = directory.join("cgroup.subtree_control");
    let there = fs::read_to_string(&file)?;
    let missing = controllers.iter().filter_map(|one| wanted(*one));
    let missing = missing.filter(|name| !there.split_whitespace().any(|one| one == *name));
    let line: Vec<String> = missing.map(|name| format!("+{name}")).collect();
    if line.is_empty() { Ok(()) } else { fs::write(&file, line.join(" ")) }
}

fn is_read_only(point: &Path) -> bool {
    accessat(CWD, point, Access::WRITE_OK, AtFlags::EACCESS) == Err(rustix::io::Errno::ROFS)
}

fn attempt(what: &str, error: &dyn std::error::Error) -> String {
    let mut text = format!("{what}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "33 25 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";

    fn above(group: &str) -> Vec<String> {
        let unified = Unified::parse(MOUNTS, &format!("0::{group}\n")).expect("it is mounted");
        unified.above_own().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn the_own_group_is_found_below_the_mount() {
        let own = |mounts: &str, group: &str| {
            Unified::parse(mounts, &format!("1:memory:/x\n0::{group}\n")).map(|one| one.own)
        };
        assert_eq!(own(MOUNTS, "/a/b"), Some("/sys/fs/cgroup/a/b".into()));
        assert_eq!(own(MOUNTS, "/"), Some("/sys/fs/cgroup".into()), "at the top");
        let subtree = "33 25 0:29 /a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        assert_eq!(own(subtree, "/a/b"), Some("/sys/fs/cgroup/b".into()), "a mounted subtree");
        assert_eq!(own(MOUNTS, "/../b"), None, "outside the namespace");
        let old = "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        assert_eq!(own(old, "/"), None, "another version");
    }

    #[test]
    fn nobody_looks_beyond_what_systemd_manages() {
        assert_eq!(above("/jobs/7"), ["/sys/fs/cgroup/jobs", "/sys/fs/cgroup"]);
        let manager = "/user.slice/user-1000.slice/user@1000.service/app.slice";
        let scope = format!("/sys/fs/cgroup{manager}/run-isobar-7.scope");
        let found = above(&format!("{manager}/run-isobar-7.scope/supervisor"));
        assert_eq!(found, [scope], "the scope, and not its neighbours");
        assert_eq!(
            above("/user.slice/user-1000.slice/session-1.scope").len(),
            0,
            "a login session"
        );
    }

    #[test]
    fn only_what_is_not_handed_down_yet_is_asked_for() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let file = scratch.path().join("cgroup.subtree_control");
        fs::write(&file, "cpuset memory\n").expect("a file like the kernel's");
        let all = Controller::ALL;
        hand_down(scratch.path(), &all).expect("it can be written");
        assert_eq!(fs::read_to_string(&file).expect("written"), "+pids +cpu");
        fs::write(&file, "cpu memory pids\n").expect("as the kernel would show it");
        hand_down(scratch.path(), &all).expect("nothing to do");
        let after = fs::read_to_string(&file).expect("still there");
        assert_eq!(after, "cpu memory pids\n", "whoever may only read is not asked to write");
    }
}
