//! What every boundary has in common: the traits through which the engine, the command line and
//! the tests see it, and the protocol between a supervisor and `isobar-init`.
//!
//! The protocol part is `no_std` and allocates nothing, since `isobar-init` has neither libc nor
//! heap. The traits need the `std` feature, which is on by default. The `conformance` feature adds
//! the laws that hold of every boundary, for the tests of each.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![forbid(unsafe_code)]

pub mod build;
#[cfg(test)]
mod fuzz;
pub mod protocol;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "std")]
mod launch;
#[cfg(feature = "std")]
mod leftovers;
#[cfg(feature = "std")]
mod process;
#[cfg(feature = "std")]
mod sandbox;
#[cfg(feature = "std")]
mod traits;

#[cfg(feature = "std")]
pub use launch::{Descriptors, LaunchError};
#[cfg(feature = "std")]
pub use leftovers::Leftovers;
#[cfg(feature = "std")]
pub use process::{ExitReport, Process, ProcessEnd, ProcessSpec, SpawnError, Streams, WindowSize};
#[cfg(feature = "std")]
pub use sandbox::{Sandbox, SandboxError, SandboxEvent, SandboxUsage, Snapshots};
#[cfg(feature = "std")]
pub use traits::Boundary;
