//! The model of isobar: what a user asked for, what a host can do, what was decided, what was
//! observed.
//!
//! Everything here is plain data with serde; nothing opens a file or makes a system call. The flow
//! of one run passes through these types from top to bottom:
//!
//! [`Policy`] (asked) → [`Request`] (resolved once against the file system) + [`HostFacts`]
//! (learned by doing) → [`Plan`] or [`Refusal`]s → [`Evidence`] → [`Outcome`] → [`Report`].
//!
//! ```
//! use isobar_policy::{Clause, Code, parse_toml, profile};
//!
//! let file = parse_toml("version = 1\nlimits.memory = '512M'")?;
//! let flags = parse_toml("version = 1\nlimits.pids = 0")?;
//! let merged = profile("default").expect("built in").overlaid(file).overlaid(flags);
//!
//! let refusals = merged.validate();
//! assert_eq!(refusals[0].code, Code::PolicyZeroLimit);
//! assert_eq!(refusals[0].clause, Some(Clause::Pids));
//! # Ok::<(), isobar_policy::PolicyError>(())
//! ```
#![forbid(unsafe_code)]

mod accept;
mod boundary;
mod clause;
mod code;
mod diagnostic;
mod escape;
mod evidence;
mod exit_code;
mod facts;
mod identity;
mod merge;
mod outcome;
mod parse;
mod plan;
mod policy;
mod profile;
mod protected;
mod refusal;
mod report;
mod request;
mod rough;
mod schema;
mod signal;
mod style;
mod target;
mod units;
mod validate;
mod write;

#[cfg(test)]
mod docs;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod mutation;
#[cfg(test)]
mod random;

pub use accept::Acceptance;
pub use boundary::BoundaryKind;
pub use clause::Clause;
pub use code::{Area, Code};
pub use diagnostic::Diagnostic;
pub use escape::{escape, escape_bounded, escape_bytes};
pub use evidence::{Evidence, Grade};
pub use exit_code::{
    EXIT_CODES, EXIT_DEADLINE, EXIT_KILLED, EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_REFUSED,
    EXIT_SIGNAL_BASE, exit_code,
};
pub use facts::{CgroupFact, CgroupVersion, Controller, Fact, HostFacts, Layer, Privilege};
pub use identity::IdentityClauses;
pub use outcome::{End, KilledBy, LimitHit, Outcome, Phase, PutAside, Truncated, Usage};
pub use parse::{MAX_POLICY_BYTES, Place, PolicyError, parse, parse_json, parse_toml};
pub use plan::{Binding, Mechanism, Payload, Plan, Slot};
pub use policy::{
    EnvClauses, FsClauses, GrantPath, GrantSpec, LimitClauses, NetClauses, NetMode, Policy,
    RootKind, TmpfsSpec, ToolchainMode, WorkspaceExit, WorkspaceMode, WorkspaceSpec,
};
pub use profile::{PROFILES, profile, profile_text};
pub use protected::{PROTECTED, ProtectedPath};
pub use refusal::Refusal;
pub use report::{ClauseLine, Report};
pub use request::{Access, FileKind, Grant, GrantOrigin, Hold, Program, Protection, Request};
pub use schema::schema;
pub use style::Style;
pub use target::{TargetError, check_target};
pub use units::{Bytes, Cpus, Span, UnitError};
