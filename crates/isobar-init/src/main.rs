//! `isobar-init`: PID 1 and agent inside every sandbox that has processes.
//!
//! One run, file by file: `sys/start` enters [`run`]; `greet` checks how the agent was started,
//! reads the host's set-up, tries what its own confinement must refuse (`probe`) and reports that;
//! `agent` then serves the host: `spawning` takes specifications and launches processes; `guest` is
//! what such a process does before it executes its program, `identity` being the hardest of it;
//! `process` and `roster` keep those that run; `census` counts their tasks.
//!
//! Without libc, heap, threads or signal handlers. The agent parses what the host sends and what
//! the kernel says, nothing that guests make. After the first guest exists, the host treats what it
//! says as claimed by the guest.
#![no_std]
#![no_main]

mod agent;
mod census;
#[cfg(isobar_fault)]
mod fault;
mod greet;
mod guest;
mod identity;
mod probe;
mod process;
mod roster;
mod spawning;
#[expect(unsafe_code, reason = "the one place that has it; see its documentation")]
mod sys;

use isobar_boundary::protocol::MAX_FRAME;
use isobar_init::{End, FrameBuffer};

/// The agent from its first line to its end.
fn run() -> End {
    let mut frames = FrameBuffer::<MAX_FRAME>::new();
    let served = greet::greet(&mut frames).and_then(|setup| agent::serve(setup, &mut frames));
    let Err(end) = served;
    end
}
