//! Processes: what they are given, how they end, what is said when they cannot be started.

use std::ffi::CString;
use std::os::fd::AsFd;

use isobar_boundary::{ProcessEnd, ProcessSpec, SandboxEvent, SpawnError};
use isobar_policy::Code;

use crate::harness::{
    Scene, end_of, event, line_of, program, readable, shell, spawn, stdout, text_of,
};

const E2BIG: u16 = 7;
const EACCES: u16 = 13;

#[test]
fn the_environment_is_exactly_what_was_sent() {
    let mut scene = Scene::new();
    let mut spec = program("/usr/bin/env", &[]);
    spec.env = vec![c"A=1".to_owned(), c"EMPTY=".to_owned(), c"SPACED=a b\tc".to_owned()];
    let ran = scene.run_spec(&spec);
    assert_eq!(ran.out, "A=1\nEMPTY=\nSPACED=a b\tc\n", "neither ours nor the agent's joins it");
}

#[test]
fn a_signal_reaches_the_process_or_its_group() {
    let mut scene = Scene::new();
    let mut sandbox = scene.launch();
    // The shell outlives its child unless the signal goes to the group.
    let script = "trap 'echo caught; exit 9' TERM; echo up; while :; do sleep 1000 & wait $!; done";
    let mut process = spawn(&mut *sandbox, &shell(script));
    let out = stdout(&mut *process);
    assert_eq!(line_of(&out), "up", "the trap is set");
    process.signal(15, false).unwrap();
    assert_eq!(line_of(&out), "caught", "SIGTERM is the program's to handle");
    assert_eq!(end_of(&mut *process).end, ProcessEnd::Exited(9), "and so is its end");

    let mut group = spawn(&mut *sandbox, &shell("sleep 1000 & echo up; wait"));
    let out = stdout(&mut *group);
    assert_eq!(line_of(&out), "up", "both run");
    group.signal(15, true).unwrap();
    assert_eq!(end_of(&mut *group).end, ProcessEnd::Signalled(15), "the shell");
    assert_eq!(text_of(out), "", "and its child: nobody holds the pipe any more");
    sandbox.destroy().unwrap();
}

#[test]
fn a_killed_sandbox_ends_at_once() {
    let mut scene = Scene::new();
    let mut sandbox = scene.launch();
    let mut process = spawn(&mut *sandbox, &shell("trap '' TERM INT; echo up; sleep 1000"));
    let out = stdout(&mut *process);
    assert_eq!(line_of(&out), "up", "it runs");
    sandbox.kill();
    event(&mut *sandbox, SandboxEvent::Ended);
    let end = end_of(&mut *process).end;
    assert_eq!(end, ProcessEnd::Lost, "nobody inside is left to say how it ended");
    assert_eq!(text_of(out), "", "nothing runs");
    sandbox.destroy().unwrap();
}

#[test]
fn standard_input_can_be_closed_and_reopened_by_nobody() {
    let mut scene = Scene::new();
    let mut sandbox = scene.launch();
    let mut process = spawn(&mut *sandbox, &shell("cat; echo end"));
    let out = stdout(&mut *process);
    drop(process.streams().stdin.take());
    assert_eq!(text_of(out), "end\n", "an empty input ends at once");
    assert_eq!(end_of(&mut *process).end, ProcessEnd::Exited(0), "and the program goes on");
    sandbox.destroy().unwrap();
}

#[test]
fn a_file_that_may_not_be_executed_is_told_apart() {
    let mut scene = Scene::new();
    let ran = scene.run_spec(&program("/etc/passwd", &[]));
    assert_eq!(ran.report.end, ProcessEnd::NotExecuted(EACCES), "execve said so");
}

fn failed_spawn(spec: &ProcessSpec) -> isobar_policy::Diagnostic {
    let mut scene = Scene::new();
    let mut sandbox = scene.launch();
    let error = sandbox.spawn(spec).expect_err("it cannot be started");
    sandbox.destroy().unwrap();
    let SpawnError::Failed(diagnostic) = error else { panic!("a failure, not {error:?}") };
    diagnostic
}

#[test]
fn a_working_directory_that_is_not_there_is_named() {
    let spec = ProcessSpec { cwd: c"/nowhere".to_owned(), ..shell("exit 0") };
    let diagnostic = failed_spawn(&spec);
    assert_eq!(diagnostic.code, Code::ResolveWorkingDirectory, "{diagnostic}");
    assert!(!diagnostic.remedy.is_empty(), "a user can act on it: {diagnostic}");
}

#[test]
fn a_mebibyte_of_arguments_arrives() {
    let mut scene = Scene::new();
    let long = "x".repeat(64 * 1024);
    let mut spec = shell("echo $# ${#1} ${#16}");
    spec.argv.push(c"sh".to_owned());
    spec.argv.extend((0..16).map(|_| CString::new(long.as_str()).unwrap()));
    let ran = scene.run_spec(&spec);
    assert_eq!(ran.out, "16 65536 65536\n", "sixteen frames and more, whole and in order");
}

#[test]
fn arguments_that_the_kernel_refuses_are_reported_as_its_refusal() {
    let mut scene = Scene::new();
    let mut spec = shell("exit 0");
    // One string may have 128 KiB (MAX_ARG_STRLEN, execve(2)).
    spec.argv.push(CString::new("x".repeat(200 * 1024)).unwrap());
    let ran = scene.run_spec(&spec);
    assert_eq!(ran.report.end, ProcessEnd::NotExecuted(E2BIG), "execve said so");
}

#[test]
fn more_than_any_kernel_takes_is_refused_before_it_is_sent() {
    let mut spec = shell("exit 0");
    spec.argv.push(CString::new("x".repeat(10 << 20)).unwrap());
    let diagnostic = failed_spawn(&spec);
    assert_eq!(diagnostic.code, Code::ResolveArgumentTooLong, "{diagnostic}");
}

#[test]
fn a_process_without_arguments_is_refused() {
    let diagnostic = failed_spawn(&ProcessSpec { argv: vec![], ..shell("exit 0") });
    assert_eq!(diagnostic.code, Code::ResolveArgumentTooLong, "execve wants a name: {diagnostic}");
}

#[test]
fn the_secret_values_of_an_environment_are_not_printed() {
    let spec = ProcessSpec { env: vec![c"TOKEN=hunter2".to_owned()], ..shell("exit 0") };
    let debug = format!("{spec:?}");
    assert!(!debug.contains("hunter2"), "a log may hold this: {debug}");
}

#[test]
fn sixteen_processes_run_in_one_sandbox() {
    let mut scene = Scene::new();
    let mut sandbox = scene.launch();
    let mut live: Vec<_> = (0..16)
        .map(|number| {
            let mut process = spawn(&mut *sandbox, &shell(&format!("echo up; cat; exit {number}")));
            assert_eq!(line_of(&stdout(&mut *process)), "up", "process {number} runs");
            process
        })
        .collect();
    // The last is ended first: each has its own stream.
    for (number, process) in live.iter_mut().enumerate().rev() {
        drop(process.streams().stdin.take());
        readable(process.pollable().as_fd());
        let expected = ProcessEnd::Exited(u8::try_from(number).unwrap());
        assert_eq!(end_of(&mut **process).end, expected, "its own end and no other's");
    }
    sandbox.destroy().unwrap();
}
