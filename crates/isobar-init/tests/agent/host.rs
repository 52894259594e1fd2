//! The host's end of the protocol, as small as the tests need it.
//!
//! `unshare` makes PID 1 of the real executable in a user and pid namespace of its own. rustix's
//! descriptors are used throughout, since without its `std` feature they are not those of `std`.
//! Every read has a time limit, so that an agent which does not answer fails the test.

use std::io::{ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use isobar_boundary::protocol::{
    ExecFailed, ExecStage, Exited, HEADER, Header, Hello, Message, Ready, Setup, Signal,
    SpawnHeader, encode_frame, kind,
};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::io::{Errno, IoSlice};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};
use rustix::pipe::{PipeFlags, pipe_with};

/// Longer than anything here takes; only an agent that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(30);

/// No identity of its own, no Landlock, no filter, and a call number that does not exist.
pub(crate) const PLAIN: Setup = Setup {
    revision: isobar_boundary::protocol::REVISION,
    build: u64::from_le_bytes(isobar_boundary::build::BUILD_ID),
    probe_call: 1_000_000,
    flags: Setup::NO_LANDLOCK | Setup::NO_SECCOMP,
    uid: 0,
    gid: 0,
    faults: 0,
};

/// An ordinary user's namespaces.
pub(crate) const USER: &str =
    "unshare --user --map-root-user --pid --fork --mount-proc --kill-child --";
/// The same, and nothing in it has a capability or can get one.
pub(crate) const POWERLESS: &str = "unshare --user --map-root-user --pid --fork --mount-proc \
     --kill-child -- setpriv --bounding-set=-all --inh-caps=-all --";
/// What the real root makes of the agent where the guest has a user of its own: neither is user 0,
/// and the agent has the four capabilities that the switch takes.
pub(crate) const STAGED: &str = "unshare --pid --fork --mount-proc --kill-child -- setpriv \
     --reuid=4141 --regid=4141 --clear-groups --bounding-set=-all,+kill,+setgid,+setuid,+setpcap \
     --inh-caps=-all,+kill,+setgid,+setuid,+setpcap \
     --ambient-caps=-all,+kill,+setgid,+setuid,+setpcap --";

/// Says that a test cannot run here; xtask counts these.
pub(crate) fn skip(test: &str, missing: &str) {
    let line = format!("SKIP {test}: {missing}\n");
    match std::env::var_os("ISOBAR_SKIPS") {
        Some(path) => {
            let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
            file.write_all(line.as_bytes()).unwrap();
        }
        None => print!("{line}"),
    }
}

/// One whole frame from `read`, which may be interrupted; `None` at the end of the stream.
fn frame<E: PartialEq + std::fmt::Debug>(
    interrupted: &E,
    mut read: impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> Option<(u8, Vec<u8>)> {
    let mut fill = |buffer: &mut [u8]| {
        let mut have = 0;
        while have < buffer.len() {
            match read(&mut buffer[have..]) {
                Ok(0) => break,
                Ok(count) => have += count,
                // A read with a time limit is not restarted after any signal.
                Err(error) => assert_eq!(error, *interrupted, "the agent must not hang"),
            }
        }
        have
    };
    let mut head = [0; HEADER];
    match fill(&mut head) {
        0 => return None,
        have => assert_eq!(have, HEADER, "a frame must not be cut"),
    }
    let header = Header::decode(head).expect("the agent keeps the bounds");
    let mut payload = vec![0; header.payload];
    assert_eq!(fill(&mut payload), header.payload, "a frame must not be cut");
    Some((header.kind, payload))
}

fn encoded<M: Message>(message: &M) -> Vec<u8> {
    message.encode(&mut [0; 96]).expect("96 bytes hold every message").to_vec()
}

/// What to execute.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<String>,
    pub(crate) program: String,
    pub(crate) cwd: String,
    pub(crate) watch_pids: u32,
    /// Bytes of strings in each frame.
    pub(crate) piece: usize,
}

impl Spec {
    pub(crate) fn new(argv: &[&str]) -> Self {
        Self {
            argv: argv.iter().map(ToString::to_string).collect(),
            env: vec!["PATH=/usr/sbin:/usr/bin:/sbin:/bin".to_owned()],
            program: argv[0].to_owned(),
            cwd: "/".to_owned(),
            watch_pids: 0,
            piece: 60_000,
        }
    }

    pub(crate) fn shell(script: &str) -> Self {
        Self::new(&["/bin/sh", "-c", script])
    }

