//! The mount table of a jailed process: everything that was asked is there with its attributes, and
//! nothing else is.

use core::ffi::CStr;

use isobar_os::mountinfo::{self, Mount};
use isobar_os::procfs;
use isobar_os::raw::MountAttributes;
use isobar_policy::{Evidence, Grade};

use super::observed;
use crate::root::{BindSource, Entry, RootSpec};

/// One mount that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountExpectation {
    /// Where.
    pub target: String,
    /// Type of the file system, where we made it.
    pub kind: Option<&'static str>,
    /// Options of the mount that must be set.
    pub options: Vec<&'static str>,
    /// Whether it may be missing because this kernel lacks the file that it would cover.
    pub optional: bool,
    /// Whether mounts below it belong to it (a host directory with its submounts).
    pub covers_below: bool,
    /// Options of the file system itself, such as its size, that must be set.
    pub super_options: Vec<String>,
    /// Which file of the host must be seen there: device and inode number as stat(2) gives them,
    /// which for some file systems is another device than mountinfo names (btrfs).
    pub file: Option<(u64, u64)>,
}

impl MountExpectation {
    /// What `root` asks for, its own tmpfs first.
    #[must_use]
    pub fn of(root: &RootSpec) -> Vec<Self> {
        let own =
            MountAttributes::RDONLY.with(MountAttributes::NOSUID).with(MountAttributes::NODEV);
        let mut all = vec![Self::new("/", Some("tmpfs"), own)];
        all.extend(
            root.placed.iter().filter_map(|placed| Self::entry(&placed.target, &placed.entry)),
        );
        all
    }

    fn new(target: &str, kind: Option<&'static str>, attributes: MountAttributes) -> Self {
        Self {
            target: target.to_owned(),
            kind,
            options: option_names(attributes),
            optional: false,
            covers_below: false,
            super_options: Vec::new(),
            file: None,
        }
    }

    fn entry(target: &str, entry: &Entry) -> Option<Self> {
        match entry {
            Entry::Directory { .. } | Entry::Link { .. } | Entry::File { .. } => None,
            Entry::Bind(bind) => {
                let mut one = Self::new(target, None, bind.attributes);
                one.covers_below = bind.directory;
                one.file = match &bind.source {
                    BindSource::System(path) | BindSource::Device { path, .. } => of_host(path),
                    BindSource::Resolved { device, inode, .. } => Some((*device, *inode)),
                    // Whoever prepared it knows what it was made from.
                    BindSource::Detached(_) => None,
                };
                Some(one)
            }
            Entry::Tmpfs { attributes, size, inodes, .. } => {
                let mut one = Self::new(target, Some("tmpfs"), *attributes);
                let bytes = size.to_str().ok().and_then(|text| text.parse::<u64>().ok());
                // The kernel keeps whole pages and prints KiB.
                one.super_options
                    .extend(bytes.map(|bytes| format!("size={}k", bytes.div_ceil(4096) * 4)));
                one.super_options.push(format!("nr_inodes={}", inodes.to_string_lossy()));
                Some(one)
            }
            Entry::Alias { attributes, .. } => Some(Self::new(target, Some("tmpfs"), *attributes)),
            Entry::Proc { attributes } => Some(Self::new(target, Some("proc"), *attributes)),
            Entry::Devpts { attributes, .. } => {
                Some(Self::new(target, Some("devpts"), *attributes))
            }
            Entry::Protect { attributes } => {
                let mut one = Self::new(target, None, *attributes);
                one.covers_below = true;
                Some(one)
            }
            Entry::MaskFile => Some(Self {
                optional: true,
                file: of_host(c"/dev/null"),
                ..Self::new(target, None, MountAttributes::NONE)
            }),
            Entry::MaskDirectory => {
                let mut one = Self::new(target, Some("tmpfs"), RootSpec::MASK);
                one.super_options.push("nr_inodes=1".to_owned());
                Some(Self { optional: true, ..one })
            }
            Entry::Freeze { attributes } => {
                Some(Self { optional: true, ..Self::new(target, Some("proc"), *attributes) })
            }
        }
    }

    /// What is seen at the target, if it is not the file that must be there.
    fn another_file(&self, seen: Seen<'_>) -> Option<String> {
        let (device, inode) = self.file?;
        match seen(&self.target) {
            Some(found) if found == (device, inode) => None,
            Some((other, number)) => Some(format!(
                "another file: inode {number} of device {other} instead of {inode} of {device}"
            )),
            None => Some("a file that cannot be looked at".to_owned()),
        }
    }

