//! One process of a sandbox: how it is started, and how its end is learned.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use isobar_boundary::protocol::{
    ExecFailed, ExecStage, Exited, MAX_PAYLOAD, MAX_SPAWN_BYTES, Message, PidsReached, Ready,
    Signal, SpawnHeader, encode_frame, kind,
};
use isobar_boundary::{
    ExitReport, Process, ProcessEnd, ProcessSpec, SpawnError, Streams, WindowSize,
};
use isobar_policy::{Code, Diagnostic, Evidence};
use rustix::cmsg_space;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair, sockopt,
};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::observe;
use crate::payload::PidsLimit;
use crate::sandbox::NamespaceSandbox;
use crate::stream::{FrameStream, StreamError};
use crate::terminal;

const REMEDY_BUG: &str = "report this as a bug of isobar";

/// A [`kind::PIDS_REACHED`] and what ends the process.
const FRAMES_A_TURN: usize = 2;

/// A process inside a sandbox.
#[derive(Debug)]
pub(crate) struct NamespaceProcess {
    streams: Streams,
    /// The host's end of its terminal, where it has one.
    terminal: Option<OwnedFd>,
    /// The guest's end, held while the process runs: a guest that closes its streams may open its
    /// terminal again, so that is not the end of its output.
    guest_end: Option<OwnedFd>,
    status: FrameStream,
    evidence: Vec<Evidence>,
    /// The limit that the agent watches for; 0 where it watches nothing.
    watch_pids: u32,
    pids_reached: Option<u32>,
    report: Option<ExitReport>,
}

/// Our ends and the agent's ends of the channels.
struct Channels {
    ours: Streams,
    terminal: Option<(OwnedFd, OwnedFd)>,
    status: OwnedFd,
    theirs: [OwnedFd; 4],
}

impl Channels {
    /// A terminal for all three streams.
    fn terminal(pair: terminal::Pair) -> Result<Self, Errno> {
        let terminal::Pair { ours, theirs } = pair;
        let (status, their_status) = status_pair()?;
        let streams = Streams {
            stdin: Some(rustix::io::fcntl_dupfd_cloexec(&ours, 0)?),
            stdout: Some(rustix::io::fcntl_dupfd_cloexec(&ours, 0)?),
            stderr: None,
        };
        let kept = rustix::io::fcntl_dupfd_cloexec(&theirs, 0)?;
        let second = rustix::io::fcntl_dupfd_cloexec(&theirs, 0)?;
        let third = rustix::io::fcntl_dupfd_cloexec(&theirs, 0)?;
        let theirs = [theirs, second, third, their_status];
        Ok(Self { ours: streams, terminal: Some((ours, kept)), status, theirs })
    }

    fn pipes() -> Result<Self, Errno> {
        let (stdin_read, stdin_write) = pipe_with(PipeFlags::CLOEXEC)?;
        let (stdout_read, stdout_write) = pipe_with(PipeFlags::CLOEXEC)?;
        let (stderr_read, stderr_write) = pipe_with(PipeFlags::CLOEXEC)?;
        let (status, their_status) = status_pair()?;
        let ours = Streams {
            stdin: Some(stdin_write),
            stdout: Some(stdout_read),
            stderr: Some(stderr_read),
        };
        let theirs = [stdin_read, stdout_write, stderr_write, their_status];
        Ok(Self { ours, terminal: None, status, theirs })
    }
}

/// The process stream: our end, and the agent's.
fn status_pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_passcred(&ours, true)?;
    Ok((ours, theirs))
}

