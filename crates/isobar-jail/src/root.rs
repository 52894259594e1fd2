//! The root file system of a jailed process: a small tmpfs with directories, links, files and
//! mounts, in the order in which they are made.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::OwnedFd;

use isobar_os::raw::MountAttributes;

/// A root that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// The target is not an absolute path without `.`, `..` and NUL.
    #[error("{target:?} is not an absolute path without . and ..")]
    Target {
        /// As given.
        target: String,
    },
    /// Something is there already.
    #[error("{target} is used twice")]
    Twice {
        /// The path.
        target: String,
    },
    /// The target lies inside a mount, where nothing may be made.
    #[error("{target} lies inside the mount at {mount}")]
    Inside {
        /// The path.
        target: String,
        /// The mount.
        mount: String,
    },
}

/// Where a bind mount comes from.
#[derive(Debug)]
pub enum BindSource {
    /// A system path, taken as it is.
    System(CString),
    /// A path that was resolved before: no component may be a link now, and the file must be the
    /// same.
    Resolved {
        /// Absolute path.
        path: CString,
        /// Device number that it had.
        device: u64,
        /// Inode number that it had.
        inode: u64,
    },
    /// A character device with these numbers.
    Device {
        /// Absolute path.
        path: CString,
        /// Major and minor number.
        node: (u32, u32),
    },
    /// A detached mount that the supervisor prepared, attributes included.
    Detached(OwnedFd),
}

/// A bind mount.
#[derive(Debug)]
pub struct Bind {
    /// Where from.
    pub source: BindSource,
    /// Attributes that are set on it and, for directories, on all mounts below.
    pub attributes: MountAttributes,
    /// Whether the source is a directory.
    pub directory: bool,
}

/// One thing in the root.
#[derive(Debug)]
pub enum Entry {
    /// A directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// What it says.
        target: CString,
    },
    /// A regular file.
    File {
        /// Permission bits.
        mode: u32,
        /// Content.
        content: Vec<u8>,
    },
    /// A bind mount; its place is made before.
    Bind(Bind),
    /// A new tmpfs.
    Tmpfs {
        /// Bytes, decimal.
        size: CString,
        /// Files and directories, decimal.
        inodes: CString,
        /// Permission bits of its root, octal.
        mode: CString,
        /// Attributes.
        attributes: MountAttributes,
    },
    /// A proc of the process namespace.
    Proc {
        /// Attributes.
        attributes: MountAttributes,
    },
    /// A devpts of its own.
    Devpts {
        /// The most terminals, decimal.
        max: CString,
        /// Attributes.
        attributes: MountAttributes,
    },
    /// A directory of a file system of our own, seen at a second place.
    Alias {
        /// The directory, relative to the root; placed before.
        of: CString,
        /// Attributes.
        attributes: MountAttributes,
    },
    /// Hides a file that may not exist behind `/dev/null`.
    MaskFile,
    /// Hides a directory that may not exist behind an empty file system that nobody can write.
    MaskDirectory,
    /// Holds what exists inside a mount of the host's in its place, by a bind mount on itself: it can
    /// then be neither renamed nor removed. A link is held as such. It must exist.
    Protect {
        /// Attributes that are set on it and on all mounts below.
        attributes: MountAttributes,
    },
    /// Makes a directory that may not exist read-only, by a bind mount on itself.
    Freeze {
        /// Attributes.
        attributes: MountAttributes,
    },
}

impl Entry {
    /// Whether the entry is a mount.
    const fn mounts(&self) -> bool {
        matches!(
            self,
            Self::Bind(_)
                | Self::Tmpfs { .. }
                | Self::Proc { .. }
                | Self::Devpts { .. }
                | Self::Alias { .. }
        )
    }
}

/// One path of the root with its entry.
#[derive(Debug)]
pub(crate) struct Placed {
    /// Relative to the root.
    pub(crate) path: CString,
    /// Absolute, as evidence and messages name it.
    pub(crate) target: String,
    pub(crate) entry: Entry,
}

/// The root of a jailed process.
#[derive(Debug)]
pub struct RootSpec {
    pub(crate) placed: Vec<Placed>,
    taken: BTreeSet<String>,
    mounts: Vec<MountPoint>,
}

/// A mount that others may lie below.
#[derive(Debug)]
struct MountPoint {
    target: String,
    /// Whether it is an empty file system of our own, in which places may be made.
    ours: bool,
}

impl RootSpec {
    /// What is set on the file system that covers a directory.
    pub(crate) const MASK: MountAttributes = MountAttributes::RDONLY
        .with(MountAttributes::NOSUID)
        .with(MountAttributes::NODEV)
        .with(MountAttributes::NOEXEC);
    /// Bytes that the root's own tmpfs may hold: synthetic files and mount points only.
    pub(crate) const SIZE: &'static std::ffi::CStr = c"4m";
    /// Files and directories in it.
    pub(crate) const INODES: &'static std::ffi::CStr = c"4096";

    /// An empty root.
    #[must_use]
    pub const fn new() -> Self {
        Self { placed: Vec::new(), taken: BTreeSet::new(), mounts: Vec::new() }
    }

    /// Whether something was placed at `target`.
    #[must_use]
    pub fn has(&self, target: &str) -> bool {
        self.taken.contains(target)
    }

