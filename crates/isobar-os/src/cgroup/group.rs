//! The groups of one sandbox.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use isobar_policy::{CgroupVersion, Controller};
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, pread};

use super::place::Place;

/// What went wrong with a group.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CgroupError {
    /// Nothing carries the controller.
    #[error("no control group hierarchy carries the {} controller", .controller.name())]
    Missing {
        /// Which controller.
        controller: Controller,
    },
    /// There is no unified hierarchy, or our own group is outside what is mounted of it.
    #[error("the unified control group hierarchy is not mounted here")]
    NotMounted,
    /// Nowhere in the unified hierarchy may we make a group that is handed the controllers.
    #[error("no group of the unified hierarchy is ours to fill: {tried}")]
    NoBase {
        /// What was tried, and why each failed.
        tried: String,
        /// Whether that is because the file system is mounted read-only.
        read_only: bool,
    },
    /// A group could not be made.
    #[error("cannot make the control group {path}")]
    Make {
        /// Its directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A limit could not be set, or a file not be opened or read.
    #[error("cannot use {path}")]
    Use {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A group could not be removed.
    #[error("cannot remove the control group {path}")]
    Remove {
        /// Its directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What the groups are to enforce. `None` enforces nothing; its group may still be made to count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, swap included where the kernel accounts it.
    pub memory_bytes: Option<u64>,
    /// Tasks.
    pub tasks: Option<u32>,
    /// Thousandths of a processor.
    pub cpu_millis: Option<u32>,
    /// Count processor time.
    pub count_cpu: bool,
}

impl Limits {
    /// The controllers that they need.
    pub fn controllers(self) -> impl Iterator<Item = Controller> {
        let needed = [
            (self.memory_bytes.is_some(), Controller::Memory),
            (self.tasks.is_some(), Controller::Pids),
            (self.cpu_millis.is_some(), Controller::Cpu),
            (self.count_cpu, Controller::Cpuacct),
        ];
        needed.into_iter().filter_map(|(needed, controller)| needed.then_some(controller))
    }
}

/// One controller's group. Dropping it removes the directory where that is possible.
#[derive(Debug)]
pub struct Group {
    controller: Controller,
    version: CgroupVersion,
    path: PathBuf,
    removed: bool,
}

impl Group {
    /// Makes the group `name` at its place, unless one of `made` is the same directory: then that
    /// one's owner removes it. A group of that name that a dead supervisor left is removed first, so
    /// that its counters start at zero.
    fn make(
        place: &Place,
        controller: Controller,
        name: &str,
        made: &[Self],
    ) -> Result<Self, CgroupError> {
        let (version, parent) = place.of(controller).ok_or(CgroupError::Missing { controller })?;
        let path = parent.join(name);
        if made.iter().any(|one| one.path == path) {
            return Ok(Self { controller, version, path, removed: true });
        }
        // The caller holds the slot that the name stands for, so nobody alive owns this directory.
        match std::fs::remove_dir(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(CgroupError::Make { path, source });
            }
            _ => {}
        }
        match std::fs::create_dir(&path) {
            Ok(()) => Ok(Self { controller, version, path, removed: false }),
            Err(source) => Err(CgroupError::Make { path, source }),
        }
    }

    /// Sets the limit of this group's controller.
    fn limit(&self, limits: Limits) -> Result<(), CgroupError> {
        /// Microseconds in which the quota is handed out anew; the kernel's own default.
        const PERIOD: u64 = 100_000;
        let quota = limits.cpu_millis.map(|millis| u64::from(millis) * PERIOD / 1000);
        let unified = self.version == CgroupVersion::V2;
        match self.controller {
            Controller::Memory => {
                let Some(bytes) = limits.memory_bytes else { return Ok(()) };
                if unified {
                    self.write("memory.max", &bytes.to_string())?;
                    self.write_if_there("memory.swap.max", "0")?;
                    return self.write("memory.oom.group", "1");
                }
                self.write("memory.limit_in_bytes", &bytes.to_string())?;
                self.write_if_there("memory.memsw.limit_in_bytes", &bytes.to_string())
            }
            Controller::Pids => {
                limits.tasks.map_or(Ok(()), |tasks| self.write("pids.max", &tasks.to_string()))
            }
            Controller::Cpu => match quota {
                None => Ok(()),
                Some(quota) if unified => self.write("cpu.max", &format!("{quota} {PERIOD}")),
                Some(quota) => {
                    self.write("cpu.cfs_period_us", &PERIOD.to_string())?;
                    self.write("cpu.cfs_quota_us", &quota.to_string())
                }
            },
            Controller::Cpuacct => Ok(()),
        }
    }

    /// Which controller.
    #[must_use]
    pub const fn controller(&self) -> Controller {
        self.controller
    }

    /// By which interface.
    #[must_use]
    pub const fn version(&self) -> CgroupVersion {
        self.version
    }

    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that lists the members.
    #[must_use]
    pub const fn members(&self) -> &'static str {
        match self.version {
            CgroupVersion::V1 => "tasks",
            CgroupVersion::V2 => "cgroup.procs",
        }
    }

    /// Whether the group has this file.
    #[must_use]
    pub fn has(&self, file: &str) -> bool {
        self.path.join(file).exists()
    }

    /// For what a kernel may be built without.
    fn write_if_there(&self, file: &str, value: &str) -> Result<(), CgroupError> {
        if self.has(file) { self.write(file, value) } else { Ok(()) }
    }

    fn write(&self, file: &str, value: &str) -> Result<(), CgroupError> {
        let path = self.path.join(file);
        std::fs::write(&path, value).map_err(|source| CgroupError::Use { path, source })
    }

    /// Reads a file of the group, without the newline at its end.
    ///
    /// # Errors
    /// [`CgroupError::Use`]
    pub fn read(&self, file: &str) -> Result<String, CgroupError> {
        let path = self.path.join(file);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim_end().to_owned()),
            Err(source) => Err(CgroupError::Use { path, source }),
        }
    }

    /// Reads a file that holds one number.
    ///
    /// # Errors
    /// [`CgroupError::Use`]
    pub fn number(&self, file: &str) -> Result<u64, CgroupError> {
        let text = self.read(file)?;
        text.parse().map_err(|_| CgroupError::Use {
            path: self.path.join(file),
            source: io::Error::new(io::ErrorKind::InvalidData, text),
        })
    }

    /// The number behind `key` in a file of `key value` lines; 0 where the key is missing.
    ///
    /// # Errors
    /// [`CgroupError::Use`]
    pub fn keyed(&self, file: &str, key: &str) -> Result<u64, CgroupError> {
        let text = self.read(file)?;
        Ok(value_of(&text, key))
    }

    /// Opens the file through which a single-threaded process moves itself here (version 1).
    fn tasks(&self) -> Result<OwnedFd, CgroupError> {
        let path = self.path.join("tasks");
        match File::options().write(true).open(&path) {
            Ok(file) => Ok(file.into()),
            Err(source) => Err(CgroupError::Use { path, source }),
        }
    }

    fn remove(&mut self) -> Result<(), CgroupError> {
        if self.removed {
            return Ok(());
        }
        match std::fs::remove_dir(&self.path) {
            Ok(()) => self.removed = true,
            Err(source) => return Err(CgroupError::Remove { path: self.path.clone(), source }),
        }
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next holder of the slot.
        drop(self.remove());
    }
}