/// Starts a process and returns after its evidence matched.
pub(crate) fn spawn(
    sandbox: &mut NamespaceSandbox,
    spec: &ProcessSpec,
) -> Result<NamespaceProcess, SpawnError> {
    let resources = |errno: Errno| spawn_failed(&errno, "free some descriptors or memory");
    let (channels, mut evidence) = match spec.terminal {
        None => (Channels::pipes(), Vec::new()),
        Some(size) => {
            let (pair, evidence) = terminal::open(sandbox, size)?;
            (Channels::terminal(pair), evidence)
        }
    };
    let Channels { ours, terminal, status, theirs } = channels.map_err(resources)?;
    let number = sandbox.next_process;
    sandbox.next_process = number.wrapping_add(1);
    pass_channels(sandbox.sockets.channels.as_fd(), number, &theirs).map_err(resources)?;
    drop(theirs);
    let watch_pids = match sandbox.planned.limits.pids {
        Some(PidsLimit::UserNamespace(tasks)) => tasks,
        Some(PidsLimit::Cgroup(_)) | None => 0,
    };
    send_specification(&mut sandbox.sockets.stream, number, watch_pids, spec)?;
    let mut status = FrameStream::new(status);
    let (ready, pid) = await_ready(&mut status, sandbox)?;
    let planned = &sandbox.planned;
    let (holdings, filter) = (&sandbox.holdings, &sandbox.filter);
    evidence.extend(observe::process(planned, pid, holdings, filter, &ready));
    if !observe::all_hold(&mut evidence) {
        return Err(SpawnError::Contradicted(evidence));
    }
    let mut buffer = [0; 16];
    let go = encode_frame(kind::GO, &[], &mut buffer)
        .map_err(|error| spawn_failed(&error, REMEDY_BUG))?;
    status.send(go).map_err(|error| spawn_failed(&error, REMEDY_BUG))?;
    let (terminal, guest_end) = terminal.unzip();
    Ok(NamespaceProcess {
        streams: ours,
        terminal,
        guest_end,
        status,
        evidence,
        watch_pids,
        pids_reached: None,
        report: None,
    })
}

pub(crate) fn spawn_failed(error: &dyn std::error::Error, remedy: &str) -> SpawnError {
    SpawnError::Failed(Diagnostic::new(Code::SpawnFailed, error, remedy))
}

/// One message carries the four descriptors of a process, in the order of the channels.
fn pass_channels(socket: BorrowedFd<'_>, number: u32, theirs: &[OwnedFd; 4]) -> Result<(), Errno> {
    let borrowed = theirs.each_ref().map(AsFd::as_fd);
    let mut space = [std::mem::MaybeUninit::uninit(); cmsg_space!(ScmRights(4))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(Errno::NOBUFS);
    }
    let payload = number.to_le_bytes();
    sendmsg(socket, &[IoSlice::new(&payload)], &mut control, SendFlags::NOSIGNAL).map(drop)
}

fn send_specification(
    stream: &mut FrameStream,
    process: u32,
    watch_pids: u32,
    spec: &ProcessSpec,
) -> Result<(), SpawnError> {
    let mut strings = Vec::new();
    let all = [&spec.program, &spec.cwd].into_iter().chain(&spec.argv).chain(&spec.env);
    for one in all {
        strings.extend_from_slice(one.as_bytes_with_nul());
    }
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let header = SpawnHeader {
        process,
        arguments: count(spec.argv.len()),
        variables: count(spec.env.len()),
        bytes: count(strings.len()),
        watch_pids,
        flags: if spec.terminal.is_some() { SpawnHeader::TERMINAL } else { 0 },
    };
    if header.bytes > MAX_SPAWN_BYTES || spec.argv.is_empty() {
        return Err(SpawnError::Failed(Diagnostic {
            code: Code::ResolveArgumentTooLong,
            summary: format!("arguments and environment have {} bytes", strings.len()),
            causes: Vec::new(),
            remedy: format!("stay below {MAX_SPAWN_BYTES} bytes, and name a program"),
        }));
    }
    let broken = |error: &dyn std::error::Error| spawn_failed(error, REMEDY_BUG);
    let mut buffer = vec![0; MAX_PAYLOAD + 16];
    let frame = header.encode(&mut buffer).map_err(|error| broken(&error))?;
    stream.send(frame).map_err(|error| broken(&error))?;
    for piece in strings.chunks(MAX_PAYLOAD) {
        let frame =
            encode_frame(kind::SPAWN_DATA, piece, &mut buffer).map_err(|error| broken(&error))?;
        stream.send(frame).map_err(|error| broken(&error))?;
    }
    Ok(())
}

