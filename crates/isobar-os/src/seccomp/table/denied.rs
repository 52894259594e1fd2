//! Calls known to be bad for a guest. Most need capabilities that it has not; the filter keeps it
//! from the code that would find that out.

use super::Verdict::Deny;
use super::{Group, calls};

pub(super) const MOUNTS: Group = Group {
    name: "mounts",
    reason: "the file system's shape is the boundary; file system drivers parse hostile images, and \
             the new mount calls have had holes of their own (CVE-2022-0185)",
    rows: calls! {
        __NR_mount => Deny;
        __NR_umount2 => Deny;
        __NR_pivot_root => Deny;
        __NR_chroot => Deny, "a root inside the root is the first half of climbing out";
        __NR_open_tree => Deny;
        __NR_open_tree_attr => Deny;
        __NR_move_mount => Deny;
        __NR_mount_setattr => Deny;
        __NR_fsopen => Deny;
        __NR_fsconfig => Deny;
        __NR_fsmount => Deny;
        __NR_fspick => Deny;
        __NR_statmount => Deny, "shows mounts of the host's that paths do not";
        __NR_listmount => Deny, "as statmount";
    },
};

pub(super) const NAMESPACES: Group = Group {
    name: "namespaces",
    reason: "in a user namespace of its own a guest has every capability, and with them the kernel \
             code that most exploits start from (CVE-2024-1086)",
    rows: calls! {
        __NR_unshare => Deny;
        __NR_setns => Deny;
    },
};

pub(super) const INSPECTION: Group = Group {
    name: "inspection",
    reason: "reading or steering other processes, ours among them; counters and fault traps are \
             tools for attacks on the kernel itself",
    rows: calls! {
        __NR_ptrace => Deny;
        __NR_process_vm_readv => Deny;
        __NR_process_vm_writev => Deny;
        __NR_process_madvise => Deny;
        __NR_process_mrelease => Deny;
        __NR_pidfd_getfd => Deny, "takes descriptors out of another process";
        __NR_kcmp => Deny, "tells where kernel objects lie";
        __NR_get_robust_list => Deny, "shows addresses of another process; nothing needs it";
        __NR_migrate_pages => Deny;
        __NR_move_pages => Deny;
        __NR_perf_event_open => Deny;
        __NR_userfaultfd => Deny, "stops the kernel at a page fault of the attacker's choice";
        __NR_lsm_get_self_attr => Deny;
        __NR_lsm_set_self_attr => Deny;
        __NR_lsm_list_modules => Deny;
    },
};

pub(super) const KERNEL: Group = Group {
    name: "kernel",
    reason: "puts code into the kernel, or starts another one",
    rows: calls! {
        __NR_bpf => Deny;
        __NR_init_module => Deny;
        __NR_finit_module => Deny;
        __NR_delete_module => Deny;
        __NR_kexec_load => Deny;
        @x86_64
        __NR_kexec_file_load => Deny;
        __NR_modify_ldt => Deny, "segments of 16-bit and 32-bit code; a source of kernel bugs";
        __NR_iopl => Deny, "the machine's input and output ports";
        __NR_ioperm => Deny, "as iopl";
    },
};

pub(super) const ADMINISTRATION: Group = Group {
    name: "administration",
    reason: "settings of the whole machine",
    rows: calls! {
        __NR_reboot => Deny;
        __NR_swapon => Deny;
        __NR_swapoff => Deny;
        __NR_acct => Deny;
        __NR_quotactl => Deny;
        __NR_quotactl_fd => Deny;
        __NR_vhangup => Deny;
        __NR_syslog => Deny, "the kernel's log names addresses, devices and other processes";
        __NR_sethostname => Deny, "the host name is a clause of the policy";
        __NR_setdomainname => Deny;
        __NR_settimeofday => Deny;
        __NR_clock_settime => Deny;
        __NR_adjtimex => Deny, "reading is refused as well: the mode lies in memory";
        __NR_clock_adjtime => Deny, "as adjtimex";
        @x86_64
        __NR_uselib => Deny, "loads a library the old way, past newer checks";
    },
};

pub(super) const HANDLES: Group = Group {
    name: "handles",
    reason: "reach objects by number, past every path and mount: files (guessed handles opened the \
             host's root in 2014), and keys, which belong to no namespace but the user's",
    rows: calls! {
        __NR_name_to_handle_at => Deny;
        __NR_open_by_handle_at => Deny;
        __NR_add_key => Deny;
        __NR_request_key => Deny;
        __NR_keyctl => Deny;
    },
};
