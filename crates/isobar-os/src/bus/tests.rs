//! The bus played by a thread that knows the specification's bytes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use super::*;

#[test]
fn addresses_are_those_of_local_sockets() {
    let path = |text: &str| Address::Path(text.into());
    let runtime = Some(PathBuf::from("/run/user/1000"));
    let both = addresses(Some("tcp:host=x;unix:path=/run/b%20s,guid=1"), runtime.clone());
    assert_eq!(both, [path("/run/b s"), path("/run/user/1000/bus")], "named first, then usual");
    assert_eq!(addresses(None, runtime), [path("/run/user/1000/bus")]);
    assert_eq!(addresses(None, Some("relative".into())), [], "nowhere");
    assert_eq!(
        addresses(Some("unix:abstract=/tmp/x"), None),
        [Address::Abstract(b"/tmp/x".to_vec())]
    );
    assert_eq!(addresses(Some("unix:path=/a%zz"), None), [], "not an escape");
}

/// A message without a body, answering `serial`.
fn answer(kind: u8, serial: u32, error: Option<&str>, body: &[u8]) -> Vec<u8> {
    // Field 5 (REPLY_SERIAL), a UINT32; field 4 (ERROR_NAME), a STRING; each at a multiple of 8.
    let mut fields = vec![5, 1, b'u', 0];
    fields.extend(serial.to_le_bytes());
    if let Some(name) = error {
        fields.extend([4, 1, b's', 0]);
        fields.extend(u32::try_from(name.len()).expect("short").to_le_bytes());
        fields.extend(name.bytes().chain([0]));
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([8, 1, b'g', 0, 1, b's', 0]);
    }
    let mut bytes = vec![b'l', kind, 0, 1];
    bytes.extend(u32::try_from(body.len()).expect("short").to_le_bytes());
    bytes.extend(7_u32.to_le_bytes());
    bytes.extend(u32::try_from(fields.len()).expect("short").to_le_bytes());
    bytes.extend(fields);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(body);
    bytes
}

/// Reads one call from our side; returns its bytes.
fn call_of(stream: &mut UnixStream) -> Vec<u8> {
    let mut bytes = vec![0; Header::FIXED];
    stream.read_exact(&mut bytes).expect("a header");
    let length = Header::length(&bytes).expect("little-endian");
    bytes.resize(length, 0);
    stream.read_exact(&mut bytes[Header::FIXED..]).expect("the rest");
    bytes
}

/// Opens a connection to a bus that lets everybody in, answers `Hello`, and then says `second` to
/// the next call. Returns what asking for a scope gave, and the bytes of that call.
fn ask(second: impl FnOnce() -> Vec<u8> + Send) -> (Result<(), BusError>, Vec<u8>) {
    let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
    std::thread::scope(|scope| {
        let bus = scope.spawn(move || {
            let mut line = Vec::new();
            let mut byte = [0];
            while !line.ends_with(b"BEGIN\r\n") {
                theirs.read_exact(&mut byte).expect("a line");
                line.extend(byte);
                if line.ends_with(b"\r\n") && line.starts_with(b"\0AUTH EXTERNAL ") {
                    theirs.write_all(b"OK 1234\r\n").expect("it listens");
                    line.clear();
                }
            }
            call_of(&mut theirs);
            // A signal comes first, as on a real bus.
            theirs.write_all(&answer(4, 99, None, &[])).expect("it listens");
            theirs.write_all(&answer(2, 1, None, &[])).expect("it listens");
            let call = call_of(&mut theirs);
            theirs.write_all(&second()).ok();
            call
        });
        let asked = Bus::open(ours).and_then(|mut bus| {
            bus.start_scope(&ScopeRequest { name: "x.scope", description: "d", pid: 7 })
        });
        (asked, bus.join().expect("the bus lives"))
    })
}

#[test]
fn a_scope_is_asked_for_and_the_answer_is_awaited() {
    let (asked, call) = ask(|| answer(2, 2, None, &[]));
    asked.expect("the answer is no error");
    let text = String::from_utf8_lossy(&call).into_owned();
    for words in
        ["StartTransientUnit", "\u{1}g\0\u{10}ssa(sv)a(sa(sv))\0", "x.scope", "Delegate", "PIDs"]
    {
        assert!(text.contains(words), "{words} is in the call: {text:?}");
    }
}

#[test]
fn an_error_is_told_with_its_words() {
    let body = b"\x03\0\0\0why\0";
    let (asked, _) = ask(|| answer(3, 2, Some("org.example.No"), body));
    let error = asked.expect_err("it is an error");
    assert_eq!(error.to_string(), "the answer is org.example.No: why");
}

#[test]
fn what_is_no_message_or_too_long_is_refused() {
    let mut long = answer(2, 2, None, &[]);
    long[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    let big_endian = [b'B'; 32].to_vec();
    let mut fields = answer(2, 2, None, &[]);
    fields[16..24].copy_from_slice(&[0xff; 8]);
    for bytes in [long, big_endian, fields] {
        let (asked, _) = ask(|| bytes);
        let error = asked.expect_err("nothing of it can be believed");
        assert!(matches!(error, BusError::Malformed { .. }), "{error:?}");
    }
}
