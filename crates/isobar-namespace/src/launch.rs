//! A launch: from a plan and descriptors to a live, evidenced sandbox.

use std::os::fd::OwnedFd;
use std::path::Path;

use isobar_boundary::build::BUILD_ID;
use isobar_boundary::protocol::{self, Hello, Message, Setup, kind};
use isobar_boundary::{Descriptors, LaunchError, Sandbox};
use isobar_jail::{ClockOffsets, Jailed};
use isobar_os::seccomp::Filter;
use isobar_policy::{Code, Diagnostic, Evidence, Plan, Privilege};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair, sockopt};

use crate::errors::{self, failed};
use crate::groups::Holdings;
use crate::jail_spec::{self, Ingredients};
use crate::payload::Planned;
use crate::sandbox::{Launched, NamespaceSandbox};
use crate::stopwatch::Stopwatch;
use crate::stream::{FrameStream, PATIENCE, Received, StreamError};
use crate::{agent, grants, observe, terminal};

const REMEDY_BUG: &str = "report this as a bug of isobar";
const REMEDY_DOCTOR: &str = "run `isobar doctor` to see what this host offers";

/// Sockets to the agent: our ends.
pub(crate) struct Sockets {
    pub(crate) stream: FrameStream,
    pub(crate) channels: OwnedFd,
}

/// Makes a sandbox. Whatever was made when something fails is gone again: every part cleans up
/// when it is dropped.
pub(crate) fn launch(
    libexec: &Path,
    plan: &Plan,
    descriptors: Descriptors,
) -> Result<Box<dyn Sandbox>, LaunchError> {
    // Not where the host is probed: a fault meets a host that is known to be good. And before root's
    // grants are made, which a fault could break as well.
    #[cfg(isobar_fault)]
    {
        isobar_os::fault::load();
        isobar_os::fault::pause("launch");
    }
    let planned =
        Planned::unseal(plan).map_err(|error| failed(Code::LaunchStep, &error, REMEDY_BUG))?;
    let sandbox = sandbox(libexec, planned, &descriptors)?;
    Ok(Box::new(sandbox))
}

pub(crate) fn sandbox(
    libexec: &Path,
    planned: Planned,
    descriptors: &Descriptors,
) -> Result<NamespaceSandbox, LaunchError> {
    let mut watch = Stopwatch::start();
    let program = agent::load(libexec)?;
    let holdings = Holdings::take(&planned)?;
    let filter = jail_spec::filter(&planned);
    watch.lap("launch: groups");
    let clocks = jail_spec::clocks(&planned);
    let made = specification(&planned, descriptors, &holdings, (&filter, program, clocks))?;
    let (spec, sockets) = made;
    watch.lap("launch: specification");
    let jailed = isobar_jail::launch(spec).map_err(|error| errors::jail(&error))?;
    watch.lap("launch: clone");
    let terminals = None;
    let mut launching = Launching { jailed, holdings, planned, filter, sockets, clocks, terminals };
    let evidence = launching.observed(&mut watch)?;
    let Launching { jailed, holdings, planned, filter, sockets, terminals, .. } = launching;
    let launched = Launched { evidence, watch, terminals };
    NamespaceSandbox::new(planned, filter, sockets, launched, holdings, jailed)
        .map_err(|errno| failed(Code::LaunchStep, &errno, REMEDY_DOCTOR))
}

fn specification(
    planned: &Planned,
    descriptors: &Descriptors,
    holdings: &Holdings,
    (filter, program, clocks): (&Filter, OwnedFd, Option<ClockOffsets>),
) -> Result<(isobar_jail::JailSpec, Sockets), LaunchError> {
    let resources =
        |errno: Errno| failed(Code::LaunchStep, &errno, "free some descriptors or memory");
    let binds = grants::binds(planned, descriptors, holdings.range)?;
    let (ours, theirs) = pair(SocketType::STREAM).map_err(resources)?;
    sockopt::set_socket_passcred(&ours, true).map_err(resources)?;
    let (channels, their_channels) = pair(SocketType::SEQPACKET).map_err(resources)?;
    let entrance = holdings
        .groups
        .entrance()
        .map_err(|error| failed(Code::LaunchStep, &error, REMEDY_DOCTOR))?;
    let ingredients = Ingredients {
        binds,
        range: holdings.range,
        entrance,
        filter: filter.clone(),
        program,
        null: [null().map_err(resources)?, null().map_err(resources)?, null().map_err(resources)?],
        stream: theirs,
        channels: their_channels,
        home: "/tmp".to_owned(),
        clocks,
    };
    let spec = jail_spec::build(planned, ingredients)
        .map_err(|error| failed(Code::LaunchStep, &error, "change the target of that grant"))?;
    Ok((spec, Sockets { stream: FrameStream::new(ours), channels }))
}

fn pair(kind: SocketType) -> Result<(OwnedFd, OwnedFd), Errno> {
    socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
}

fn null() -> Result<OwnedFd, Errno> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    openat(CWD, c"/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
}

/// A sandbox whose agent has not been believed yet.
struct Launching {
    // Fields drop in this order: every process must be gone before the groups are removed.
    jailed: Jailed,
    holdings: Holdings,
    planned: Planned,
    filter: Filter,
    sockets: Sockets,
    clocks: Option<ClockOffsets>,
    terminals: Option<OwnedFd>,
}

