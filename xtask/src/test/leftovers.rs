//! Processes that tests have left behind: none may be there when the tests have ended.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long processes that are already dying may take.
const GRACE: Duration = Duration::from_secs(2);

/// Whose processes are looked for.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    /// Any of real, effective, saved and file system user id is this one.
    Uid(u32),
    /// In this process group.
    Group(u32),
}

/// A process that still runs.
#[derive(Debug)]
pub(crate) struct Leftover {
    pid: i32,
    name: String,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the process {} ({})", self.pid, self.name)
    }
}

/// Ends and returns the processes of `owner` that are still there after a grace period.
pub(crate) fn end(owner: Owner) -> Vec<Leftover> {
    let left = after_grace(owner);
    for pid in left.iter().filter_map(|process| Pid::from_raw(process.pid)) {
        kill_process(pid, Signal::KILL).ok();
    }
    left
}

fn after_grace(owner: Owner) -> Vec<Leftover> {
    let deadline = Instant::now() + GRACE;
    loop {
        let left = processes_of(owner);
        if left.is_empty() || Instant::now() >= deadline {
            return left;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All processes of `owner` but those that only wait to be reaped.
pub(crate) fn processes_of(owner: Owner) -> Vec<Leftover> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let belongs = match owner {
                Owner::Uid(uid) => has_uid(&status, uid),
                Owner::Group(group) => group_of(&stat) == Some(group),
            };
            let alive = !field(&status, "State:").starts_with('Z');
            (belongs && alive).then(|| Leftover { pid, name: field(&status, "Name:").into() })
        })
        .collect()
}

fn has_uid(status: &str, uid: u32) -> bool {
    field(status, "Uid:").split_whitespace().any(|word| word.parse() == Ok(uid))
}

/// The process group in `/proc/PID/stat`: the third field after the name, which may hold anything.
fn group_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

fn field<'a>(status: &'a str, name: &str) -> &'a str {
    status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_under_its_own_user() {
        let own = rustix::process::geteuid().as_raw();
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(processes_of(Owner::Uid(own)).iter().any(|process| process.pid == pid));
    }

    #[test]
    fn the_group_is_read_behind_a_hostile_name() {
        assert_eq!(group_of("7 (a) R 1) S 1 42 42 0 -1"), Some(42));
    }

    #[test]
    fn every_one_of_the_four_ids_counts() {
        let status = "Name:\tsleep\nUid:\t0\t0\t31000\t0\n";
        assert!(has_uid(status, 31000), "a saved id is a way back");
        assert!(!has_uid(status, 31001));
    }
}
