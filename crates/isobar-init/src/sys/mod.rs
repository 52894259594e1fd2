//! The one place with `unsafe`: how the process starts, what a compiler expects to find, memory,
//! and the system calls that rustix does not have.
//!
//! Every function here is safe to call. The machine's own code is in the module of its
//! architecture, behind one interface: `syscall6`, `clone`, the probes' calls, and the byte loops.
//!
//! There is one thread, but a process between clone and execve shares this memory. It runs on a
//! stack and reads arguments of its own ([`launch`]), and writes nothing else.

pub(crate) mod call;
pub(crate) mod descriptors;
mod image;
pub(crate) mod launch;
mod memory;
mod panic;
pub(crate) mod probe;
mod program;
mod start;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "x86_64")]
use x86_64 as machine;

pub(crate) use image::Image;
pub(crate) use program::Program;

#[cfg(not(target_arch = "x86_64"))]
compile_error!(
    "isobar-init knows x86-64 only; another architecture needs a module beside sys/x86_64.rs"
);
