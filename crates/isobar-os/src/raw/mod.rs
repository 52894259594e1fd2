//! One thin function a system call, fit for the time between clone and exec.
//!
//! The rules of this module:
//! - no allocation, no lock, no thread-local storage (so no libc `errno`), no panic: a child that
//!   shares its parent's memory (CLONE_VM) may call everything here;
//! - descriptors are [`Fd`], plain numbers of the calling process's own table. A stage child never
//!   closes what it opens: exec does, since every descriptor here is opened close-on-exec;
//! - EINTR is returned, never retried, but where the function says so.
//!
//! The safety argument of the whole family: every pointer that a wrapper passes comes from a
//! reference or slice that it borrows for the duration of the call, with the length that the
//! kernel is told; the kernel writes only where the borrow is mutable.

mod call;
mod confine;
mod files;
mod holder;
mod identity;
mod mounts;
mod signals;
mod spawn;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(isobar_fault)]
pub(crate) use call::number::NAMED as NAMED_CALLS;
pub use confine::{
    LandlockRuleset, bounding_drop, bounding_has, capset, clear_ambient, landlock_abi,
    landlock_add_path, landlock_create, landlock_restrict, no_new_privileges, parent_death_signal,
    raise_ambient, seccomp_filter, seccomp_probe, set_limit, set_not_dumpable,
};
pub use files::{
    Fd, FileIdentity, clear_mode_mask, close, close_on_exec_from, duplicate_to, identity_of,
    make_directory, make_symlink, open_path_beneath, open_read, open_write, read_once,
    send_byte_frame, write_all, write_file,
};
pub use holder::NamespaceHolder;
pub use identity::{
    clear_groups, join_namespace, loopback_up, set_gid, set_hostname, set_uid, unshare,
};
pub use mounts::{
    MountAttributes, change_directory, detach, idmap_mount, make_private, mount_here, mount_on,
    new_filesystem, open_clone, pivot_here, set_attributes,
};
pub use signals::{MaskChange, change_signal_mask, open_signal_queue, signal_thread};
pub use spawn::{
    ChildStack, ProcessArguments, Shared, SpawnFlags, execute, exit_now, reap_child,
    spawn_sharing_memory, wait_while_zero, wake,
};
