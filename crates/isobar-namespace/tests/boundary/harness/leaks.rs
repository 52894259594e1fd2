//! Nothing may be left of a sandbox: no process, mount, control group, slot, file or descriptor.
//!
//! Processes and descriptors are counted, since scenes exclude each other. Slots and control groups
//! may also belong to somebody else who runs isobar on this machine: those have a holder that is
//! alive, so only what nobody holds is left over.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

/// How long somebody else's isobar may take between two steps of its own.
const GRACE: Duration = Duration::from_secs(10);

/// What there was before a test.
#[derive(Debug)]
pub(crate) struct Before {
    descriptors: usize,
    mounts: usize,
    /// What somebody else had left.
    foreign: Vec<String>,
}

impl Before {
    pub(super) fn now() -> Self {
        Self { descriptors: descriptors(), mounts: mounts().len(), foreign: slots_and_groups() }
    }

    /// Fails the test if anything is left.
    pub(super) fn assert_nothing_left(&self, scratch: &Path) {
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(children_of(own), [] as [i32; 0], "a process is left");
        // The test runner's own threads open and close some: fewer than before is no leak.
        let mut open = 0;
        until(|| {
            open = descriptors();
            open <= self.descriptors
        });
        assert!(
            open <= self.descriptors,
            "{open} descriptors are open, {} before",
            self.descriptors
        );
        let below: Vec<_> =
            mounts().into_iter().filter(|one| one.contains(scratch.to_str().unwrap())).collect();
        assert_eq!(below, [] as [String; 0], "a mount is left below the scratch directory");
        // Somebody else may unmount something meanwhile.
        assert!(mounts().len() <= self.mounts, "the mount table grew");
        let mut left = Vec::new();
        until(|| {
            left = slots_and_groups();
            left.retain(|one| !self.foreign.contains(one));
            left.is_empty()
        });
        assert_eq!(left, [] as [String; 0], "nobody holds these");
    }
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("/proc is mounted").count()
}

fn mounts() -> Vec<String> {
    let text = fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
    text.lines().map(str::to_owned).collect()
}

/// Looks again until `done` or until the grace is over: there is nothing to be notified by.
pub(crate) fn until(mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() > GRACE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The children of a process, zombies included.
pub(crate) fn children_of(parent: i32) -> Vec<i32> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc is mounted").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // proc_pid_stat(5): the parent is the second field after the name.
        let of = stat.rsplit_once(')').and_then(|(_, tail)| tail.split_whitespace().nth(1));
        if of == Some(&parent.to_string()) {
            children.push(pid);
        }
    }
    children
}

/// The state directory of this user, by the documented rule.
fn state_dir() -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    if uid == 0 {
        return "/run/isobar".into();
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .filter(|path| path.is_absolute() && path.is_dir())
        .map_or_else(|| format!("/tmp/isobar-{uid}").into(), |path| path.join("isobar"))
}

fn slots_and_groups() -> Vec<String> {
    let mut left = Vec::new();
    let mut held = BTreeSet::new();
    for entry in fs::read_dir(state_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(number) = name.strip_prefix("slot-") else { continue };
        let Ok(file) = fs::File::options().read(true).write(true).open(entry.path()) else {
            continue;
        };
        if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
            left.push(format!("slot file {name}"));
        } else {
            held.insert(number.to_owned());
        }
    }
    for group in groups() {
        let name = group.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = name.rsplit('-').next().unwrap_or_default();
        if !held.contains(number) {
            left.push(format!("control group {}", group.display()));
        }
    }
    left
}

/// Every control group that is named after isobar.
fn groups() -> Vec<PathBuf> {
    let mut found = Vec::new();
    // Deep enough for a scope of the user manager's.
    named_after_isobar(Path::new("/sys/fs/cgroup"), 6, &mut found);
    found
}

/// The memory group whose member `pid` is.
pub(crate) fn memory_group_of(pid: i32) -> Option<PathBuf> {
    let limits = ["memory.limit_in_bytes", "memory.max"];
    let limited = |path: &PathBuf| limits.iter().any(|file| path.join(file).exists());
    groups().into_iter().filter(limited).find(|path| {
        let members = ["tasks", "cgroup.procs"].map(|file| fs::read_to_string(path.join(file)));
        members.iter().flatten().flat_map(|text| text.lines()).any(|line| line == pid.to_string())
    })
}

fn named_after_isobar(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if entry.file_name().to_string_lossy().starts_with("isobar-") {
            found.push(entry.path());
        }
        if depth > 0 {
            named_after_isobar(&entry.path(), depth - 1, found);
        }
    }
}
