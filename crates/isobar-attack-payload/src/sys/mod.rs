//! The calls that no safe interface has. Arguments are numbers, or memory that is borrowed for the
//! call; what an attempt provokes in the kernel is its purpose and concerns this process only.
#![expect(
    unsafe_code,
    reason = "the one module of this executable that talks to the kernel itself"
)]

mod call;
pub(crate) mod mapping;
pub(crate) mod mounts;
pub(crate) mod process;
pub(crate) mod segment;
mod x86_64;

pub(crate) use x86_64::{getpid_32, getpid_x32};
