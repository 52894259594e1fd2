//! Nothing may be left of a run: no process, mount, control group, slot or file.
//!
//! Each check asks for things that have *no living owner*, not only for things that are new, so
//! that other tests may run at the same time, in this process or in others:
//! - processes: this process is a subreaper, so whatever isobar orphans becomes its child. A child
//!   that it did not start itself, and that is called isobar or is in another pid namespace, is
//!   left over. (A guest's processes cannot leave their namespace, whose init is such a child.)
//! - slots and control groups: each belongs to a slot file that its holder keeps locked; an
//!   unlocked one, and a control group without one, is left over.
//! - mounts: none of this process's mount namespace lies under the scratch directory or is named
//!   after isobar.
//! - files: nothing named after isobar in the temporary directory, but for state directories and
//!   the scratch directories of tests.
//!
//! The kernel finishes some ends a little later (a killed supervisor's init, a control group's last
//! task), so each check waits for absence, bounded. There is nothing to be notified by.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, waitpid};

use super::Ended;

/// How long the kernel may take.
const GRACE: Duration = Duration::from_secs(5);

/// The children that tests started themselves.
static STARTED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn started() -> MutexGuard<'static, BTreeSet<u32>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a child that is no leftover. A test that starts isobar by other means must do the same.
pub(super) fn spawn(command: &mut Command) -> Child {
    static SUBREAPER: Once = Once::new();
    // Any pid means "on"; the setting is of the process, and children do not inherit it.
    SUBREAPER.call_once(|| set_child_subreaper(Some(getpid())).expect("prctl(2) allows this"));
    // Held until the number is noted: another test's check may come between.
    let mut started = started();
    let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    started.insert(child.id());
    child
}

/// The child was awaited; its number is free.
pub(super) fn ended(pid: u32) {
    started().remove(&pid);
}

/// Polls until `done` or until `patience` is over.
pub(super) fn until(patience: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() && start.elapsed() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What is there before a run, owned or not: whatever becomes of it is not of this run's making.
pub(super) fn there() -> BTreeSet<String> {
    let slots = slots().into_iter().map(|(name, _)| slot_text(&name));
    let groups = groups().into_iter().map(|group| group_text(&group));
    slots.chain(groups).chain(files()).collect()
}

/// Fails the test if anything is left that was not there `before`.
pub(super) fn assert_nothing_left(scratch: &Path, before: &BTreeSet<String>, ended: &Ended) {
    let mut left = Vec::new();
    until(GRACE, || {
        left = left_now(scratch, before);
        left.is_empty()
    });
    assert!(left.is_empty(), "left behind:\n  {}\n{ended}", left.join("\n  "));
}

/// What is left at this moment; some of it may yet go by itself.
pub(super) fn left_now(scratch: &Path, before: &BTreeSet<String>) -> Vec<String> {
    let mut left = processes();
    left.extend(slots_and_groups());
    left.extend(mounts(scratch));
    left.extend(files());
    left.retain(|one| !before.contains(one));
    left
}

fn processes() -> Vec<String> {
    let started = started();
    let own = getpid().as_raw_nonzero().get().to_string();
    let own_namespace = fs::read_link("/proc/self/ns/pid").ok();
    let mut left = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc is mounted").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Some((name, state, parent)) = stat(pid) else { continue };
        if parent != own || started.contains(&pid) {
            continue;
        }
        if state == "Z" {
            // Dead and orphaned: this process is its reaper.
            let pid = Pid::from_raw(i32::try_from(pid).unwrap());
            waitpid(pid, WaitOptions::NOHANG).ok();
            continue;
        }
        let namespace = fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        if name.starts_with("isobar") || (namespace.is_some() && namespace != own_namespace) {
            left.push(format!("process {pid} {name} in state {state}"));
        }
    }
    left
}

/// Name, state and parent of a process, as proc_pid_stat(5) has them.
fn stat(pid: u32) -> Option<(String, String, String)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = text.rsplit_once(')')?;
    let mut fields = tail.split_whitespace();
    let name = head.split_once('(')?.1.to_owned();
    Some((name, fields.next()?.to_owned(), fields.next()?.to_owned()))
}

/// The state directory of this user, by the rule of the engine.
pub(super) fn state_dir() -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    if uid == 0 {
        return "/run/isobar".into();
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .filter(|path| path.is_absolute() && path.is_dir())
        .map_or_else(|| format!("/tmp/isobar-{uid}").into(), |path| path.join("isobar"))
}

/// The slot files, and whether somebody holds them.
fn slots() -> Vec<(String, bool)> {
    let mut slots = Vec::new();
    for entry in fs::read_dir(state_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = fs::File::options().read(true).write(true).open(entry.path());
        if let (true, Ok(file)) = (name.starts_with("slot-"), file) {
            let held = flock(&file, FlockOperation::NonBlockingLockShared).is_err();
            slots.push((name, held));
        }
    }
    slots
}

/// The control groups that are named after a slot of this user's; others may run isobar, too.
fn groups() -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid().as_raw();
    let mut groups = Vec::new();
    // Deep enough for a scope of the user manager's.
    named_after_isobar(Path::new("/sys/fs/cgroup"), 6, &mut groups);
    groups.retain(|group| fs::metadata(group).is_ok_and(|data| data.uid() == own));
    groups
}

fn slots_and_groups() -> Vec<String> {
    let slots = slots();
    let is_held = |group: &PathBuf| {
        let name = group.file_name().unwrap_or_default().to_string_lossy();
        let number = name.rsplit('-').next().unwrap_or_default();
        slots.iter().any(|(slot, held)| *held && *slot == format!("slot-{number}"))
    };
    let unheld = slots.iter().filter(|(_, held)| !held).map(|(name, _)| slot_text(name));
    let orphans = groups().into_iter().filter(|group| !is_held(group));
    unheld.chain(orphans.map(|group| group_text(&group))).collect()
}

fn slot_text(name: &str) -> String {
    format!("slot file {name}")
}

fn group_text(group: &Path) -> String {
    format!("control group {}", group.display())
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

fn mounts(scratch: &Path) -> Vec<String> {
    let scratch = scratch.to_str().expect("a scratch directory has a plain name");
    let text = fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
    let ours = |line: &&str| {
        let fields: Vec<&str> = line.split(' ').collect();
        // proc_pid_mountinfo(5): the mount point is the fifth field; the source follows the dash.
        let point = fields.get(4).copied().unwrap_or_default();
        let source = line.rsplit_once(" - ").and_then(|(_, tail)| tail.split(' ').nth(1));
        point.starts_with(scratch) || source.is_some_and(|source| source.starts_with("isobar"))
    };
    text.lines().filter(ours).map(|line| format!("mount {line}")).collect()
}

fn files() -> Vec<String> {
    let is_state =
        |name: &str| name.strip_prefix("isobar-").is_some_and(|end| end.parse::<u32>().is_ok());
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name.starts_with("isobar-") || name.starts_with(".isobar-"))
        .filter(|name| !name.starts_with("isobar-test-") && !is_state(name))
        .map(|name| format!("file {name} in the temporary directory"))
        .collect()
}
