//! Calls on open descriptors: bytes, readiness, locks.

use super::Verdict::{Check, Deny};
use super::{Group, calls};
use crate::seccomp::checks::devices::IOCTL;
use crate::seccomp::checks::options::FCNTL;

pub(super) const STREAMS: Group = Group {
    name: "streams",
    reason: "work on descriptors that the program already has; their number is limited",
    rows: calls! {
        __NR_read;
        __NR_write;
        __NR_readv;
        __NR_writev;
        __NR_pread64;
        __NR_pwrite64;
        __NR_preadv;
        __NR_pwritev;
        __NR_preadv2;
        __NR_pwritev2;
        __NR_lseek;
        __NR_close;
        __NR_close_range;
        __NR_dup;
        __NR_dup3;
        __NR_fcntl => Check(&FCNTL);
        __NR_flock;
        __NR_ioctl => Check(&IOCTL);
        __NR_pipe2;
        __NR_sendfile;
        __NR_splice;
        __NR_tee;
        __NR_vmsplice => Deny, "gives pages of memory to a pipe without copying them; half of several \
                                exploits, and next to unused";
        __NR_copy_file_range;
        __NR_fsync;
        __NR_fdatasync;
        __NR_sync_file_range;
        __NR_sync, "slows the host down at worst";
        __NR_syncfs, "as sync";
        __NR_ppoll;
        __NR_pselect6;
        __NR_epoll_create1;
        __NR_epoll_ctl;
        __NR_epoll_pwait;
        __NR_epoll_pwait2;
        __NR_eventfd2;
        @x86_64
        __NR_dup2;
        __NR_pipe;
        __NR_poll;
        __NR_select;
        __NR_epoll_create;
        __NR_epoll_wait;
        __NR_eventfd;
    },
};
