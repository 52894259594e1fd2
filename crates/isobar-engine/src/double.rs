//! A test double of a boundary: it runs plain host processes through pipes and isolates nothing,
//! so that the engine's own half can be tested on every host.
//!
//! What a real boundary would observe is scripted by [`Script`].

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

use isobar_boundary::{
    Boundary, Descriptors, ExitReport, LaunchError, Leftovers, Process, ProcessEnd, ProcessSpec,
    Sandbox, SandboxError, SandboxEvent, SandboxUsage, Snapshots, SpawnError, Streams, WindowSize,
};
use isobar_policy::{
    Binding, BoundaryKind, Clause, Code, Diagnostic, Evidence, Grade, HostFacts, Mechanism,
    Payload, Phase, Plan, Privilege, Refusal, Request,
};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};

/// How a launch fails.
#[derive(Debug, Clone)]
pub(crate) enum Failing {
    Refused,
    Contradicted,
}

/// What the double does and observes.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// What `probe` answers as Landlock's ABI; a plan needs at least 1.
    pub(crate) landlock_abi: u32,
    /// What was learned earlier is not so any more.
    pub(crate) stale: bool,
    pub(crate) failing: Option<Failing>,
    /// Evidence of the sandbox, and of each process.
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) of_process: Vec<Evidence>,
    /// Told as soon as a process runs.
    pub(crate) events: Vec<SandboxEvent>,
    pub(crate) usage: SandboxUsage,
    /// Instead of how the process ended.
    pub(crate) end: Option<ProcessEnd>,
    pub(crate) pids_reached: Option<u32>,
    /// Something stays after the end.
    pub(crate) leaves: bool,
}

impl Script {
    /// Everything works.
    pub(crate) fn new() -> Self {
        Self {
            landlock_abi: 7,
            stale: false,
            failing: None,
            evidence: vec![observed("double.wall", true)],
            of_process: vec![observed("double.process", true)],
            events: Vec::new(),
            usage: SandboxUsage::default(),
            end: None,
            pids_reached: None,
            leaves: false,
        }
    }
}

/// An observation of the double's.
pub(crate) fn observed(key: &str, holds: bool) -> Evidence {
    let seen = if holds { "on" } else { "off" };
    Evidence::compare(key, Grade::ReadBack, "the double", "on", seen)
}

/// What happened to a double, for tests to look at.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) probes: u32,
    pub(crate) spawns: u32,
    pub(crate) kills: u32,
    pub(crate) destroyed: u32,
}

/// The boundary.
#[derive(Debug, Clone)]
pub(crate) struct Double {
    pub(crate) script: Rc<RefCell<Script>>,
    pub(crate) log: Rc<RefCell<Log>>,
}

impl Double {
    pub(crate) fn new(script: Script) -> Self {
        Self { script: Rc::new(RefCell::new(script)), log: Rc::default() }
    }
}

pub(crate) fn facts(landlock_abi: u32) -> HostFacts {
    HostFacts {
        kernel: "6.1.0".to_owned(),
        machine: "x86_64".to_owned(),
        privilege: Privilege::User,
        uid: 1000,
        gid: 1000,
        supplementary_groups: Vec::new(),
        layers: std::collections::BTreeMap::new(),
        landlock_abi,
        cgroups: std::collections::BTreeMap::new(),
        swap: false,
        swap_accounting: false,
    }
}

pub(crate) fn refusal() -> Refusal {
    Refusal {
        code: Code::HostLandlockMissing,
        clause: None,
        why: "the double has no Landlock".to_owned(),
        remedy: "give it one".to_owned(),
        acceptable: None,
    }
}

fn binding(clause: Clause, key: &str) -> Binding {
    Binding {
        clause: Some(clause),
        asked: "on".to_owned(),
        mechanisms: vec![Mechanism("a double".to_owned())],
        evidence: vec![key.to_owned()],
        accepted: None,
        weak_evidence_reason: None,
    }
}

impl Boundary for Double {
    fn kind(&self) -> BoundaryKind {
        crate::boundaries::DEFAULT
    }

    fn probe(&self) -> HostFacts {
        self.log.borrow_mut().probes += 1;
        facts(self.script.borrow().landlock_abi)
    }

    fn still_holds(&self, _: &HostFacts) -> bool {
        !self.script.borrow().stale
    }

    fn plan(&self, request: &Request, facts: &HostFacts) -> Result<Plan, Vec<Refusal>> {
        if facts.landlock_abi == 0 {
            return Err(vec![refusal()]);
        }
        Ok(Plan {
            boundary: self.kind(),
            bindings: vec![
                binding(Clause::Net, "double.wall"),
                binding(Clause::Env, "double.process"),
            ],
            shared: vec!["everything".to_owned()],
            payload: Payload { version: 1, data: serde_json::Value::Null },
            slots: request.slots.keys().copied().collect(),
        })
    }

    fn collect(&self, _: &Path) -> Result<Leftovers, Diagnostic> {
        Ok(Leftovers::default())
    }

    fn launch(&self, plan: &Plan, mut held: Descriptors) -> Result<Box<dyn Sandbox>, LaunchError> {
        assert!(plan.slots.iter().all(|slot| held.take(*slot).is_some()), "every slot is filled");
        let script = self.script.borrow().clone();
        match script.failing {
            Some(Failing::Refused) => return Err(LaunchError::Refused(vec![refusal()])),
            Some(Failing::Contradicted) => {
                return Err(LaunchError::Contradicted(vec![observed("double.wall", false)]));
            }
            None => {}
        }
        let (quiet, told) = rustix::pipe::pipe().expect("a pipe");
        let log = Rc::clone(&self.log);
        Ok(Box::new(DoubleSandbox {
            script,
            log,
            quiet,
            told,
            events: Vec::new(),
            groups: Vec::new(),
        }))
    }
}

