//! What breaks the protocol ends the agent, and with it the sandbox; what starts it wrongly, too.
//!
//! The exit status of PID 1 says which of them it was.

use std::process::Stdio;

use isobar_boundary::protocol::{Header, encode_frame, kind};

use super::host::{Agent, PLAIN, Process, Spec, USER, bash};

const STARTED: i32 = 71;
const PROTOCOL: i32 = 72;

#[test]
fn frames_that_mean_nothing_end_the_agent() {
    let spawn = |fields: [u32; 5]| {
        let payload = fields.map(u32::to_le_bytes).concat();
        encode_frame(kind::SPAWN, &payload, &mut [0; 64]).expect("it fits").to_vec()
    };
    let cases = [
        ("an unknown kind", vec![1, 0, 0, 0, 200]),
        ("a length of zero", vec![0; 5]),
        ("a length over the bound", vec![255; 5]),
        ("strings that nobody announced", vec![2, 0, 0, 0, kind::SPAWN_DATA, 0]),
        ("a second set-up", Header { kind: kind::SETUP, payload: 0 }.encode().to_vec()),
        ("a header cut short", vec![2, 0, 0, 0, kind::SPAWN, 0]),
        ("more strings than bytes", spawn([1, 9, 9, 3, 0])),
        ("more bytes than the bound", spawn([1, 1, 0, u32::MAX, 0])),
    ];
    for (what, bytes) in cases {
        let mut agent = Agent::plain();
        agent.send(&bytes);
        assert_eq!(agent.wait().code(), Some(PROTOCOL), "{what}");
    }
}

#[test]
fn strings_must_be_what_was_announced() {
    let announce = |agent: &mut Agent, strings: &[u8]| {
        let (process, channels) = Process::channels();
        agent.send_channels(1, channels);
        let fields = [1, 1, 0, u32::try_from(strings.len()).expect("few"), 0];
        let payload = fields.map(u32::to_le_bytes).concat();
        let mut out = [0; 64];
        agent.send(encode_frame(kind::SPAWN, &payload, &mut out).expect("it fits"));
        process
    };
    let cases: [(&str, &[u8], &[u8]); 4] = [
        ("a string too many", b"/bin/true\0/\0true\0x\0", b""),
        ("no NUL at the end", b"/bin/true\0/\0true", b""),
        ("an empty piece", b"/bin/true\0/\0true\0", b"empty"),
        ("a piece too long", b"/bin/true\0/\0true\0", b"long"),
    ];
    for (what, strings, how) in cases {
        let mut agent = Agent::plain();
        let _process = announce(&mut agent, strings);
        let piece = match how {
            b"empty" => Vec::new(),
            b"long" => [strings, b"\0"].concat(),
            _ => strings.to_vec(),
        };
        let mut out = [0; 64];
        agent.send(encode_frame(kind::SPAWN_DATA, &piece, &mut out).expect("it fits"));
        assert_eq!(agent.wait().code(), Some(PROTOCOL), "{what}");
    }
}

#[test]
fn channels_must_belong_to_the_process() {
    let mut agent = Agent::plain();
    let (_stranger, channels) = Process::channels();
    agent.send_channels(77, channels);
    let _process = agent.spawn(&Spec::shell("true"));
    assert_eq!(agent.wait().code(), Some(PROTOCOL), "the first message is another process's");
}

#[test]
fn signals_must_exist() {
    for (signal, why) in [(0, "a probe is no signal"), (65, "there are 64")] {
        let mut agent = Agent::plain();
        let process = agent.run(&Spec::new(&["/bin/cat"]));
        process.signal(signal, false);
        assert_eq!(agent.wait().code(), Some(PROTOCOL), "{why}");
    }
}

#[test]
fn a_process_stream_carries_signals_only() {
    let mut agent = Agent::plain();
    let process = agent.run(&Spec::new(&["/bin/cat"]));
    process.go();
    assert_eq!(agent.wait().code(), Some(PROTOCOL), "consent comes once");
}

#[test]
fn the_first_frame_is_the_set_up() {
    let mut agent = Agent::start_silent(USER);
    agent.send(&Header { kind: kind::SPAWN, payload: 0 }.encode());
    assert_eq!(agent.wait().code(), Some(PROTOCOL), "nothing is done before the set-up");
    let agent = Agent::start_silent(USER);
    assert_eq!(agent.hang_up().code(), Some(0), "a host that leaves before it is no error");
}

#[test]
fn it_runs_only_as_pid_1_with_its_sockets() {
    let direct = bash("exec \"$0\"").stdin(Stdio::null()).status().expect("bash starts");
    assert_eq!(direct.code(), Some(STARTED), "it is not PID 1 here");
    let script = format!("exec 3</dev/null 4</dev/null; exec {USER} \"$0\"");
    let sockets = bash(&script).stdin(Stdio::null()).status().expect("bash starts");
    assert_eq!(sockets.code(), Some(STARTED), "files are no sockets");
    let script = format!("exec {USER} \"$0\"");
    let closed = bash(&script).stdin(Stdio::null()).status().expect("bash starts");
    assert_eq!(closed.code(), Some(STARTED), "nor is nothing");
    // The control: with everything in place it starts.
    assert_eq!(Agent::start(USER, &PLAIN).0.hang_up().code(), Some(0), "what is right is taken");
}
