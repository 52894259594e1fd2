//! Calls that name files and directories, or ask and change what they are.

use super::Verdict::{Absent, Check, Deny};
use super::{Group, calls};
#[cfg(target_arch = "x86_64")]
use crate::seccomp::checks::files::{MKNOD, OPEN};
use crate::seccomp::checks::files::{MKNODAT, MODE_SECOND, MODE_THIRD, OPENAT, RENAME};

pub(super) const FILES: Group = Group {
    name: "files",
    reason: "any program works with files; which ones it can see is decided by its mounts, and \
             Landlock is the second wall",
    rows: calls! {
        __NR_openat => Check(&OPENAT);
        __NR_openat2 => Absent, "flags and mode lie in memory, where a filter cannot see them; \
                                 programs fall back on openat";
        __NR_fstat;
        __NR_newfstatat;
        __NR_statx;
        __NR_statfs;
        __NR_fstatfs;
        __NR_faccessat;
        __NR_faccessat2;
        __NR_getcwd;
        __NR_chdir;
        __NR_fchdir;
        __NR_getdents64;
        __NR_renameat;
        __NR_renameat2 => Check(&RENAME);
        __NR_mkdirat, "the kernel drops setuid and setgid from a new directory's mode";
        __NR_mknodat => Check(&MKNODAT);
        __NR_linkat;
        __NR_symlinkat;
        __NR_unlinkat;
        __NR_readlinkat;
        __NR_fchmod => Check(&MODE_SECOND);
        __NR_fchmodat => Check(&MODE_THIRD);
        __NR_fchmodat2 => Check(&MODE_THIRD);
        __NR_fchown, "without capabilities only to a group of the caller's; it clears setuid";
        __NR_fchownat, "as fchown";
        __NR_umask;
        __NR_utimensat;
        __NR_truncate;
        __NR_ftruncate;
        __NR_fallocate;
        __NR_fadvise64;
        __NR_readahead;
        __NR_setxattr, "names cannot be checked, but trusted and security names need capabilities";
        __NR_lsetxattr, "as setxattr";
        __NR_fsetxattr, "as setxattr";
        __NR_setxattrat, "as setxattr";
        __NR_getxattr;
        __NR_lgetxattr;
        __NR_fgetxattr;
        __NR_getxattrat;
        __NR_listxattr;
        __NR_llistxattr;
        __NR_flistxattr;
        __NR_listxattrat;
        __NR_removexattr;
        __NR_lremovexattr;
        __NR_fremovexattr;
        __NR_removexattrat;
        __NR_file_getattr => Absent, "as FS_IOC_FSGETXATTR, which the ioctl list leaves out";
        __NR_file_setattr => Absent, "as FS_IOC_FSSETXATTR, which the ioctl list leaves out";
        __NR_inotify_init1, "watches are counted by user namespace";
        __NR_inotify_add_watch;
        __NR_inotify_rm_watch;
        __NR_fanotify_init => Deny, "watches whole mounts and file systems, and may hold up others";
        __NR_fanotify_mark => Deny, "as fanotify_init";
        __NR_cachestat => Absent, "before Linux 6.14 it shows which pages of read-only files others \
                                   have used";
        @x86_64
        __NR_open => Check(&OPEN);
        __NR_creat => Check(&MODE_SECOND);
        __NR_stat;
        __NR_lstat;
        __NR_access;
        __NR_getdents;
        __NR_rename;
        __NR_mkdir, "as mkdirat";
        __NR_rmdir;
        __NR_mknod => Check(&MKNOD);
        __NR_link;
        __NR_symlink;
        __NR_unlink;
        __NR_readlink;
        __NR_chmod => Check(&MODE_SECOND);
        __NR_chown, "as fchown";
        __NR_lchown, "as fchown";
        __NR_utime;
        __NR_utimes;
        __NR_futimesat;
        __NR_inotify_init, "as inotify_init1";
    },
};
