//! From a description to a confined process, with evidence.
//!
//! [`JailSpec`] says what a process is to be: who it is, which namespaces and which root it has,
//! what it may use, what it gives up, what it executes. [`launch()`] makes it, in two phases:
//!
//! 1. *early*: namespaces, identity, root, control groups, resource limits;
//! 2. *late* ([`Confinement`]): capabilities, no_new_privs, Landlock, the seccomp filter.
//!
//! A guest goes through both before its first instruction. A process of ours that must first make
//! something (map an artefact, say) is launched with an empty late phase and applies it to itself
//! later with [`Confinement::confine_self`]: the same code.
//!
//! Between clone and exec only `stage` runs, which neither allocates nor locks nor panics; it
//! reads what [`launch()`] prepared and reports a failing step through shared words.

pub mod evidence;

mod confinement;
mod error;
mod launch;
mod root;
mod spec;
mod stage;
#[expect(
    unsafe_code,
    reason = "entry points of processes that share memory; each block states its invariant"
)]
mod sys;

pub use confinement::{Confinement, LandlockRule, LandlockSpec};
pub use error::{JailError, Step};
pub use launch::{Jailed, launch};
pub use root::{Bind, BindSource, Entry, RootError, RootSpec};
pub use spec::{ClockOffsets, Execution, Identity, JailSpec, ResourceLimit};
