//! Where each controller of version 1 is mounted and where the caller stands in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use isobar_policy::Controller;

use crate::mountinfo::{self, Mount};

/// Why the hierarchies could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// `/proc` could not be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The caller's own directory in each version 1 hierarchy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hierarchies {
    directories: BTreeMap<Controller, PathBuf>,
}

impl Hierarchies {
    /// Reads the calling process's mounts and groups.
    ///
    /// # Errors
    /// [`DiscoverError`]
    pub fn discover() -> Result<Self, DiscoverError> {
        let read = |path: &'static str| {
            std::fs::read_to_string(path).map_err(|source| DiscoverError::Read { path, source })
        };
        Ok(Self::parse(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?))
    }

    /// Combines both texts.
    pub(crate) fn parse(mounts: &str, groups: &str) -> Self {
        let mounts = mountinfo::parse_kinds(mounts, &["cgroup"]);
        let directories = Controller::ALL
            .into_iter()
            .filter_map(|controller| {
                Some((controller, own_directory(&mounts, groups, controller)?))
            })
            .collect();
        Self { directories }
    }

    /// The caller's own directory in the hierarchy of `controller`.
    #[must_use]
    pub fn directory(&self, controller: Controller) -> Option<&PathBuf> {
        self.directories.get(&controller)
    }
}

/// Where control group hierarchies of either version are mounted. Empty where that cannot be read.
#[must_use]
pub fn mount_points() -> Vec<PathBuf> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounts = mountinfo::parse_kinds(&text, &["cgroup", "cgroup2"]);
    mounts.iter().map(|mount| PathBuf::from(&mount.point)).collect()
}

fn own_directory(mounts: &[Mount], groups: &str, controller: Controller) -> Option<PathBuf> {
    let name = controller.name();
    let mount = mounts
        .iter()
        .rfind(|mount| mount.kind == "cgroup" && mount.super_options.iter().any(|o| o == name))?;
    let own = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        controllers.split(',').any(|one| one == name).then(|| parts.next())?
    })?;
    // The mount may show a subtree only, as inside another sandbox. A path outside it (`/..`) is
    // not ours to use.
    let below = if mount.root == "/" { own } else { own.strip_prefix(mount.root.as_str())? };
    if below.split('/').any(|part| part == "..") {
        return None;
    }
    Some(PathBuf::from(&mount.point).join(below.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
30 25 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 25 0:28 /docker/abc /sys/fs/cgroup/pids ro,relatime - cgroup cgroup rw,pids
33 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";

    #[test]
    fn own_groups_are_found_below_their_mounts() {
        let groups = "4:memory:/jobs/7\n2:cpu,cpuacct:/\n3:pids:/docker/abc\n0::/\n";
        let found = Hierarchies::parse(MOUNTS, groups);
        let directory =
            |controller| found.directory(controller).map(|path| path.to_str().expect("UTF-8"));
        assert_eq!(
            directory(Controller::Memory),
            Some("/sys/fs/cgroup/memory/jobs/7"),
            "below our own group"
        );
        assert_eq!(
            directory(Controller::Cpuacct),
            Some("/sys/fs/cgroup/cpu,cpuacct/"),
            "co-mounted controllers share a directory"
        );
        assert_eq!(
            directory(Controller::Pids),
            Some("/sys/fs/cgroup/pids/"),
            "a mount of a subtree is its root"
        );
    }

    #[test]
    fn a_group_outside_the_mount_is_not_ours() {
        let found = Hierarchies::parse(MOUNTS, "3:pids:/\n4:memory:/../other\n");
        assert_eq!(
            found.directory(Controller::Pids),
            None,
            "our group lies above what the mount shows"
        );
        assert_eq!(found.directory(Controller::Memory), None, "a path that climbs is refused");
    }
}