    /// Why `mount` is not what was asked, if it is not.
    fn contradiction(&self, mount: &Mount) -> Option<String> {
        if let Some(kind) = self.kind.filter(|kind| *kind != mount.kind) {
            return Some(format!("{} instead of {kind}", mount.kind));
        }
        if self.covers_below && mount.shows_kernel() {
            return Some(format!("{}, which shows the kernel", mount.kind));
        }
        if let Some(missing) = self.options.iter().find(|option| !mount.has(option)) {
            return Some(format!("without {missing}: {}", mount.options.join(",")));
        }
        if !mount.propagation.is_empty() {
            return Some(format!("in propagation: {}", mount.propagation.join(" ")));
        }
        let missing =
            self.super_options.iter().find(|option| !mount.super_options.contains(option));
        missing.map(|option| format!("without {option}: {}", mount.super_options.join(",")))
    }
}

/// The file behind a path of our own. One that cannot be looked at is none that anything equals.
fn of_host(path: &CStr) -> Option<(u64, u64)> {
    Some(rustix::fs::lstat(path).map_or((0, 0), |stat| (stat.st_dev, stat.st_ino)))
}

fn option_names(attributes: MountAttributes) -> Vec<&'static str> {
    [
        (MountAttributes::RDONLY, "ro"),
        (MountAttributes::NOSUID, "nosuid"),
        (MountAttributes::NODEV, "nodev"),
        (MountAttributes::NOEXEC, "noexec"),
    ]
    .into_iter()
    .filter(|(attribute, _)| attributes.contains(*attribute))
    .map(|(_, name)| name)
    .collect()
}

/// Holds the mount table of `pid` against `expected`. One line for each expected mount, key
/// `mount:TARGET`, and one for what was not expected, key `mount.others`.
#[must_use]
pub fn mounts(pid: i32, expected: &[MountExpectation]) -> Vec<Evidence> {
    match procfs::read(pid, "mountinfo") {
        Ok(text) => {
            let root = procfs::root(pid);
            let seen = |target: &str| procfs::file_below(root.as_ref().ok()?, target).ok();
            compare(&mountinfo::parse(&text), expected, &seen)
        }
        Err(error) => {
            vec![line("mount.others".to_owned(), "none", observed::<&str>(Err(error)), false)]
        }
    }
}

/// What a process sees at a path: device and inode number.
type Seen<'a> = &'a dyn Fn(&str) -> Option<(u64, u64)>;

fn compare(found: &[Mount], expected: &[MountExpectation], seen: Seen<'_>) -> Vec<Evidence> {
    let mut evidence: Vec<_> = expected.iter().filter_map(|one| check(found, one, seen)).collect();
    let others: Vec<_> = found
        .iter()
        .filter(|mount| !belongs(mount, expected))
        .map(|mount| format!("{} ({})", mount.point, mount.kind))
        .collect();
    let text = if others.is_empty() { "none".to_owned() } else { others.join(" ") };
    let count = found.iter().filter(|mount| mount.point == "/").count();
    evidence.push(line("mount.others".to_owned(), "none", text, others.is_empty()));
    evidence.push(line("mount.roots".to_owned(), "1", count.to_string(), count == 1));
    evidence
}

/// The topmost mount at the target decides: it is what the process sees.
fn check(found: &[Mount], one: &MountExpectation, seen: Seen<'_>) -> Option<Evidence> {
    let key = format!("mount:{}", one.target);
    let mut wanted = one.kind.into_iter().chain(one.options.iter().copied()).collect::<Vec<_>>();
    wanted.push("private");
    wanted.extend(one.super_options.iter().map(String::as_str));
    wanted.extend(one.file.map(|_| "same-file"));
    let wanted = wanted.join(" ");
    let Some(mount) = found.iter().rfind(|mount| mount.point == one.target) else {
        let missing = line(key, &wanted, "not mounted".to_owned(), false);
        return if one.optional && !is_in_own_proc(&one.target) { None } else { Some(missing) };
    };
    Some(match one.contradiction(mount).or_else(|| one.another_file(seen)) {
        Some(text) => line(key, &wanted, text, false),
        None => line(key, &wanted, wanted.clone(), true),
    })
}

/// Whether this kernel has the file: a proc of any process namespace shows it at the same place, and
/// so does the caller's own.
fn is_in_own_proc(target: &str) -> bool {
    std::fs::symlink_metadata(target).is_ok()
}

/// A mount belongs where it was asked for, or below a host directory whose attributes it shares. One
/// of the kernel's own belongs below none: it holds nothing that anybody stored, and may have come
/// after the directory was resolved.
fn belongs(mount: &Mount, expected: &[MountExpectation]) -> bool {
    expected.iter().any(|one| {
        let below = mount.point.strip_prefix(&one.target).is_some_and(|rest| rest.starts_with('/'));
        one.target == mount.point
            || (one.covers_below
                && below
                && !mount.shows_kernel()
                && one.options.iter().all(|option| mount.has(option))
                && mount.propagation.is_empty())
    })
}

