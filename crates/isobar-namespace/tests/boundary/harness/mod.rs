//! One scene a test: a request to be filled in, sandboxes of it, and a check that nothing is left.
//!
//! ```ignore
//! let mut scene = Scene::new();
//! scene.policy().limits.open_files = Some(64);
//! let ran = scene.run("ulimit -n");
//! assert_eq!(ran.out, "64\n");
//! ```
//!
//! Scenes exclude each other within a process, so that open descriptors and children can be
//! counted. Every wait has a bound that only a hang meets.

mod again;
mod installation;
mod leaks;
mod wait;

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use isobar_boundary::{
    Boundary, Descriptors, ExitReport, LaunchError, Process, ProcessSpec, Sandbox, SandboxUsage,
    SpawnError,
};
use isobar_namespace::NamespaceBoundary;
use isobar_policy::{
    Access, Clause, Code, Controller, FileKind, Grant, GrantOrigin, HostFacts, Plan, Policy,
    Program, Refusal, Request, profile,
};
use tempfile::TempDir;

pub(crate) use again::{again, lines_of, marked, role};
pub(crate) use installation::libexec;
pub(crate) use leaks::{children_of, memory_group_of, until};
pub(crate) use wait::{end_of, event, has_hung_up, line_of, readable, text_of};

static GATE: Mutex<()> = Mutex::new(());

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The boundary under test.
pub(crate) fn boundary() -> NamespaceBoundary {
    NamespaceBoundary::new(libexec().to_owned())
}

/// What this host can do; learned once a process.
pub(crate) fn facts() -> &'static HostFacts {
    static FACTS: OnceLock<HostFacts> = OnceLock::new();
    FACTS.get_or_init(|| boundary().probe())
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) request: Request,
    pub(crate) facts: HostFacts,
    descriptors: Descriptors,
    scratch: Option<TempDir>,
    before: leaks::Before,
    _gate: MutexGuard<'static, ()>,
}

/// What came of one process in a sandbox of its own.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) report: ExitReport,
    pub(crate) usage: SandboxUsage,
}

impl Scene {
    /// The policy is the profile `default`; nothing is granted.
    pub(crate) fn new() -> Self {
        let gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
        let facts = facts().clone();
        let scratch = tempfile::Builder::new().prefix("isobar-test-").tempdir().unwrap();
        let request = Request {
            policy: profile("default").expect("a built-in profile"),
            grants: Vec::new(),
            program: Program { path: "/bin/sh".to_owned(), command: vec!["sh".to_owned()] },
            cwd: "/tmp".to_owned(),
            env_names: Vec::new(),
            terminal: false,
            slots: std::collections::BTreeMap::new(),
        };
        let before = leaks::Before::now();
        let descriptors = Descriptors::new();
        Self { request, facts, descriptors, scratch: Some(scratch), before, _gate: gate }
    }