    fn header(&self, process: u32, strings: &[u8]) -> SpawnHeader {
        let number = |count: usize| u32::try_from(count).expect("tests send less");
        SpawnHeader {
            process,
            arguments: number(self.argv.len()),
            variables: number(self.env.len()),
            bytes: number(strings.len()),
            watch_pids: self.watch_pids,
            flags: 0,
        }
    }

    fn strings(&self) -> Vec<u8> {
        let all = [&self.program, &self.cwd].into_iter().chain(&self.argv).chain(&self.env);
        all.flat_map(|string| string.bytes().chain([0])).collect()
    }
}

/// An agent and the host's ends of its sockets.
pub(crate) struct Agent {
    child: Child,
    pub(crate) stream: UnixStream,
    channels: OwnedFd,
    next: u32,
}

impl Agent {
    /// Starts the agent below `namespaces` and greets it.
    pub(crate) fn start(namespaces: &str, setup: &Setup) -> (Self, Hello) {
        let mut agent = Self::start_silent(namespaces);
        agent.send(&encoded(setup));
        let (kind, payload) = agent.hear().expect("the agent answers the set-up");
        assert_eq!(kind, kind::HELLO, "with a hello");
        (agent, Hello::decode(&payload).expect("of the right size"))
    }

    /// The usual case.
    pub(crate) fn plain() -> Self {
        Self::start(USER, &PLAIN).0
    }

    /// Starts the agent and says nothing.
    pub(crate) fn start_silent(namespaces: &str) -> Self {
        let (stream, theirs) = UnixStream::pair().expect("sockets can be had");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit can be set");
        let sort = (AddressFamily::UNIX, SocketType::SEQPACKET);
        let (channels, inherited) =
            socketpair(sort.0, sort.1, SocketFlags::empty(), None).expect("sockets can be had");
        let number = inherited.as_raw_fd();
        // The host's end is not for the agent, nor for the agents of other tests.
        rustix::io::fcntl_setfd(&channels, rustix::io::FdFlags::CLOEXEC).expect("it is open");
        // By descriptor, since another user may not be let through to its directory.
        let script = format!(
            "exec 4<&{number} 3<&0 9<\"$0\" 0</dev/null; exec {namespaces} /proc/self/fd/9"
        );
        let child = bash(&script).stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs))).spawn();
        Self { child: child.expect("bash starts"), stream, channels, next: 1 }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the agent listens");
    }

    pub(crate) fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        let stream = &mut self.stream;
        frame(&ErrorKind::Interrupted, |buffer| stream.read(buffer).map_err(|error| error.kind()))
    }

    /// Sends the channels of a process, by any number.
    pub(crate) fn send_channels(&self, number: u32, channels: [OwnedFd; 4]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let borrowed = channels.each_ref().map(AsFd::as_fd);
        assert!(control.push(SendAncillaryMessage::ScmRights(&borrowed)), "four fit");
        let number = number.to_le_bytes();
        let parts = [IoSlice::new(&number)];
        sendmsg(&self.channels, &parts, &mut control, SendFlags::empty()).expect("it arrives");
    }

    /// Sends a specification; the process is not ready yet.
    pub(crate) fn spawn(&mut self, spec: &Spec) -> Process {
        let number = self.next;
        self.next += 1;
        let (process, channels) = Process::channels();
        self.send_channels(number, channels);
        let strings = spec.strings();
        self.send(&encoded(&spec.header(number, &strings)));
        let mut out = vec![0; HEADER + spec.piece];
        for piece in strings.chunks(spec.piece) {
            let frame = encode_frame(kind::SPAWN_DATA, piece, &mut out).expect("it fits");
            self.stream.write_all(frame).expect("the agent listens");
        }
        process
    }

    /// Starts a process and lets it execute its program.
    pub(crate) fn run(&mut self, spec: &Spec) -> Process {
        let process = self.spawn(spec);
        process.ready();
        process.go();
        process
    }

    /// Runs a script to its end; returns what it printed.
    pub(crate) fn output(&mut self, script: &str) -> String {
        let process = self.run(&Spec::shell(script));
        let text = process.stdout();
        assert_eq!(process.exited().status, 0, "{script} must succeed: {text}");
        text
    }

    /// Waits for the end of PID 1. `unshare` passes its exit status on.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("it is our child")
    }

    /// Closes the agent stream and waits for the end of PID 1.
    pub(crate) fn hang_up(self) -> ExitStatus {
        self.stream.shutdown(std::net::Shutdown::Both).expect("the stream is open");
        self.wait()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The agent may not listen. `--kill-child` takes PID 1 along, and PID 1 all the rest.
            self.child.kill().ok();
        } else {
            self.stream.shutdown(std::net::Shutdown::Both).ok();
        }
        // `unshare` ends after PID 1, and PID 1 after everything in its namespace.
        self.child.wait().ok();
    }
}

