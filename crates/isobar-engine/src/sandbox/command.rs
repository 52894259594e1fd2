//! One command of a [`Sandbox`]: what is run, what it reads, where its output goes.

use std::ffi::OsString;
use std::os::fd::BorrowedFd;

use isobar_policy::{Bytes, Policy, Report};

use crate::{Ask, Caller, Io, OutputSink, Prepared, Sandbox, Signals, Stop};

/// A command that was not started yet.
#[derive(Debug)]
#[must_use = "a command does nothing until it is run"]
pub struct Command<'a> {
    sandbox: &'a Sandbox,
    argv: Vec<OsString>,
    cwd: Option<String>,
    stdin: Option<BorrowedFd<'a>>,
    signals: Signals,
}

/// What a command printed, and its report.
#[derive(Debug)]
pub struct Output {
    /// How it ended, what it used, what was observed of each clause.
    pub report: Report,
    /// Standard output, hostile bytes. What was cut off is counted in
    /// [`Outcome::truncated`](isobar_policy::Outcome).
    pub stdout: Vec<u8>,
    /// Standard error, hostile bytes.
    pub stderr: Vec<u8>,
}

impl<'a> Command<'a> {
    pub(super) fn new(sandbox: &'a Sandbox, argv: Vec<OsString>) -> Self {
        Self { sandbox, argv, cwd: None, stdin: None, signals: Signals::Leave }
    }

    /// The guest's working directory, as the guest sees it: absolute, or relative to the
    /// workspace. Where never set: see [`Prepared::request`].
    pub fn cwd(mut self, directory: impl Into<String>) -> Self {
        self.cwd = Some(directory.into());
        self
    }

    /// What the guest reads as standard input, until its end; nothing where never set. The
    /// descriptor itself never enters: the supervisor reads it and writes to a pipe.
    pub const fn stdin(mut self, input: BorrowedFd<'a>) -> Self {
        self.stdin = Some(input);
        self
    }

    /// What becomes of signals to this process during the run; [`Signals::Leave`] where never set.
    pub const fn signals(mut self, signals: Signals) -> Self {
        self.signals = signals;
        self
    }

    /// Plans the run and starts nothing.
    ///
    /// # Errors
    /// [`Stop`] with every refusal.
    pub fn plan(self) -> Result<Prepared, Stop> {
        let policy = self.sandbox.policy.clone();
        self.prepared(policy)
    }

    /// Runs the command and hands its output to `stdout` and `stderr` as it comes. Returns when
    /// nothing of the sandbox is left; every failure is in the report.
    #[must_use = "the report says whether the command ran at all"]
    pub fn run<'s>(self, stdout: impl OutputSink + 's, stderr: impl OutputSink + 's) -> Report
    where
        'a: 's,
    {
        let policy = self.sandbox.policy.clone();
        self.run_under(policy, Box::new(stdout), Box::new(stderr))
    }

    /// Runs the command and keeps what it prints: at most `limit` bytes of each stream, or
    /// `limits.output-bytes` where that is less. The rest is dropped and counted.
    #[must_use = "the report says whether the command ran at all"]
    pub fn output(self, limit: Bytes) -> Output {
        let mut policy = self.sandbox.policy.clone();
        let limits = &mut policy.limits;
        limits.output_bytes = Some(limits.output_bytes.map_or(limit, |own| own.min(limit)));
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let report = self.run_under(policy, Box::new(&mut stdout), Box::new(&mut stderr));
        Output { report, stdout, stderr }
    }

    fn run_under<'s>(
        self,
        policy: Policy,
        stdout: Box<dyn OutputSink + 's>,
        stderr: Box<dyn OutputSink + 's>,
    ) -> Report
    where
        'a: 's,
    {
        let (sandbox, stdin, signals) = (self.sandbox, self.stdin, self.signals);
        let argv = self.argv.clone();
        match self.prepared(policy.clone()) {
            Ok(prepared) => sandbox.engine.run(prepared, Io { stdin, stdout, stderr }, signals),
            Err(stop) => stop.into_report(policy, &argv),
        }
    }

    fn prepared(self, policy: Policy) -> Result<Prepared, Stop> {
        self.sandbox.engine.prepare(Ask {
            policy,
            argv: self.argv,
            code: None,
            cwd: self.cwd,
            terminal: false,
            caller: Caller::from_process(),
        })
    }
}