#[derive(Debug)]
struct DoubleSandbox {
    script: Script,
    log: Rc<RefCell<Log>>,
    quiet: OwnedFd,
    told: OwnedFd,
    events: Vec<SandboxEvent>,
    groups: Vec<Pid>,
}

impl Sandbox for DoubleSandbox {
    fn spawn(&mut self, spec: &ProcessSpec) -> Result<Box<dyn Process>, SpawnError> {
        self.log.borrow_mut().spawns += 1;
        let text = |string: &std::ffi::CString| {
            std::ffi::OsStr::from_bytes(string.as_bytes()).to_os_string()
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a double runs what a boundary would confine"
        )]
        let mut command = Command::new(text(&spec.program));
        let (name, arguments) = spec.argv.split_first().expect("a program has a name");
        command.arg0(text(name)).args(arguments.iter().map(text)).env_clear();
        for variable in &spec.env {
            let variable = variable.to_str().expect("the tests write text");
            let (name, value) = variable.split_once('=').expect("NAME=value");
            command.env(name, value);
        }
        command.current_dir(text(&spec.cwd)).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the tests name programs that exist");
        let pid = Pid::from_child(&child);
        self.groups.push(pid);
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).expect("a child");
        if !self.script.events.is_empty() {
            self.events.append(&mut self.script.events.clone());
            rustix::io::write(&self.told, b"!").expect("room for one byte");
        }
        let streams = Streams {
            stdin: child.stdin.take().map(OwnedFd::from),
            stdout: child.stdout.take().map(OwnedFd::from),
            stderr: child.stderr.take().map(OwnedFd::from),
        };
        let (script, evidence) = (self.script.clone(), self.script.of_process.clone());
        Ok(Box::new(DoubleProcess { script, evidence, child, pidfd, streams }))
    }

    fn pollable(&self) -> BorrowedFd<'_> {
        self.quiet.as_fd()
    }

    fn events(&mut self) -> Vec<SandboxEvent> {
        std::mem::take(&mut self.events)
    }

    fn kill(&mut self) {
        self.log.borrow_mut().kills += 1;
        for group in &self.groups {
            // A group that is gone needs no signal.
            rustix::process::kill_process_group(*group, Signal::KILL).ok();
        }
    }

    fn destroy(&mut self) -> Result<SandboxUsage, SandboxError> {
        self.kill();
        self.log.borrow_mut().destroyed += 1;
        for group in &self.groups {
            // The process itself is reaped by its own value; only its end is awaited here.
            let options =
                rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
            rustix::process::waitid(rustix::process::WaitId::Pid(*group), options).ok();
        }
        if self.script.leaves {
            return Err(SandboxError::Left(Diagnostic {
                code: Code::CleanupFailed,
                summary: "a double is left".to_owned(),
                causes: Vec::new(),
                remedy: "none".to_owned(),
            }));
        }
        let mut usage = self.script.usage.clone();
        usage.phases.push(Phase { name: "double".to_owned(), micros: 1 });
        Ok(usage)
    }

    fn evidence(&self) -> &[Evidence] {
        &self.script.evidence
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        None
    }
}

#[derive(Debug)]
struct DoubleProcess {
    script: Script,
    evidence: Vec<Evidence>,
    child: Child,
    pidfd: OwnedFd,
    streams: Streams,
}

impl Process for DoubleProcess {
    fn streams(&mut self) -> &mut Streams {
        &mut self.streams
    }

    fn pollable(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    fn try_wait(&mut self) -> Option<ExitReport> {
        let status = self.child.try_wait().expect("a child can be waited for")?;
        let end = match (status.code(), status.signal()) {
            (Some(code), _) => ProcessEnd::Exited(u8::try_from(code).expect("a code")),
            (None, Some(signal)) => ProcessEnd::Signalled(u8::try_from(signal).expect("a signal")),
            (None, None) => ProcessEnd::Lost,
        };
        Some(ExitReport {
            end: self.script.end.unwrap_or(end),
            user_micros: 11,
            system_micros: 22,
            peak_resident_bytes: 33,
            pids_reached: self.script.pids_reached,
        })
    }

    fn resize(&mut self, _: WindowSize) -> Result<(), Diagnostic> {
        Ok(())
    }

    fn signal(&mut self, signal: u8, group: bool) -> Result<(), Diagnostic> {
        let signal = Signal::from_named_raw(i32::from(signal)).expect("a signal that has a name");
        let pid = Pid::from_child(&self.child);
        let sent = if group {
            rustix::process::kill_process_group(pid, signal)
        } else {
            rustix::process::kill_process(pid, signal)
        };
        sent.expect("it was not waited for yet");
        Ok(())
    }

    fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }
}

impl Drop for DoubleProcess {
    fn drop(&mut self) {
        // Nothing of a test may be left: kill and reap whatever is still there.
        let group = Pid::from_child(&self.child);
        rustix::process::kill_process_group(group, Signal::KILL).ok();
        self.child.wait().ok();
        while let Ok(Some(_)) = rustix::process::waitpgid(group, WaitOptions::NOHANG) {}
    }
}