    /// A directory of this test's own.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.as_ref().expect("it is there until the end").path()
    }

    pub(crate) fn policy(&mut self) -> &mut Policy {
        &mut self.request.policy
    }

    /// Resolves a host path and grants it, as the engine would.
    pub(crate) fn grant(&mut self, source: &Path, target: &str, access: Access) {
        use rustix::fs::{CWD, Mode, OFlags, openat};
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = openat(CWD, source, flags, Mode::empty()).unwrap();
        let data = std::fs::symlink_metadata(source).unwrap();
        let kind = if data.is_dir() { FileKind::Directory } else { FileKind::File };
        let source = source.to_str().unwrap().to_owned();
        let slot = self.descriptors.push(descriptor);
        self.request.slots.insert(slot, source.clone());
        self.request.grants.push(Grant {
            slot,
            source,
            target: target.to_owned(),
            access,
            origin: GrantOrigin::Policy,
            kind,
            device: data.dev(),
            inode: data.ino(),
            uid: data.uid(),
            gid: data.gid(),
            file_system: "test".to_owned(),
            group_socket: None,
            protections: Vec::new(),
        });
    }

    /// Whether a control group of this kind can be used here. Where it cannot, the clause must be
    /// refused by name, which this checks.
    pub(crate) fn can(&self, controller: Controller, clause: Clause) -> bool {
        if self.facts.controller(controller).works() {
            return true;
        }
        let refusals = self.refusals();
        let expected = [Code::HostCgroupMissing, Code::HostCgroupReadOnly];
        let named =
            refusals.iter().any(|one| one.clause == Some(clause) && expected.contains(&one.code));
        assert!(named, "a limit that nothing can hold is refused: {refusals:?}");
        false
    }

    /// Whether a control group holds the number of tasks where nothing else is asked for.
    pub(crate) fn counts_by_group(&self) -> bool {
        let group = self.facts.cgroups.get(&Controller::Pids);
        group.is_some_and(|group| group.fact.works() && !group.scope)
    }

    pub(crate) fn plan(&self) -> Plan {
        boundary()
            .plan(&self.request, &self.facts)
            .unwrap_or_else(|refusals| panic!("refused: {refusals:#?}"))
    }

    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        boundary().plan(&self.request, &self.facts).expect_err("it must be refused")
    }

    pub(crate) fn try_launch(&mut self) -> Result<Box<dyn Sandbox>, LaunchError> {
        let plan = self.plan();
        boundary().launch(&plan, std::mem::take(&mut self.descriptors))
    }

    pub(crate) fn launch(&mut self) -> Box<dyn Sandbox> {
        self.try_launch().unwrap_or_else(|error| match &error {
            LaunchError::Contradicted(evidence) => {
                let wrong: Vec<_> = evidence.iter().filter(|one| !one.holds).collect();
                panic!("contradicted: {wrong:#?}")
            }
            LaunchError::Refused(_) | LaunchError::Failed(_) | _ => panic!("{error:#?}"),
        })
    }

    /// Runs a script to its end in a sandbox of its own.
    pub(crate) fn run(&mut self, script: &str) -> Ran {
        self.run_spec(&shell(script))
    }

    /// Runs a process to its end in a sandbox of its own.
    pub(crate) fn run_spec(&mut self, spec: &ProcessSpec) -> Ran {
        let mut sandbox = self.launch();
        let mut process = spawn(&mut *sandbox, spec);
        drop(process.streams().stdin.take());
        let (out, err) = (text_of(stdout(&mut *process)), text_of(stderr(&mut *process)));
        let report = end_of(&mut *process);
        let usage = sandbox.destroy().unwrap();
        Ran { out, err, report, usage }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.descriptors = Descriptors::new();
        let scratch = self.scratch.take().expect("dropped once");
        let path = scratch.path().to_owned();
        let removed = scratch.close();
        // A failed test has said what went wrong; what it left would only hide that.
        if !std::thread::panicking() {
            removed.expect("what a guest made can be removed by the owner");
            self.before.assert_nothing_left(&path);
        }
    }
}

/// A process that runs `script` in the system's shell.
pub(crate) fn shell(script: &str) -> ProcessSpec {
    program("/bin/sh", &["-c", script])
}

/// A process that runs Python code.
pub(crate) fn python(code: &str) -> ProcessSpec {
    program("/usr/bin/python3", &["-S", "-c", code])
}

pub(crate) fn program(path: &str, arguments: &[&str]) -> ProcessSpec {
    let text = |text: &str| CString::new(text).unwrap();
    ProcessSpec {
        program: text(path),
        argv: std::iter::once(path).chain(arguments.iter().copied()).map(text).collect(),
        env: vec![c"PATH=/usr/bin:/bin".to_owned()],
        terminal: None,
        cwd: c"/tmp".to_owned(),
    }
}

pub(crate) fn spawn(sandbox: &mut dyn Sandbox, spec: &ProcessSpec) -> Box<dyn Process> {
    sandbox.spawn(spec).unwrap_or_else(|error| match &error {
        SpawnError::Contradicted(evidence) => {
            let wrong: Vec<_> = evidence.iter().filter(|one| !one.holds).collect();
            panic!("contradicted: {wrong:#?}")
        }
        SpawnError::Failed(_) | _ => panic!("{error:#?}"),
    })
}

pub(crate) fn stdout(process: &mut dyn Process) -> OwnedFd {
    process.streams().stdout.take().expect("nobody took it yet")
}

pub(crate) fn stderr(process: &mut dyn Process) -> OwnedFd {
    process.streams().stderr.take().expect("nobody took it yet")
}

/// Says that a test cannot run here; xtask counts these.
pub(crate) fn skip(test: &str, missing: &str) {
    use std::io::Write as _;
    let line = format!("SKIP {test}: {missing}\n");
    match std::env::var_os("ISOBAR_SKIPS") {
        Some(path) => {
            let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
            file.write_all(line.as_bytes()).unwrap();
        }
        None => print!("{line}"),
    }
}