/// Waits until the process stands before its program. Says which process it is on the host.
fn await_ready(
    status: &mut FrameStream,
    sandbox: &NamespaceSandbox,
) -> Result<(Ready, i32), SpawnError> {
    let frame = status.receive(sandbox.jailed.pidfd()).map_err(|error| {
        spawn_failed(&error, "run `isobar doctor`; a very small limit can be the cause")
    })?;
    match frame.kind {
        kind::READY => match Ready::decode(&frame.payload) {
            Ok(ready) => Ok((ready, frame.sender)),
            Err(error) => Err(spawn_failed(&error, REMEDY_BUG)),
        },
        kind::EXEC_FAILED => match ExecFailed::decode(&frame.payload) {
            Ok(failure) => Err(SpawnError::Failed(not_started(&failure))),
            Err(error) => Err(spawn_failed(&error, REMEDY_BUG)),
        },
        other => Err(spawn_failed(
            &StreamError::Frame(isobar_boundary::protocol::FrameError::Kind { kind: other }),
            REMEDY_BUG,
        )),
    }
}

/// A process that failed before it could be checked.
fn not_started(failure: &ExecFailed) -> Diagnostic {
    let what = match ExecStage::from_number(failure.stage) {
        Some(ExecStage::Clone) => "be made",
        Some(ExecStage::Channels) => "get its standard streams",
        Some(ExecStage::Identity) => "take over the guest's identity",
        Some(ExecStage::WorkingDirectory) => "enter its working directory",
        _ => "be prepared",
    };
    let errno = Errno::from_raw_os_error(i32::try_from(failure.errno).unwrap_or(i32::MAX));
    let code = match ExecStage::from_number(failure.stage) {
        Some(ExecStage::WorkingDirectory) => Code::ResolveWorkingDirectory,
        _ => Code::SpawnFailed,
    };
    Diagnostic {
        code,
        summary: format!("the guest's process could not {what}"),
        causes: vec![errno.to_string()],
        remedy: "check the working directory and the limits of memory and pids".to_owned(),
    }
}

impl NamespaceProcess {
    /// One that has only a stream, as a guest that took the agent over would fill it.
    #[cfg(test)]
    pub(crate) fn over(status: OwnedFd, watch_pids: u32) -> Self {
        Self {
            streams: Streams { stdin: None, stdout: None, stderr: None },
            terminal: None,
            guest_end: None,
            status: FrameStream::new(status),
            evidence: Vec::new(),
            watch_pids,
            pids_reached: None,
            report: None,
        }
    }

    /// Takes one frame of the agent's. Once guest code ran, the agent's word is all there is; it
    /// can say how the program ended and nothing that isobar would enforce by.
    fn take(&mut self, frame_kind: u8, payload: &[u8]) {
        let report = |end| ExitReport {
            end,
            user_micros: 0,
            system_micros: 0,
            peak_resident_bytes: 0,
            pids_reached: None,
        };
        match frame_kind {
            kind::EXITED => {
                self.report = Some(match Exited::decode(payload) {
                    Ok(exited) => {
                        // A notice that found the stream full was dropped; the peak was kept.
                        let reached = self.watch_pids > 0 && exited.peak_tasks >= self.watch_pids;
                        if reached && self.pids_reached.is_none() {
                            self.pids_reached = Some(exited.peak_tasks);
                        }
                        ExitReport {
                            end: end_of(exited.status),
                            user_micros: exited.user_micros,
                            system_micros: exited.system_micros,
                            peak_resident_bytes: exited.peak_resident_bytes,
                            pids_reached: None,
                        }
                    }
                    Err(_) => report(ProcessEnd::Lost),
                });
            }
            kind::EXEC_FAILED => {
                let errno = ExecFailed::decode(payload).map_or(0, |failure| failure.errno);
                let errno = u16::try_from(errno).unwrap_or(u16::MAX);
                self.report = Some(report(ProcessEnd::NotExecuted(errno)));
            }
            // Once a process, from an agent that was told to watch: else whoever took the agent
            // over could keep its supervisor reading for ever.
            kind::PIDS_REACHED if self.watch_pids > 0 && self.pids_reached.is_none() => {
                match PidsReached::decode(payload) {
                    Ok(reached) => self.pids_reached = Some(reached.observed),
                    Err(_) => self.report = Some(report(ProcessEnd::Lost)),
                }
            }
            _ => self.report = Some(report(ProcessEnd::Lost)),
        }
    }
}