/// How the memory group tells of an out-of-memory kill.
#[derive(Debug)]
pub struct Memory {
    notice: OwnedFd,
    version: CgroupVersion,
}

impl Memory {
    /// What to wait on, and for what. Version 1: an eventfd that becomes readable when the group
    /// runs out of memory (cgroup.event_control on memory.oom_control, kernel document
    /// cgroup-v1/memory, section 10). Version 2: `memory.events`, which has news whenever one of its
    /// counters changes.
    #[must_use]
    pub fn interest(&self) -> (BorrowedFd<'_>, epoll::EventFlags) {
        let flags = match self.version {
            CgroupVersion::V1 => epoll::EventFlags::IN,
            CgroupVersion::V2 => epoll::EventFlags::PRI,
        };
        (self.notice.as_fd(), flags)
    }

    /// Whether there was a kill since this was asked last (version 1), or ever (version 2).
    #[must_use]
    pub fn killed(&self) -> bool {
        match self.version {
            CgroupVersion::V1 => rustix::io::read(&self.notice, &mut [0_u8; 8]).is_ok(),
            CgroupVersion::V2 => {
                let mut bytes = [0; 512];
                let read = pread(&self.notice, &mut bytes, 0).unwrap_or(0);
                let text = String::from_utf8_lossy(bytes.get(..read).unwrap_or_default());
                value_of(&text, "oom_kill") > 0
            }
        }
    }
}

