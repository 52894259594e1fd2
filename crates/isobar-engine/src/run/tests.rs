//! Whole runs through a double of a boundary: ends, streams, limits, evidence, signals.

mod ends;
mod evidence;
mod streams;

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use isobar_policy::{Bytes, Diagnostic, End, Policy, Report, Span};
use tempfile::TempDir;

use crate::double::{Double, Script};
use crate::signals::SignalQueue;
use crate::{Ask, Caller, Engine, Io, OutputSink, Prepared, Signals, Stop};

/// An engine with a double, and what it was asked.
struct Bench {
    state: TempDir,
    double: Double,
    engine: Engine,
    policy: Policy,
}

impl Bench {
    fn new(script: Script) -> Self {
        let state = tempfile::tempdir().expect("a directory");
        let double = Double::new(script);
        let engine =
            Engine::with_boundaries(vec![Box::new(double.clone())], state.path().join("state"));
        let mut policy = Policy::empty();
        policy.env.allow = vec!["PATH".to_owned()];
        Self { state, double, engine, policy }
    }

    /// At most `bytes` of each output.
    fn output(mut self, bytes: u64) -> Self {
        self.policy.limits.output_bytes = Some(Bytes(bytes));
        self
    }

    fn deadline(mut self, millis: u64) -> Self {
        self.policy.limits.wall_time = Some(Span::from_millis(millis));
        self
    }

    fn prepare(&self, argv: &[&str]) -> Result<Prepared, Stop> {
        let env = vec![("PATH".into(), "/usr/bin:/bin".into())];
        self.engine.prepare(Ask {
            policy: self.policy.clone(),
            argv: argv.iter().map(OsString::from).collect(),
            code: None,
            cwd: None,
            terminal: false,
            caller: Caller { cwd: PathBuf::from("/"), env },
        })
    }

    fn run(&self, argv: &[&str], io: Io<'_>) -> Report {
        let prepared = self.prepare(argv).expect("the double refuses nothing");
        self.engine.run(prepared, io, Signals::Leave)
    }

    /// Runs a shell command with an empty input.
    fn shell(&self, command: &str) -> (Report, Vec<u8>, Vec<u8>) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let io = Io { stdin: None, stdout: Box::new(&mut stdout), stderr: Box::new(&mut stderr) };
        let report = self.run(&["sh", "-c", command], io);
        (report, stdout, stderr)
    }
}

/// An output that nobody looks at.
fn nowhere() -> Box<dyn OutputSink> {
    Box::new(Vec::new())
}

fn failure(report: &Report) -> &Diagnostic {
    let End::Failed { diagnostic } = &report.outcome.end else {
        panic!("it did not fail: {:?}", report.outcome.end)
    };
    diagnostic
}

/// A sink that calls a closure with each piece.
struct Watching<F>(F);

impl<F: FnMut(&[u8])> OutputSink for Watching<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes);
        Ok(bytes.len())
    }
}

/// A queue of signals that the test fills through a pipe.
struct ScriptedQueue(OwnedFd);

impl SignalQueue for ScriptedQueue {
    fn pollable(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn next(&mut self) -> Option<u8> {
        let mut one = [0];
        match rustix::io::read(&self.0, &mut one) {
            Ok(1) => Some(one[0]),
            _ => None,
        }
    }
}

fn scripted_queue() -> (Box<dyn SignalQueue>, OwnedFd) {
    let flags = rustix::pipe::PipeFlags::NONBLOCK | rustix::pipe::PipeFlags::CLOEXEC;
    let (queue, filler) = rustix::pipe::pipe_with(flags).expect("a pipe");
    (Box::new(ScriptedQueue(queue)), filler)
}
