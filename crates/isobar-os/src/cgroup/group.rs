//! The groups of one sandbox.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use isobar_policy::Controller;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use super::discover::Hierarchies;

/// What went wrong with a group.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CgroupError {
    /// The hierarchy is not there.
    #[error("no cgroup v1 hierarchy carries the {} controller", .controller.name())]
    Missing {
        /// Which controller.
        controller: Controller,
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

/// One group in one hierarchy. Dropping it removes the directory where that is possible.
#[derive(Debug)]
pub struct Group {
    controller: Controller,
    path: PathBuf,
    removed: bool,
}

impl Group {
    /// Makes the group `name` below the caller's own. A group of that name that a dead supervisor
    /// left is removed first, so that its counters start at zero.
    fn make(
        hierarchies: &Hierarchies,
        controller: Controller,
        name: &str,
    ) -> Result<Self, CgroupError> {
        let own = hierarchies.directory(controller).ok_or(CgroupError::Missing { controller })?;
        let path = own.join(name);
        // The caller holds the slot that the name stands for, so nobody alive owns this directory.
        match std::fs::remove_dir(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(CgroupError::Make { path, source });
            }
            _ => {}
        }
        match std::fs::create_dir(&path) {
            Ok(()) => Ok(Self { controller, path, removed: false }),
            Err(source) => Err(CgroupError::Make { path, source }),
        }
    }

    /// Which controller.
    #[must_use]
    pub const fn controller(&self) -> Controller {
        self.controller
    }

    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
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
        let value = text.lines().filter_map(|line| line.split_once(' ')).find(|(k, _)| *k == key);
        Ok(value.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0))
    }

    /// Opens the file through which a single-threaded process moves itself here.
    ///
    /// # Errors
    /// [`CgroupError::Use`]
    pub fn tasks(&self) -> Result<OwnedFd, CgroupError> {
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

/// The memory group's notice of an out-of-memory kill.
#[derive(Debug)]
pub struct Memory {
    /// Becomes readable when the group runs out of memory (cgroup.event_control on
    /// memory.oom_control, kernel document cgroup-v1/memory, section 10).
    pub notice: OwnedFd,
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
    pub fn make(
        hierarchies: &Hierarchies,
        name: &str,
        limits: Limits,
    ) -> Result<Self, CgroupError> {
        let mut groups = Self::default();
        if let Some(bytes) = limits.memory_bytes {
            let group = Group::make(hierarchies, Controller::Memory, name)?;
            group.write("memory.limit_in_bytes", &bytes.to_string())?;
            if group.path.join("memory.memsw.limit_in_bytes").exists() {
                group.write("memory.memsw.limit_in_bytes", &bytes.to_string())?;
            }
            groups.memory = Some(Memory { notice: out_of_memory_notice(&group)? });
            groups.groups.push(group);
        }
        if let Some(tasks) = limits.tasks {
            let group = Group::make(hierarchies, Controller::Pids, name)?;
            group.write("pids.max", &tasks.to_string())?;
            groups.groups.push(group);
        }
        if let Some(millis) = limits.cpu_millis {
            /// Microseconds in which the quota is handed out anew; the kernel's own default.
            const PERIOD: u64 = 100_000;
            let group = Group::make(hierarchies, Controller::Cpu, name)?;
            group.write("cpu.cfs_period_us", &PERIOD.to_string())?;
            group.write("cpu.cfs_quota_us", &(u64::from(millis) * PERIOD / 1000).to_string())?;
            groups.groups.push(group);
        }
        if limits.count_cpu {
            let shared = groups.get(Controller::Cpu).filter(|cpu| {
                hierarchies
                    .directory(Controller::Cpuacct)
                    .is_some_and(|own| cpu.path == own.join(name))
            });
            // Most hosts carry both in one hierarchy: one directory, which its first owner removes.
            let group = match shared {
                Some(cpu) => {
                    let (controller, path) = (Controller::Cpuacct, cpu.path.clone());
                    Group { controller, path, removed: true }
                }
                None => Group::make(hierarchies, Controller::Cpuacct, name)?,
            };
            groups.groups.push(group);
        }
        Ok(groups)
    }

    /// Where groups named `name` would be made, one path a line: to be noted before `make`, so that
    /// whoever comes after a killed supervisor can [`remove_left`] them.
    #[must_use]
    pub fn places(hierarchies: &Hierarchies, name: &str) -> String {
        let directories = Controller::ALL.into_iter().filter_map(|one| hierarchies.directory(one));
        directories.map(|own| format!("{}\n", own.join(name).display())).collect()
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
/// still has processes, which may be about to end, stays.
#[must_use]
pub fn remove_left(places: &str) -> bool {
    let ours = |path: &&Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        path.is_absolute() && name.starts_with("isobar-")
    };
    let mut gone = true;
    for path in places.lines().map(Path::new).filter(ours) {
        let busy = Errno::BUSY.raw_os_error();
        gone &=
            !matches!(std::fs::remove_dir(path), Err(error) if error.raw_os_error() == Some(busy));
    }
    gone
}

fn out_of_memory_notice(group: &Group) -> Result<OwnedFd, CgroupError> {
    let failed =
        |file: &str, source: io::Error| CgroupError::Use { path: group.path.join(file), source };
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
    use super::*;

    /// Hierarchies of plain directories, in which files can be written like those of the kernel.
    fn plain(root: &Path, cpu: &str, cpuacct: &str) -> Hierarchies {
        let mut mounts = String::new();
        let mut groups = String::new();
        for (controller, place) in [("cpu", cpu), ("cpuacct", cpuacct)] {
            let point = root.join(place);
            std::fs::create_dir_all(&point).expect("a directory");
            let point = point.display();
            mounts.push_str(&format!("30 25 0:26 / {point} rw - cgroup cgroup rw,{controller}\n"));
            groups.push_str(&format!("2:{controller}:/\n"));
        }
        Hierarchies::parse(&mounts, &groups)
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
        let note = format!("{note}{}\nrelative/isobar-1\n", other.display());
        assert!(remove_left(&note), "nothing is busy");
        assert!(!left.exists(), "what was noted is gone");
        assert!(other.exists(), "what is not named after isobar stays, whatever a note says");
        assert!(remove_left(&note), "what is gone already is no error");
    }
}