/// How a process gets into the groups of a sandbox.
#[derive(Debug, Default)]
pub struct Entrance {
    /// `tasks` files of version 1, for the process to write `0` to.
    pub tasks: Vec<OwnedFd>,
    /// The group of version 2, for the process to be made in.
    pub unified: Option<OwnedFd>,
}

/// The groups of one sandbox, one a controller that is needed.
#[derive(Debug, Default)]
pub struct SandboxGroups {
    groups: Vec<Group>,
    memory: Option<Memory>,
}

impl SandboxGroups {
    /// Makes the groups that `limits` needs, named `name`, with the limits set.
    ///
    /// # Errors
    /// [`CgroupError`]; what was made before the failure is removed.
    pub fn make(place: &Place, name: &str, limits: Limits) -> Result<Self, CgroupError> {
        let mut groups = Self::default();
        for controller in limits.controllers() {
            // Most hosts carry cpu and cpuacct in one hierarchy, and version 2 all in one: one
            // directory, which its first owner removes.
            let group = Group::make(place, controller, name, &groups.groups)?;
            let limited = group.limit(limits);
            groups.groups.push(group);
            limited?;
        }
        if let Some(group) = groups.get(Controller::Memory) {
            let (notice, version) = (out_of_memory_notice(group)?, group.version);
            groups.memory = Some(Memory { notice, version });
        }
        Ok(groups)
    }

    /// Where groups named `name` would be made, one path a line: to be noted before `make`, so that
    /// whoever comes after a killed supervisor can [`remove_left`] them.
    #[must_use]
    pub fn places(place: &Place, name: &str) -> String {
        let parents: std::collections::BTreeSet<PathBuf> =
            Controller::ALL.into_iter().filter_map(|one| Some(place.of(one)?.1)).collect();
        parents.into_iter().map(|own| format!("{}\n", own.join(name).display())).collect()
    }

    /// Opens what a process needs to get in.
    ///
    /// # Errors
    /// [`CgroupError::Use`]
    pub fn entrance(&self) -> Result<Entrance, CgroupError> {
        let mut entrance = Entrance::default();
        for group in &self.groups {
            match group.version {
                CgroupVersion::V1 => entrance.tasks.push(group.tasks()?),
                CgroupVersion::V2 if entrance.unified.is_some() => {}
                CgroupVersion::V2 => {
                    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                    let opened = openat(CWD, &group.path, flags, Mode::empty());
                    let failed = |errno: Errno| CgroupError::Use {
                        path: group.path.clone(),
                        source: errno.into(),
                    };
                    entrance.unified = Some(opened.map_err(failed)?);
                }
            }
        }
        Ok(entrance)
    }

    /// Kills every process in the groups of version 2 (Linux 5.14). Version 1 has no such file;
    /// there the process namespace takes everybody along.
    pub fn kill(&self) {
        for group in self.groups.iter().filter(|group| group.version == CgroupVersion::V2) {
            // A group that is gone has nobody in it.
            group.write("cgroup.kill", "1").ok();
        }
    }

