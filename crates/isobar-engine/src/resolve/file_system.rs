//! The names of file systems, by the magic number that statfs(2) gives.
//!
//! The names are for messages. Those that show the kernel itself are never granted.

use std::path::Path;

use isobar_os::mountinfo::Mount;

/// Number, name, and whether it shows the kernel itself (linux/magic.h, statfs(2)).
const TABLE: &[(u64, &str, bool)] = &[
    (0xef53, "ext4", false),
    (0x0102_1994, "tmpfs", false),
    (0x794c_7630, "overlay", false),
    (0x5846_5342, "xfs", false),
    (0x9123_683e, "btrfs", false),
    (0x2fc1_2fc1, "zfs", false),
    (0xf2f5_2010, "f2fs", false),
    (0xca45_1a4e, "bcachefs", false),
    (0x8584_58f6, "ramfs", false),
    (0x7371_7368, "squashfs", false),
    (0xe0f5_e1e2, "erofs", false),
    (0x9660, "iso9660", false),
    (0x4d44, "vfat", false),
    (0x2011_bab0, "exfat", false),
    (0x7366_746e, "ntfs3", false),
    (0x6969, "nfs", false),
    (0xff53_4d42, "cifs", false),
    (0xfe53_4d42, "smb2", false),
    (0x0102_1997, "9p", false),
    (0x6573_5546, "fuse", false),
    (0x00c3_6400, "ceph", false),
    (0xf15f, "ecryptfs", false),
    (0x9fa0, "proc", true),
    (0x6265_6572, "sysfs", true),
    (0x0027_e0eb, "cgroup", true),
    (0x6367_7270, "cgroup2", true),
    (0x6462_6720, "debugfs", true),
    (0x7472_6163, "tracefs", true),
    (0x7363_6673, "securityfs", true),
    (0xcafe_4a11, "bpf", true),
    (0x6265_6570, "configfs", true),
    (0x1cd1, "devpts", true),
    (0xde5e_81e4, "efivarfs", true),
    (0x6e73_6673, "nsfs", true),
    (0x1980_0202, "mqueue", true),
    (0x4249_4e4d, "binfmt_misc", true),
    (0xf97c_ff8c, "selinuxfs", true),
    (0x6165_676c, "pstore", true),
    (0x6573_5543, "fusectl", true),
];

/// The name of the file system `magic`; the number where it has none here.
pub(super) fn name(magic: u64) -> String {
    let known = TABLE.iter().find(|(number, ..)| *number == magic);
    known.map_or_else(|| format!("0x{magic:x}"), |(_, name, _)| (*name).to_owned())
}

/// Whether it shows the kernel itself, not files that somebody stored.
pub(super) fn shows_kernel(magic: u64) -> bool {
    TABLE.iter().any(|(number, _, kernel)| *number == magic && *kernel)
}

/// A mount that shows the kernel, at `path` or below it, or that holds `path`. A grant takes what
/// is mounted below it along.
pub(super) fn kernel_mount<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let above = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    // Of several at one place, the last is on top.
    let holder = above.max_by_key(|mount| mount.point.len());
    let below = mounts.iter().filter(|mount| Path::new(&mount.point).starts_with(path));
    // A devtmpfs has the magic number of a tmpfs, so its type has to tell.
    below.chain(holder).find(|mount| mount.shows_kernel())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_of_the_kernels_below_a_grant_is_found() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda rw\n\
                    2 1 0:5 / /srv/root/proc rw - proc proc rw\n\
                    3 1 0:6 / /srv/root/dev rw - devtmpfs dev rw\n\
                    4 1 0:7 / /srv/data rw - tmpfs tmpfs rw\n";
        let mounts = isobar_os::mountinfo::parse(text);
        let found =
            |path: &str| kernel_mount(&mounts, Path::new(path)).map(|mount| mount.point.as_str());
        assert_eq!(found("/srv/root"), Some("/srv/root/proc"), "the grant would take it along");
        assert_eq!(found("/srv/root/dev"), Some("/srv/root/dev"), "it has the number of a tmpfs");
        assert_eq!(found("/srv/root/dev/x"), Some("/srv/root/dev"), "and so has what is in it");
        for path in ["/srv/data", "/srv/root/process", "/srv/root/usr"] {
            assert_eq!(found(path), None, "{path} holds what somebody stored");
        }
    }

    #[test]
    fn numbers_and_types_agree_on_what_shows_the_kernel() {
        for (_, name, kernel) in TABLE {
            let line = format!("1 0 0:5 / /x rw - {name} none rw\n");
            let mounts = isobar_os::mountinfo::parse(&line);
            assert_eq!(mounts.iter().any(Mount::shows_kernel), *kernel, "{name}");
        }
    }

    #[test]
    fn the_usual_ones_have_names_and_the_kernel_is_known() {
        assert_eq!(name(0xef53), "ext4", "statfs(2), EXT4_SUPER_MAGIC");
        assert_eq!(name(0x1234_5678), "0x12345678", "an unknown one is still told apart");
        let proc = rustix::fs::statfs("/proc").expect("every host has /proc");
        let magic = u64::try_from(proc.f_type).expect("a positive number");
        assert!(shows_kernel(magic), "the guest has a /proc of its own");
        assert!(!shows_kernel(0xef53), "a disk holds what somebody stored");
    }
}
