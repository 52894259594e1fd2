//! Standard streams: each byte arrives, on the stream on which it was written.

use std::fs;

use crate::guest::{bash, sh};

/// Bytes that repeat late, so that a lost or doubled block shows.
fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

const MIB: usize = 1 << 20;

#[test]
fn fifty_mebibytes_pass_through_unchanged() {
    let input = bytes(50 * MIB);
    let ended = sh(&[], "exec cat").stdin(input.clone()).run();
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout == input, "{} bytes of {} came back", ended.stdout.len(), input.len());
    let passed = ended.reported("/outcome/usage/stdout-bytes").as_u64();
    assert_eq!(passed, Some(50 << 20), "and the report counts them");
}

#[test]
fn input_comes_from_wherever_the_caller_has_it() {
    let input = bytes(MIB);
    let digest = "exec md5sum";
    let expected = sh(&[], digest).stdin(input.clone()).run().out();
    let from = |words: &str, flags: &[&str]| {
        let isobar = sh(flags, digest);
        isobar.file("input", &input);
        isobar.through_shell(words).run().out()
    };
    assert_eq!(from("< input", &[]), expected, "a file");
    assert_eq!(from("<> input", &[]), expected, "a file that could be written, too");
    let empty = "d41d8cd98f00b204e9800998ecf8427e  -\n";
    assert_eq!(from("< /dev/null", &[]), empty, "nothing");
    assert_eq!(from("<&-", &[]), empty, "a closed one is empty and no file of isobar's");
}

/// The file offset is shared with the caller: what the guest did not want may still be lost, but
/// a guest that reads nothing must not make isobar wait.
#[test]
fn a_guest_that_reads_nothing_ends_at_once() {
    let ended = sh(&[], "exit 4").stdin(bytes(4 * MIB)).run();
    assert_eq!(ended.code, Some(4), "{ended}");
    let mut running = sh(&[], "exit 5").stdin("").spawn();
    running.give(b"never read");
    assert_eq!(running.wait().code, Some(5), "nor one whose caller keeps the input open");
}

#[test]
fn the_two_outputs_stay_apart() {
    let script = "for n in $(seq 2000); do echo out $n; echo err $n >&2; done";
    let ended = bash(&[], script).run();
    let numbered = |word| (1..=2000).map(|n| format!("{word} {n}\n")).collect::<String>();
    assert_eq!(ended.out(), numbered("out"), "every line once, in order");
    assert_eq!(ended.err(), numbered("err"), "and none on the other stream");
}

#[test]
fn both_outputs_may_be_flooded_without_a_newline() {
    let script = "head -c 20000000 /dev/zero & head -c 20000000 /dev/zero >&2 & wait";
    let ended = sh(&[], script).run();
    assert_eq!((ended.stdout.len(), ended.stderr.len()), (20_000_000, 20_000_000));
    assert_eq!(ended.code, Some(0));
}

/// As in any pipeline: `isobar run -- yes | head`.
#[test]
fn a_reader_that_has_enough_ends_the_guest_by_sigpipe() {
    let isobar = sh(&["--timeout", "50s"], "exec yes").through_shell("| head -c 3");
    let ended = isobar.run();
    assert_eq!(ended.out(), "y\ny", "what the reader wanted");
    assert_eq!(ended.how(), "signalled", "the guest met its closed pipe: {ended}");
    assert_eq!(ended.reported("/outcome/end/signal"), 13, "SIGPIPE: {ended}");
}

#[test]
fn output_into_a_file_is_written_where_the_file_stands() {
    let isobar = sh(&[], "echo guest; echo guest >&2");
    isobar.file("log", "before\n");
    let ended = isobar.through_shell(">> log 2>&1").run();
    let log = String::from_utf8(ended.kept("log")).unwrap();
    assert_eq!(log, "before\nguest\nguest\n", "appended, not overwritten");
}

/// The caller's file must not pass into the sandbox: a guest could do more with a descriptor than
/// read or write, such as change its flags or read what a log already holds.
#[test]
fn the_guest_gets_pipes_and_not_the_callers_files() {
    let script =
        "for n in 0 1 2; do readlink /proc/self/fd/$n; done >&2; read -r line <&1 && echo got";
    let isobar = bash(&[], script);
    isobar.file("log", "secret\n");
    let ended = isobar.through_shell("< /dev/null 1<> log").run();
    let pipes = ended.err().lines().filter(|line| line.starts_with("pipe:")).count();
    assert_eq!(pipes, 3, "{ended}");
    assert!(!String::from_utf8_lossy(&ended.kept("log")).contains("got"), "{ended}");
    fs::metadata("/dev/null").expect("and the caller's own are untouched");
}