    /// The most memory that was in use, bytes.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let group = self.get(Controller::Memory)?;
        group.number(peak_file(group.version)).ok()
    }

    /// How many processes were killed for want of memory.
    #[must_use]
    pub fn out_of_memory_kills(&self) -> u64 {
        let Some(group) = self.get(Controller::Memory) else { return 0 };
        let file = match group.version {
            CgroupVersion::V1 => "memory.oom_control",
            CgroupVersion::V2 => "memory.events",
        };
        group.keyed(file, "oom_kill").unwrap_or(0)
    }

    /// Processor time used, microseconds.
    #[must_use]
    pub fn cpu_micros(&self) -> Option<u64> {
        let group = self.get(Controller::Cpuacct)?;
        match group.version {
            CgroupVersion::V1 => Some(group.number("cpuacct.usage").ok()? / 1000),
            CgroupVersion::V2 => group.keyed("cpu.stat", "usage_usec").ok(),
        }
    }

    /// All groups.
    #[must_use]
    pub fn all(&self) -> &[Group] {
        &self.groups
    }

    /// The group of one controller.
    #[must_use]
    pub fn get(&self, controller: Controller) -> Option<&Group> {
        self.groups.iter().find(|group| group.controller == controller)
    }

    /// The memory group's notice.
    #[must_use]
    pub const fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// Removes every group. All processes must be gone and reaped.
    ///
    /// # Errors
    /// The first [`CgroupError::Remove`]; the others are tried all the same.
    pub fn remove(&mut self) -> Result<(), CgroupError> {
        // The kernel gives notice of a group's removal too, as if memory had run out.
        self.memory = None;
        let mut first = Ok(());
        for group in &mut self.groups {
            let removed = group.remove();
            if first.is_ok() {
                first = removed;
            }
        }
        first
    }
}

/// Removes the groups whose paths a dead supervisor noted. Says whether all are gone: one that
/// still has processes, which may be about to end, stays. The note is not taken at its word: what
/// does not lie below one of `points` (see [`super::mount_points`]), or is not named as sandboxes'
/// groups are, is passed over.
#[must_use]
pub fn remove_left(places: &str, points: &[PathBuf]) -> bool {
    let ours = |path: &&Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let plain = path.components().all(|part| part != Component::ParentDir);
        let below = points.iter().any(|point| *path != point.as_path() && path.starts_with(point));
        plain && below && is_group_name(name)
    };
    let mut gone = true;
    for path in places.lines().map(Path::new).filter(ours) {
        // The slot's holder is dead, so whoever is in there has nobody to answer to.
        let kill = path.join("cgroup.kill");
        if kill.exists() {
            std::fs::write(kill, "1").ok();
        }
        let busy = Errno::BUSY.raw_os_error();
        gone &=
            !matches!(std::fs::remove_dir(path), Err(error) if error.raw_os_error() == Some(busy));
    }
    gone
}

/// Whether a sandbox's group has such a name: `isobar-SLOT`, or `isobar-uUID-SLOT` for an ordinary
/// user.
fn is_group_name(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(rest) = name.strip_prefix("isobar-") else { return false };
    match rest.strip_prefix('u').and_then(|rest| rest.split_once('-')) {
        Some((uid, slot)) => number(uid) && number(slot),
        None => number(rest),
    }
}

/// The number behind `key` in a text of `key value` lines; 0 where the key is missing.
fn value_of(text: &str, key: &str) -> u64 {
    let value = text.lines().filter_map(|line| line.split_once(' ')).find(|(k, _)| *k == key);
    value.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
}

/// The file that has the peak of memory (version 2: Linux 5.19).
#[must_use]
pub const fn peak_file(version: CgroupVersion) -> &'static str {
    match version {
        CgroupVersion::V1 => "memory.max_usage_in_bytes",
        CgroupVersion::V2 => "memory.peak",
    }
}

fn out_of_memory_notice(group: &Group) -> Result<OwnedFd, CgroupError> {
    let failed =
        |file: &str, source: io::Error| CgroupError::Use { path: group.path.join(file), source };
    if group.version == CgroupVersion::V2 {
        let events = File::open(group.path.join("memory.events"));
        return events.map(OwnedFd::from).map_err(|source| failed("memory.events", source));
    }
    let notice = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
        .map_err(|errno| failed("cgroup.event_control", errno.into()))?;
    let control = File::open(group.path.join("memory.oom_control"))
        .map_err(|source| failed("memory.oom_control", source))?;
    let line = format!("{} {}", notice.as_fd().as_raw_fd(), control.as_fd().as_raw_fd());
    group.write("cgroup.event_control", &line)?;
    Ok(notice)
}

