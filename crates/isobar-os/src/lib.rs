//! Linux as typed calls: what isobar needs of the kernel, without policy.
//!
//! `raw` is the only module with `unsafe`: one thin function a system call. Everything in `raw` may
//! run between clone and exec; everything else belongs to the supervisor, which may allocate.

pub mod bus;
pub mod capability;
pub mod cgroup;
#[cfg(isobar_fault)]
pub mod fault;
#[cfg(test)]
mod fuzz;
pub mod idmap;
pub mod landlock;
pub mod mount;
pub mod mountinfo;
pub mod namespaces;
pub mod pidfd;
pub mod procfs;
#[expect(unsafe_code, reason = "the system call wrappers; each block states its invariant")]
pub mod raw;
pub mod sealed;
pub mod seccomp;
pub mod signal_queue;
pub mod slot;
pub mod state_dir;

pub use rustix::io::Errno;
