//! Calls on the caller's own address space.

use super::Verdict::{Absent, Check};
use super::{Group, calls};
use crate::seccomp::checks::options::MADVISE;

pub(super) const MEMORY: Group = Group {
    name: "memory",
    reason: "the program's own address space; how much of it is a matter of limits",
    rows: calls! {
        __NR_brk;
        __NR_mmap;
        __NR_munmap;
        __NR_mremap;
        __NR_mprotect;
        __NR_msync;
        __NR_madvise => Check(&MADVISE);
        __NR_mincore, "since Linux 5.2 it tells nothing of files that the caller may not write";
        __NR_mlock, "RLIMIT_MEMLOCK bounds it";
        __NR_mlock2, "RLIMIT_MEMLOCK bounds it";
        __NR_mlockall, "RLIMIT_MEMLOCK bounds it";
        __NR_munlock;
        __NR_munlockall;
        __NR_mseal;
        __NR_map_shadow_stack, "return-address protection of newer C libraries";
        __NR_pkey_mprotect;
        __NR_pkey_alloc;
        __NR_pkey_free;
        __NR_memfd_create, "a file without a name; running it is like running any file it can write";
        __NR_memfd_secret => Absent, "takes pages out of the host's own mapping for good";
        __NR_remap_file_pages => Absent, "deprecated since Linux 3.16; mmap does it";
        __NR_mbind, "numeric libraries place their memory; the caller's own only";
        __NR_set_mempolicy;
        __NR_get_mempolicy;
        __NR_set_mempolicy_home_node;
    },
};