    /// Places `entry` at `target`, making parent directories where they are missing. Entries are
    /// made in the order in which they were placed, so parents come before what lies below them.
    ///
    /// # Errors
    /// [`RootError`]
    pub fn place(&mut self, target: &str, entry: Entry) -> Result<(), RootError> {
        let bad = || RootError::Target { target: target.to_owned() };
        let relative = target.strip_prefix('/').ok_or_else(bad)?;
        let sound = !relative.is_empty()
            && relative.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if !sound {
            return Err(bad());
        }
        // Below a host directory the place exists already, or the mount fails: a host directory
        // must never get new files from us.
        let foreign = self.mount_above(target).filter(|mount| !mount.ours);
        let foreign = foreign.map(|mount| mount.target.clone());
        let covers = matches!(
            entry,
            Entry::MaskFile | Entry::MaskDirectory | Entry::Freeze { .. } | Entry::Protect { .. }
        );
        if let Some(mount) = &foreign
            && !covers
            && !entry.mounts()
        {
            return Err(RootError::Inside { target: target.to_owned(), mount: mount.clone() });
        }
        if foreign.is_none() && covers {
            return Err(bad());
        }
        if foreign.is_none() {
            self.make_parents(relative)?;
        }
        if !self.taken.insert(target.to_owned()) {
            return Err(RootError::Twice { target: target.to_owned() });
        }
        if foreign.is_none() {
            self.make_mount_point(target, relative, &entry)?;
        }
        if entry.mounts() {
            let ours = matches!(entry, Entry::Tmpfs { .. });
            self.mounts.push(MountPoint { target: target.to_owned(), ours });
        }
        self.push(target, relative, entry)
    }

    /// The nearest mount that `target` lies inside.
    fn mount_above(&self, target: &str) -> Option<&MountPoint> {
        let below = |mount: &&MountPoint| {
            target.strip_prefix(mount.target.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        self.mounts.iter().filter(below).max_by_key(|mount| mount.target.len())
    }

    fn make_parents(&mut self, relative: &str) -> Result<(), RootError> {
        for (end, _) in relative.match_indices('/') {
            let parent = relative.get(..end).unwrap_or_default();
            let target = format!("/{parent}");
            if self.taken.insert(target.clone()) {
                self.push(&target, parent, Entry::Directory { mode: 0o755 })?;
            }
        }
        Ok(())
    }

    fn make_mount_point(
        &mut self,
        target: &str,
        relative: &str,
        entry: &Entry,
    ) -> Result<(), RootError> {
        let file = matches!(entry, Entry::Bind(Bind { directory: false, .. }));
        if file {
            self.push(target, relative, Entry::File { mode: 0o644, content: Vec::new() })?;
        } else if entry.mounts() {
            self.push(target, relative, Entry::Directory { mode: 0o755 })?;
        }
        Ok(())
    }

    fn push(&mut self, target: &str, relative: &str, entry: Entry) -> Result<(), RootError> {
        let path =
            CString::new(relative).map_err(|_| RootError::Target { target: target.to_owned() })?;
        self.placed.push(Placed { path, target: target.to_owned(), entry });
        Ok(())
    }
}

impl Default for RootSpec {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind() -> Entry {
        let source = BindSource::System(c"/usr".to_owned());
        Entry::Bind(Bind { source, attributes: MountAttributes::RDONLY, directory: true })
    }

    #[test]
    fn parents_are_made_once_and_before() {
        let mut root = RootSpec::new();
        root.place("/a/b/c", bind()).expect("a deep target is fine");
        root.place("/a/d", bind()).expect("a sibling too");
        let order: Vec<_> = root.placed.iter().map(|placed| placed.target.as_str()).collect();
        assert_eq!(order, ["/a", "/a/b", "/a/b/c", "/a/b/c", "/a/d", "/a/d"], "place, then mount");
    }

    #[test]
    fn targets_that_climb_or_repeat_are_refused() {
        let mut root = RootSpec::new();
        for target in ["", "/", "a", "/a/../b", "/./a", "//a", "/a/"] {
            assert!(root.place(target, bind()).is_err(), "{target:?} must not be a mount point");
        }
        root.place("/a", bind()).expect("the first is fine");
        assert_eq!(
            root.place("/a", bind()),
            Err(RootError::Twice { target: "/a".into() }),
            "two mounts on one place hide one"
        );
    }

    #[test]
    fn places_are_made_inside_a_file_system_of_our_own() {
        let mut root = RootSpec::new();
        let (size, inodes, mode) = (c"4096".to_owned(), c"16".to_owned(), c"1777".to_owned());
        let attributes = MountAttributes::NOSUID;
        root.place("/tmp", Entry::Tmpfs { size, inodes, mode, attributes }).expect("a tmpfs");
        root.place("/tmp/work/here", bind()).expect("a grant below it");
        let order: Vec<_> = root.placed.iter().map(|placed| placed.target.as_str()).collect();
        let expected = ["/tmp", "/tmp", "/tmp/work", "/tmp/work/here", "/tmp/work/here"];
        assert_eq!(order, expected, "its parents and its place are made after the tmpfs");
    }

    #[test]
    fn nothing_is_made_inside_a_host_directory() {
        let mut root = RootSpec::new();
        root.place("/data", bind()).expect("a grant");
        let file = Entry::File { mode: 0o644, content: Vec::new() };
        assert!(
            matches!(root.place("/data/x", file), Err(RootError::Inside { .. })),
            "it would land on the host"
        );
        root.place("/data/in", bind()).expect("a nested mount needs an existing place");
        let made = root.placed.iter().filter(|placed| placed.target == "/data/in").count();
        assert_eq!(made, 1, "no directory is made for it");
    }
}