/// A shell that runs `script` with the agent's path as `$0`.
pub(crate) fn bash(script: &str) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the agent needs namespaces, which unshare makes"
    )]
    let mut bash = Command::new("bash");
    bash.args(["-c", script, env!("CARGO_BIN_EXE_isobar-init")]).stdout(Stdio::null());
    bash
}

/// The host's ends of a process's channels.
pub(crate) struct Process {
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    pub(crate) stream: OwnedFd,
}

impl Process {
    /// Both ends of the channels of a process; the agent's ends in the protocol's order.
    pub(crate) fn channels() -> (Self, [OwnedFd; 4]) {
        let pipe = || pipe_with(PipeFlags::CLOEXEC).expect("pipes can be had");
        let (their_stdin, stdin) = pipe();
        let ((stdout, their_stdout), (stderr, their_stderr)) = (pipe(), pipe());
        let sort = (AddressFamily::UNIX, SocketType::STREAM);
        let (stream, their_stream) =
            socketpair(sort.0, sort.1, SocketFlags::CLOEXEC, None).expect("sockets can be had");
        set_socket_timeout(&stream, Timeout::Recv, Some(PATIENCE)).expect("it can be set");
        let process = Self { stdin: Some(stdin), stdout, stderr, stream };
        (process, [their_stdin, their_stdout, their_stderr, their_stream])
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        let sent = rustix::net::send(&self.stream, frame, SendFlags::NOSIGNAL);
        assert_eq!(sent.expect("the agent listens"), frame.len(), "small frames go at once");
    }

    pub(crate) fn hear(&self) -> Option<(u8, Vec<u8>)> {
        frame(&Errno::INTR, |buffer| rustix::io::read(&self.stream, buffer))
    }

    fn expect<M: Message>(&self) -> M {
        let (kind, payload) = self.hear().expect("the stream is open");
        assert_eq!(kind, M::KIND, "another frame is due: {payload:?}");
        M::decode(&payload).expect("of the right size")
    }

    pub(crate) fn ready(&self) -> Ready {
        self.expect()
    }

    pub(crate) fn go(&self) {
        self.send(&Header { kind: kind::GO, payload: 0 }.encode());
    }

    pub(crate) fn signal(&self, signal: u32, group: bool) {
        self.send(&encoded(&Signal { signal, group: group.into() }));
    }

    pub(crate) fn pids_reached(&self) -> u32 {
        self.expect::<isobar_boundary::protocol::PidsReached>().observed
    }

    /// The end, which is the last thing that the stream says.
    pub(crate) fn exited(&self) -> Exited {
        let exited = self.expect();
        assert_eq!(self.hear(), None, "nothing follows the end");
        exited
    }

    /// The failure, after which no end is reported: there was no program.
    pub(crate) fn exec_failed(&self) -> (ExecStage, u32) {
        let failed: ExecFailed = self.expect();
        assert_eq!(self.hear(), None, "nothing follows the failure");
        (ExecStage::from_number(failed.stage).expect("a known stage"), failed.errno)
    }

    pub(crate) fn write(&self, text: &str) {
        let stdin = self.stdin.as_ref().expect("standard input is open");
        assert_eq!(rustix::io::write(stdin, text.as_bytes()), Ok(text.len()), "a pipe has room");
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// One line of standard output.
    pub(crate) fn line(&self) -> String {
        let (mut line, mut byte) = (Vec::new(), [0]);
        while rustix::io::read(&self.stdout, &mut byte) == Ok(1) && byte != *b"\n" {
            line.extend(byte);
        }
        String::from_utf8(line).expect("tests print text")
    }

    /// Standard output up to its end.
    pub(crate) fn stdout(&self) -> String {
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match rustix::io::read(&self.stdout, &mut buffer) {
                Ok(0) => return String::from_utf8(text).expect("tests print text"),
                Ok(count) => text.extend_from_slice(&buffer[..count]),
                Err(errno) => assert_eq!(errno, Errno::INTR, "a pipe can be read"),
            }
        }
    }
}