impl Launching {
    /// Collects all evidence of the launch, or ends it.
    fn observed(&mut self, watch: &mut Stopwatch) -> Result<Vec<Evidence>, LaunchError> {
        let staged = self.next()?;
        watch.lap("launch: mounts and namespaces");
        if staged.kind != kind::STAGED || !staged.payload.is_empty() {
            return Err(unexpected(&staged));
        }
        let mut evidence = observe::staged(&self.planned, &self.jailed, &self.holdings);
        if self.planned.terminal {
            let (directory, seen) = terminal::directory(self.jailed.pid());
            self.terminals = directory;
            evidence.push(seen);
        }
        watch.lap("launch: read back");
        if !self.jailed.await_execution(PATIENCE) {
            return Err(self.ended());
        }
        evidence.extend(observe::executed(&self.planned, &self.jailed, self.clocks));
        watch.lap("launch: exec");
        // From this frame on the agent is non-dumpable, and an ordinary user's supervisor can no
        // longer read all of its state; so it comes after the reading.
        self.send_setup()?;
        let frame = self.next()?;
        watch.lap("launch: agent");
        let hello =
            if frame.kind == kind::HELLO { Hello::decode(&frame.payload).ok() } else { None };
        let hello = hello.ok_or_else(|| unexpected(&frame))?;
        check_build(&hello)?;
        let (planned, jailed) = (&self.planned, &self.jailed);
        evidence.extend(observe::greeted(planned, jailed, &self.holdings, &self.filter, &hello));
        watch.lap("launch: probes");
        if observe::all_hold(&mut evidence) {
            Ok(evidence)
        } else {
            Err(LaunchError::Contradicted(evidence))
        }
    }

    fn send_setup(&mut self) -> Result<(), LaunchError> {
        let mut flags = 0;
        if self.planned.privilege == Privilege::Root {
            flags |= Setup::SWITCH_IDS;
        }
        if self.planned.landlock_abi.is_none() {
            flags |= Setup::NO_LANDLOCK;
        }
        let setup = Setup {
            revision: protocol::REVISION,
            build: u64::from_le_bytes(BUILD_ID),
            probe_call: self.filter.probe_call(),
            flags,
            uid: self.planned.uid,
            gid: self.planned.gid,
            faults: agent_faults(),
        };
        let mut buffer = [0; 128];
        let frame = setup
            .encode(&mut buffer)
            .map_err(|error| failed(Code::InitProtocol, &error, REMEDY_BUG))?;
        // An agent that has already ended closes its end; why is said by `next`.
        match self.sockets.stream.send(frame) {
            Ok(()) | Err(StreamError::Ended) => Ok(()),
            Err(error) => Err(failed(Code::InitProtocol, &error, REMEDY_BUG)),
        }
    }

    fn next(&mut self) -> Result<Received, LaunchError> {
        match self.sockets.stream.receive(self.jailed.pidfd()) {
            Ok(frame) => Ok(frame),
            Err(StreamError::Ended) => Err(self.ended()),
            Err(error @ StreamError::Silent) => {
                Err(failed(Code::LaunchTimeout, &error, "try again on a less busy machine"))
            }
            Err(error) => Err(failed(Code::InitProtocol, &error, REMEDY_BUG)),
        }
    }

    /// The process ended: either the kernel ran out of the sandbox's memory, or a step failed.
    fn ended(&mut self) -> LaunchError {
        self.jailed.kill();
        if let Err(errno) = self.jailed.reap() {
            return failed(Code::RunWait, &errno, REMEDY_BUG);
        }
        if self.holdings.groups.out_of_memory_kills() > 0 {
            return LaunchError::Failed(Diagnostic {
                code: Code::LaunchStep,
                summary: "the memory limit is too small to set the sandbox up".to_owned(),
                causes: Vec::new(),
                remedy: "ask for more, such as --memory 16M".to_owned(),
            });
        }
        errors::jail(&self.jailed.failure())
    }
}

#[cfg(not(isobar_fault))]
const fn agent_faults() -> u64 {
    0
}

#[cfg(isobar_fault)]
fn agent_faults() -> u64 {
    isobar_os::fault::for_agent()
}

fn check_build(hello: &Hello) -> Result<(), LaunchError> {
    let ours = u64::from_le_bytes(BUILD_ID);
    if hello.revision == protocol::REVISION && hello.build == ours {
        return Ok(());
    }
    Err(LaunchError::Failed(Diagnostic {
        code: Code::InitBuild,
        summary: format!(
            "isobar-init is of build {:016x}, isobar of build {ours:016x}",
            hello.build
        ),
        causes: Vec::new(),
        remedy: "install isobar and isobar-init of the same build".to_owned(),
    }))
}

fn unexpected(frame: &Received) -> LaunchError {
    LaunchError::Failed(Diagnostic {
        code: Code::InitProtocol,
        summary: format!(
            "isobar-init sent a frame of kind {} that does not belong here",
            frame.kind
        ),
        causes: Vec::new(),
        remedy: "install isobar and isobar-init of the same build".to_owned(),
    })
}
