//! The short way for a Rust program: [`Sandbox::builder`] to a report in three calls.
//!
//! A [`Sandbox`] is a policy and an engine. Each [`Command`] of it runs in a fresh sandbox that
//! nothing survives; two commands of one `Sandbox` share no state but the directories that the
//! policy lends. What this module cannot say is said with [`Engine`] and [`Ask`] directly.

mod builder;
mod command;

use std::ffi::OsString;

use isobar_policy::Policy;

use crate::Engine;

pub use builder::SandboxBuilder;
pub use command::{Command, Output};

/// A policy, and the engine that runs commands under it.
///
/// ```no_run
/// use std::time::Duration;
///
/// use isobar_engine::Sandbox;
/// use isobar_engine::policy::{Bytes, End};
///
/// let sandbox = Sandbox::builder().timeout(Duration::from_secs(10)).pids(64).build();
/// let output = sandbox.command(["python3", "-c", "print(6 * 7)"]).output(Bytes(1 << 20));
/// assert_eq!(output.report.outcome.end, End::Exited { code: 0 });
/// assert_eq!(output.stdout, b"42\n");
/// ```
#[derive(Debug)]
pub struct Sandbox {
    engine: Engine,
    policy: Policy,
}

impl Sandbox {
    /// A builder that starts from the profile `default`.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::new()
    }

    /// The command that runs `argv`: the program, then its arguments. The program is looked for
    /// in the caller's PATH, its installation is followed (`fs.toolchain`).
    pub fn command<I>(&self, argv: I) -> Command<'_>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        Command::new(self, argv.into_iter().map(Into::into).collect())
    }

    /// The policy that every command runs under.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The engine behind it, for what a [`Command`] cannot say.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }
}
