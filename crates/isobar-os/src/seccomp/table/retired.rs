//! Calls that are left out in a way that programs are prepared for: ENOSYS, as from a kernel
//! without them.

use super::Verdict::Absent;
use super::{Group, calls};

pub(super) const RINGS: Group = Group {
    name: "rings",
    reason: "operations queued in memory pass by every filter; programs fall back on plain calls",
    rows: calls! {
        __NR_io_uring_setup => Absent;
        __NR_io_uring_enter => Absent;
        __NR_io_uring_register => Absent;
        __NR_io_setup => Absent, "the number of requests (fs.aio-max-nr) is one for the whole host; a \
                                  guest could use it up";
        __NR_io_destroy => Absent, "as io_setup";
        __NR_io_submit => Absent, "as io_setup";
        __NR_io_cancel => Absent, "as io_setup";
        __NR_io_getevents => Absent, "as io_setup";
        __NR_io_pgetevents => Absent, "as io_setup";
    },
};

pub(super) const RETIRED: Group = Group {
    name: "retired",
    reason: "numbers that Linux has dropped, never used, or keeps for programs of the last century",
    rows: calls! {
        __NR_nfsservctl => Absent;
        __NR_lookup_dcookie => Absent;
        @x86_64
        __NR_uretprobe => Absent, "the kernel's own, for tracing; Linux 6.14 keeps it out of filters";
        __NR_ustat => Absent;
        __NR_sysfs => Absent;
        __NR__sysctl => Absent;
        __NR_create_module => Absent;
        __NR_get_kernel_syms => Absent;
        __NR_query_module => Absent;
        __NR_getpmsg => Absent;
        __NR_putpmsg => Absent;
        __NR_afs_syscall => Absent;
        __NR_tuxcall => Absent;
        __NR_security => Absent;
        __NR_vserver => Absent;
        __NR_epoll_ctl_old => Absent;
        __NR_epoll_wait_old => Absent;
        __NR_set_thread_area => Absent, "32-bit code's; x86-64 has arch_prctl";
        __NR_get_thread_area => Absent, "as set_thread_area";
    },
};
