//! The logic of `isobar-init` that needs no system call, apart from the executable so that it can
//! be tested.
//!
//! Everything here works in memory that the caller owns: there is no heap. Bytes that come in are
//! bounded before they are kept, and every index is checked.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod assembly;
mod end;
mod frames;
mod outbox;
mod table;
mod tasks;
mod usage;
mod watch;

pub use assembly::Assembly;
pub use end::End;
pub use frames::{Frame, FrameBuffer};
pub use outbox::{CAPACITY as OUTBOX_CAPACITY, Outbox};
pub use table::{Layout, TableError, pointers};
pub use tasks::{TASK_PATH, guest_tasks, task_path};
pub use usage::{RUSAGE, Usage};
pub use watch::{Cadence, SAMPLE_MILLIS, Watch};

/// The most processes that an agent keeps at a time; one more is answered with `EAGAIN`.
pub const MAX_PROCESSES: usize = 64;