fn line(key: String, expected: &str, observed: String, holds: bool) -> Evidence {
    let source = "/proc/PID/mountinfo".to_owned();
    let expected = expected.to_owned();
    Evidence { key, grade: Grade::ReadBack, source, expected, observed, holds }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(point: &str, options: &str, propagation: &[&str]) -> Mount {
        Mount {
            root: "/".to_owned(),
            point: point.to_owned(),
            options: options.split(',').map(str::to_owned).collect(),
            propagation: propagation.iter().map(|tag| (*tag).to_owned()).collect(),
            kind: "tmpfs".to_owned(),
            super_options: vec!["rw".to_owned()],
        }
    }

    fn expectation(target: &str) -> MountExpectation {
        MountExpectation::new(target, Some("tmpfs"), MountAttributes::RDONLY)
    }

    fn holds(found: &[Mount], expected: &[MountExpectation]) -> bool {
        compare(found, expected, &|_| None).iter().all(|line| line.holds)
    }

    #[test]
    fn a_table_that_matches_holds() {
        let expected =
            [expectation("/"), MountExpectation { covers_below: true, ..expectation("/usr") }];
        let found =
            [mount("/", "ro", &[]), mount("/usr", "ro", &[]), mount("/usr/share", "ro", &[])];
        assert!(holds(&found, &expected), "a submount of a host directory belongs to it");
    }

    #[test]
    fn another_file_at_the_right_place_is_noticed() {
        let usr = MountExpectation { file: Some((8, 2)), ..expectation("/usr") };
        let expected = [expectation("/"), usr];
        let found = [mount("/", "ro", &[]), mount("/usr", "ro", &[])];
        for (seen, passes) in
            [(Some((8, 2)), true), (Some((8, 3)), false), (Some((9, 2)), false), (None, false)]
        {
            let all = compare(&found, &expected, &|_| seen).iter().all(|line| line.holds);
            assert_eq!(all, passes, "{seen:?}: device and inode must both be those of the host");
        }
    }

    #[test]
    fn a_mask_may_be_missing_only_where_the_kernel_lacks_the_file() {
        let mask = |target| MountExpectation { optional: true, ..expectation(target) };
        let root = [mount("/", "ro", &[])];
        let unknown = [expectation("/"), mask("/proc/no-kernel-has-this")];
        assert!(holds(&root, &unknown), "there is nothing to cover");
        let known = [expectation("/"), mask("/proc/sys")];
        assert!(!holds(&root, &known), "every kernel has it, so the guest sees it uncovered");
    }

    #[test]
    fn a_mount_of_the_kernels_is_no_part_of_a_host_directory() {
        let data = MountExpectation { covers_below: true, kind: None, ..expectation("/data") };
        let expected = [expectation("/"), data];
        let of =
            |point: &str, kind: &str| Mount { kind: kind.to_owned(), ..mount(point, "ro", &[]) };
        let root = || mount("/", "ro", &[]);
        let table = |kind| [root(), mount("/data", "ro", &[]), of("/data/below", kind)];
        for kind in ["ext4", "overlay", "tmpfs"] {
            assert!(holds(&table(kind), &expected), "{kind} holds what somebody stored");
        }
        for kind in ["proc", "sysfs", "cgroup2", "debugfs", "devpts", "bpf", "devtmpfs"] {
            assert!(!holds(&table(kind), &expected), "{kind} below a grant");
            assert!(!holds(&[root(), of("/data", kind)], &expected), "{kind} as a grant");
        }
    }

    #[test]
    fn every_deviation_is_noticed() {
        let expected =
            [expectation("/"), MountExpectation { covers_below: true, ..expectation("/usr") }];
        let root = || mount("/", "ro", &[]);
        let usr = || mount("/usr", "ro", &[]);
        let bad: [(&str, Vec<Mount>); 6] = [
            ("missing", vec![root()]),
            ("writable", vec![root(), mount("/usr", "rw", &[])]),
            ("propagating", vec![root(), mount("/usr", "ro", &["shared:1"])]),
            ("unexpected", vec![root(), usr(), mount("/old", "ro", &[])]),
            ("writable below", vec![root(), usr(), mount("/usr/local", "rw", &[])]),
            ("old root left", vec![mount("/", "rw", &[]), root(), usr()]),
        ];
        for (what, found) in bad {
            assert!(!holds(&found, &expected), "a mount table with a {what} mount must not pass");
        }
    }
}
