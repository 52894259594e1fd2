//! The engine: what a caller asks, resolved, bound to a boundary, supervised and reported.
//!
//! ```text
//! Ask ─► Engine::prepare ─► Prepared (plan, descriptors) ─► Engine::run ─► Report
//!            │                                                   │
//!            └─► Stop: every refusal, nothing started            └─► Sandbox, Process (boundary)
//! ```
//!
//! A Rust program starts at [`Sandbox::builder`]; docs/api.md shows it on real jobs. The command
//! line, the attack catalogue and the tests know this crate and no boundary.
#![forbid(unsafe_code)]

mod ask;
mod boundaries;
mod caller;
mod conclude;
mod deadline;
#[cfg(test)]
mod double;
mod engine;
mod explain;
mod facts_cache;
mod libexec;
mod prepare;
mod pump;
mod put_aside;
mod report;
mod resolve;
mod run;
mod sandbox;
mod signals;
mod sink;
mod state_file;
mod stop;
mod supervise;
mod terminal;

/// The traits of a boundary, for a caller that brings one of its own.
pub use isobar_boundary as boundary;
/// The model: policy, plan, refusal, evidence, outcome, report.
pub use isobar_policy as policy;

pub use ask::{Ask, InlineCode, Language};
pub use caller::Caller;
pub use engine::{Engine, Freshness};
pub use explain::{
    BUILD_ID, BoundaryNote, CallCounts, CallGroup, CallLine, Need, boundary_note, controller_need,
    default_kind, layer_need, seccomp_counts, seccomp_table,
};
pub use prepare::Prepared;
pub use run::Io;
pub use sandbox::{Command, Output, Sandbox, SandboxBuilder};
pub use signals::Signals;
pub use sink::{DescriptorSink, FilteredSink, OutputSink};
pub use stop::Stop;

/// The examples of docs/api.md, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/api.md")]
mod api {}