/// A status as wait4(2) gives it.
fn end_of(status: u32) -> ProcessEnd {
    let low = status & 0x7f;
    match u8::try_from(low) {
        Ok(0) => ProcessEnd::Exited(u8::try_from((status >> 8) & 0xff).unwrap_or(u8::MAX)),
        Ok(signal) => ProcessEnd::Signalled(signal),
        Err(_) => ProcessEnd::Lost,
    }
}

impl Process for NamespaceProcess {
    fn streams(&mut self) -> &mut Streams {
        &mut self.streams
    }

    fn resize(&mut self, size: WindowSize) -> Result<(), Diagnostic> {
        let Some(terminal) = &self.terminal else { return Ok(()) };
        terminal::set_size(terminal, size)
            .map_err(|errno| Diagnostic::new(Code::RunStream, &errno, REMEDY_BUG))
    }

    fn pollable(&self) -> BorrowedFd<'_> {
        self.status.descriptor()
    }

    fn try_wait(&mut self) -> Option<ExitReport> {
        // A notice and a report are all that one turn can hold; see `take`.
        for _ in 0..FRAMES_A_TURN {
            if self.report.is_some() {
                break;
            }
            match self.status.try_receive() {
                Ok(Some(frame)) => self.take(frame.kind, &frame.payload),
                Ok(None) if !self.status.has_ended() => return None,
                Ok(None) | Err(_) => self.take(0, &[]),
            }
        }
        if self.report.is_none() {
            self.take(0, &[]);
        }
        self.guest_end = None;
        self.report.map(|report| ExitReport { pids_reached: self.pids_reached, ..report })
    }

    fn signal(&mut self, signal: u8, group: bool) -> Result<(), Diagnostic> {
        if self.report.is_some() {
            return Ok(());
        }
        let message = Signal { signal: u32::from(signal), group: u32::from(group) };
        let mut buffer = [0; 32];
        let bug =
            |error: &dyn std::error::Error| Diagnostic::new(Code::InitProtocol, error, REMEDY_BUG);
        let frame = message.encode(&mut buffer).map_err(|error| bug(&error))?;
        match self.status.send(frame) {
            // It has ended; the caller learns that from `try_wait`.
            Ok(()) | Err(StreamError::Ended) => Ok(()),
            Err(error) => Err(bug(&error)),
        }
    }

    fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process says of `frames`, whose sender never stops.
    fn told(watch_pids: u32, frames: &[&[u8]]) -> Option<ExitReport> {
        use std::io::Write as _;
        let (mut agent, host) = std::os::unix::net::UnixStream::pair().expect("sockets");
        agent.write_all(&frames.concat()).expect("a socket holds this much");
        NamespaceProcess::over(OwnedFd::from(host), watch_pids).try_wait()
    }

    fn notice(observed: u32) -> Vec<u8> {
        let mut buffer = [0; 32];
        PidsReached { observed }.encode(&mut buffer).expect("a frame").to_vec()
    }

    #[test]
    fn a_notice_is_taken_once() {
        let once = notice(8);
        assert_eq!(told(8, &[&once]), None, "the process goes on");
        let lost = |told: Option<ExitReport>| told.map(|report| report.end);
        let twice = told(8, &[&once, &once]);
        assert_eq!(lost(twice), Some(ProcessEnd::Lost), "a second one breaks the protocol");
        let unasked = told(0, &[&once]);
        assert_eq!(lost(unasked), Some(ProcessEnd::Lost), "and so does one of nobody's asking");
    }

    #[test]
    fn a_flood_of_notices_ends_at_once() {
        let one = notice(8);
        let flood = vec![one.as_slice(); 2000];
        let report = told(8, &flood).expect("the supervisor does not read on");
        assert_eq!((report.end, report.pids_reached), (ProcessEnd::Lost, Some(8)), "{report:?}");
    }

    #[test]
    fn statuses_are_read_as_wait4_gives_them() {
        assert_eq!(end_of(0), ProcessEnd::Exited(0), "WIFEXITED with 0");
        assert_eq!(end_of(7 << 8), ProcessEnd::Exited(7), "the code is in the second byte");
        assert_eq!(end_of(9), ProcessEnd::Signalled(9), "the signal is in the low seven bits");
        assert_eq!(end_of(11 | 0x80), ProcessEnd::Signalled(11), "a core dump is still a signal");
    }
}