#[cfg(test)]
mod tests {
    use super::super::discover::Hierarchies;
    use super::*;

    /// Hierarchies of plain directories, in which files can be written like those of the kernel.
    fn plain(root: &Path, cpu: &str, cpuacct: &str) -> Place {
        let mut mounts = String::new();
        let mut groups = String::new();
        for (controller, place) in [("cpu", cpu), ("cpuacct", cpuacct)] {
            let point = root.join(place);
            std::fs::create_dir_all(&point).expect("a directory");
            let point = point.display();
            mounts.push_str(&format!("30 25 0:26 / {point} rw - cgroup cgroup rw,{controller}\n"));
            groups.push_str(&format!("2:{controller}:/\n"));
        }
        Place::of_version_1(Hierarchies::parse(&mounts, &groups))
    }

    #[test]
    fn controllers_that_share_a_hierarchy_share_the_group() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let both = Limits { cpu_millis: Some(500), count_cpu: true, ..Limits::default() };
        let one = plain(scratch.path(), "cpu,cpuacct", "cpu,cpuacct");
        let groups = SandboxGroups::make(&one, "isobar-0", both).expect("made once");
        let path = scratch.path().join("cpu,cpuacct/isobar-0");
        let paths: Vec<_> = groups.all().iter().map(Group::path).collect();
        assert_eq!(paths, [path.as_path(), path.as_path()], "one directory for both controllers");
        let quota =
            std::fs::read_to_string(path.join("cpu.cfs_quota_us")).expect("it is still there");
        assert_eq!(quota, "50000", "making the second does not wipe the first");
        // Plain directories keep their files; the kernel's vanish with the group.
        for file in ["cpu.cfs_quota_us", "cpu.cfs_period_us"] {
            std::fs::remove_file(path.join(file)).expect("a plain file");
        }
        let mut groups = groups;
        groups.remove().expect("it is removed once");
        assert!(!path.exists(), "and is gone");
    }

    #[test]
    fn groups_that_a_dead_supervisor_noted_are_removed_and_nothing_else() {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let hierarchies = plain(scratch.path(), "cpu", "cpuacct");
        let note = SandboxGroups::places(&hierarchies, "isobar-7");
        let left = scratch.path().join("cpu/isobar-7");
        let other = scratch.path().join("cpu/other");
        for path in [&left, &other] {
            std::fs::create_dir(path).expect("a directory");
        }
        let elsewhere = tempfile::tempdir().expect("another directory");
        let outside = elsewhere.path().join("isobar-3");
        let climbing = scratch.path().join("cpu/../cpu/isobar-4");
        for path in [&outside, &scratch.path().join("cpu/isobar-4")] {
            std::fs::create_dir(path).expect("a directory");
        }
        let (other_text, outside_text) = (other.display(), outside.display());
        let climbing = climbing.display();
        let note = format!("{note}{other_text}\nrelative/isobar-1\n{outside_text}\n{climbing}\n");
        let points = [scratch.path().join("cpu"), scratch.path().join("cpuacct")];
        assert!(remove_left(&note, &points), "nothing is busy");
        assert!(!left.exists(), "what was noted is gone");
        assert!(other.exists(), "what is not named after isobar stays, whatever a note says");
        assert!(outside.exists(), "so does what lies in no hierarchy");
        assert!(scratch.path().join("cpu/isobar-4").exists(), "and what is reached by climbing");
        assert!(remove_left(&note, &points), "what is gone already is no error");
    }

    #[test]
    fn only_the_names_that_sandboxes_give_are_theirs() {
        for name in ["isobar-0", "isobar-4095", "isobar-u1000-7"] {
            assert!(is_group_name(name), "{name} is one");
        }
        for name in ["isobar-", "isobar-x", "isobar-u-1", "isobar-u1000", "isobar-u1-", "isobar"] {
            assert!(!is_group_name(name), "{name} is none");
        }
    }
}
