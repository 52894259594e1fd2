//! Attempts to get out of a sandbox: the catalogue, and the runner that tries one of them.
//!
//! ```text
//! Attempt ─► Canary (made on the host) ─► Engine (a sandbox with the payload in it) ─► Verdict
//!                │                                                                        ▲
//!                └────────── looked at again on the host ─────────────────────────────────┘
//! ```
//!
//! The host decides: an attempt is held if its canary is untouched, the supervisor is alive and the
//! outcome names the cause. A guest's word counts only where success can be seen from inside alone,
//! and then only with a token that it could not know beforehand.
//!
//! The payload is an executable of its own, `isobar-attack-payload`. Nothing here can switch a layer
//! off; the proof that each attempt succeeds without its layers is in the tests of the fault build.
#![forbid(unsafe_code)]

mod attempt;
pub mod canary;
mod catalogue;
mod claim;
mod layer;
mod payload;
mod runner;
mod token;
mod verdict;

pub use attempt::{Attempt, Bound, Proof};
pub use canary::{Canary, CanaryKind, Side};
pub use catalogue::{CATALOGUE, find};
pub use layer::Layer;
pub use payload::{PAYLOAD, Payload, PayloadError};
pub use runner::Runner;
pub use token::{Token, TokenError};
pub use verdict::Verdict;

/// The page that says what each attempt tries.
pub const DOCUMENT: &str = "docs/attacks.md";
