//! From the first line to the `Hello`: what the agent finds, and what it tells the host of it.
//!
//! The agent must be PID 1 and have exactly the descriptors that `sys/descriptors` lists; else it
//! ends before it reads anything. No guest exists yet, so the host may believe what it hears.

use isobar_boundary::protocol::{Hello, HostName, Message, REVISION, Setup, kind};
use isobar_init::{End, FrameBuffer};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, send, sockopt};
use rustix::process::{Signal, getpid, set_parent_process_death_signal};
use rustix::thread::set_name;

use crate::probe;
use crate::sys::{call, descriptors};

/// What the rest of the agent works with.
pub(crate) struct Greeted {
    /// What the host said.
    pub(crate) setup: Setup,
    /// Readable while children have ended.
    pub(crate) children: OwnedFd,
}

/// Checks, listens, probes and answers. What the host sent after its set-up stays in `frames`.
pub(crate) fn greet<const N: usize>(frames: &mut FrameBuffer<N>) -> Result<Greeted, End> {
    // In the fault build the host must get to see by itself that a process namespace is missing.
    if cfg!(not(isobar_fault)) && getpid().as_raw_nonzero().get() != 1 {
        return Err(End::Started);
    }
    check_descriptors().map_err(|_| End::Started)?;
    let children = prepare().map_err(|_| End::Kernel)?;
    let setup = read_setup(frames)?;
    // Before the agent hides: its files in /proc are root's from then on.
    let truncate_errno = probe::truncate(&setup);
    hide(&setup)?;
    let hello = hello(&setup, truncate_errno).map_err(|_| End::Kernel)?;
    let mut out = [0; 128];
    let frame = hello.encode(&mut out).map_err(|_| End::Protocol)?;
    say(descriptors::stream(), frame).map_err(|_| End::HostGone)?;
    // Last, so that the host sees the name that it executed until the agent is ready.
    set_name(c"isobar-init").map_err(|_| End::Kernel)?;
    Ok(Greeted { setup, children })
}

/// Nobody may read the agent's memory from now on, or attach to it: guests come, and may have its
/// user. Until it sent its set-up the host could look at the agent in `/proc`. Before the probes,
/// since a killed child of a dumpable process would start the host's core dump handler.
fn hide(setup: &Setup) -> Result<(), End> {
    #[cfg(isobar_fault)]
    if setup.faults & crate::fault::STAY_DUMPABLE != 0 {
        return Ok(());
    }
    let _ = setup;
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|_| End::Kernel)
}

fn check_descriptors() -> Result<(), Errno> {
    descriptors::close_the_rest()?;
    for standard in descriptors::standard() {
        fcntl_getfd(standard)?;
    }
    let sockets = [
        (descriptors::stream(), SocketType::STREAM),
        (descriptors::channels(), SocketType::SEQPACKET),
    ];
    for (socket, sort) in sockets {
        let domain = sockopt::socket_domain(socket)?;
        if domain != AddressFamily::UNIX || sockopt::socket_type(socket)? != sort {
            return Err(Errno::NOTSOCK);
        }
        fcntl_setfd(socket, FdFlags::CLOEXEC)?;
    }
    Ok(())
}

/// No signal is delivered to the agent: SIGCHLD is read from a descriptor, and PID 1 gets no other
/// from inside. The stage before us had set the death signal, but credentials may have changed.
fn prepare() -> Result<OwnedFd, Errno> {
    call::set_signal_mask(!0)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    call::child_signals()
}

fn read_setup<const N: usize>(frames: &mut FrameBuffer<N>) -> Result<Setup, End> {
    loop {
        if let Some(frame) = frames.next_frame().map_err(|_| End::Protocol)? {
            if frame.kind != kind::SETUP {
                return Err(End::Protocol);
            }
            // Another revision or build is for the host to refuse: it hears ours in the answer.
            return Setup::decode(frame.payload).map_err(|_| End::Protocol);
        }
        let count = match recv(descriptors::stream(), frames.space(), RecvFlags::empty()) {
            Ok((0, _)) => return Err(End::HostGone),
            Ok((count, _)) => count,
            Err(Errno::INTR) => 0,
            Err(_) => return Err(End::HostGone),
        };
        frames.filled(count);
    }
}

fn hello(setup: &Setup, truncate_errno: u32) -> Result<Hello, Errno> {
    let (i386_signal, x32_signal) = probe::kill_rules(setup)?;
    Ok(Hello {
        revision: REVISION,
        build: u64::from_le_bytes(isobar_boundary::build::BUILD_ID),
        filter_errno: probe::filter(setup),
        canary_errno: probe::canary(setup),
        truncate_errno,
        ioctl_errno: probe::device_ioctl(setup),
        i386_signal,
        x32_signal,
        hostname: HostName::new(rustix::system::uname().nodename().to_bytes()),
    })
}

/// Sends all of `frame`, waiting where that is needed.
pub(crate) fn say(stream: BorrowedFd<'_>, frame: &[u8]) -> Result<(), Errno> {
    let mut rest = frame;
    while !rest.is_empty() {
        match send(stream, rest, SendFlags::NOSIGNAL) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
