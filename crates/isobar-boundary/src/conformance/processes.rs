//! Laws of processes.

use std::fs::File;
use std::io::Write;

use super::{Breach, Subject, breach, ensure, launch, spawn, wait};
use crate::ProcessEnd;

/// Runs a script in a sandbox of its own.
fn run(subject: &dyn Subject, script: &str) -> Result<ProcessEnd, Breach> {
    let mut sandbox = launch(subject)?;
    let mut process = spawn(&mut *sandbox, &subject.shell(script))?;
    Ok(wait::end(&mut *process)?.end)
}

pub(super) fn exit_codes(subject: &dyn Subject) -> Result<(), Breach> {
    for code in [0, 1, 42, 125, 127, 255] {
        let end = run(subject, &format!("exit {code}"))?;
        ensure(end == ProcessEnd::Exited(code), || format!("exit {code} is reported as {end:?}"))?;
    }
    Ok(())
}

pub(super) fn signals(subject: &dyn Subject) -> Result<(), Breach> {
    for (name, number) in [("TERM", 15), ("KILL", 9), ("SEGV", 11)] {
        let end = run(subject, &format!("kill -{name} $$"))?;
        let expected = ProcessEnd::Signalled(number);
        ensure(end == expected, || format!("SIG{name} is reported as {end:?}"))?;
    }
    Ok(())
}

pub(super) fn absent(subject: &dyn Subject) -> Result<(), Breach> {
    const ENOENT: u16 = 2;
    let mut sandbox = launch(subject)?;
    let mut process = spawn(&mut *sandbox, &subject.absent())?;
    let end = wait::end(&mut *process)?.end;
    ensure(end == ProcessEnd::NotExecuted(ENOENT), || format!("it is reported as {end:?}"))
}

pub(super) fn streams(subject: &dyn Subject) -> Result<(), Breach> {
    let mut sandbox = launch(subject)?;
    let script = "read word; echo out $word; echo err $word >&2; cat";
    let mut process = spawn(&mut *sandbox, &subject.shell(script))?;
    let (stdin, stdout, stderr) = {
        let streams = process.streams();
        (streams.stdin.take(), streams.stdout.take(), streams.stderr.take())
    };
    let Some(stdin) = stdin else { return breach("there is no standard input") };
    let written = File::from(stdin).write_all(b"word\nrest");
    written.map_err(|error| Breach::new(format!("standard input: {error}")))?;
    // Standard input is closed now, so `cat` ends, and with the program both streams do.
    let (out, err) = (wait::text(stdout)?, wait::text(stderr)?);
    ensure(out == "out word\nrest", || format!("standard output was {out:?}"))?;
    ensure(err == "err word\n", || format!("standard error was {err:?}"))?;
    ensure(process.streams().stdin.is_none(), || "a stream can be taken twice".to_owned())
}

pub(super) fn two(subject: &dyn Subject) -> Result<(), Breach> {
    let mut sandbox = launch(subject)?;
    let mut first = spawn(&mut *sandbox, &subject.shell("echo here > /tmp/note; echo .; cat"))?;
    let stdin = first.streams().stdin.take();
    let Some(stdout) = first.streams().stdout.take() else { return breach("no standard output") };
    wait::some(&stdout)?;
    let mut second = spawn(&mut *sandbox, &subject.shell("cat /tmp/note"))?;
    let note = wait::text(second.streams().stdout.take())?;
    ensure(note == "here\n", || format!("the second reads {note:?} of the first"))?;
    let end = wait::end(&mut *second)?.end;
    ensure(end == ProcessEnd::Exited(0), || format!("the second ended as {end:?}"))?;
    ensure(first.try_wait().is_none(), || "the first ended with the second".to_owned())?;
    drop(stdin);
    let end = wait::end(&mut *first)?.end;
    ensure(end == ProcessEnd::Exited(0), || format!("the first ended as {end:?}"))
}

pub(super) fn after_the_end(subject: &dyn Subject) -> Result<(), Breach> {
    let mut sandbox = launch(subject)?;
    let mut process = spawn(&mut *sandbox, &subject.shell("exit 3"))?;
    let report = wait::end(&mut *process)?;
    let again = process.try_wait();
    ensure(again == Some(report), || format!("first {report:?}, then {again:?}"))?;
    process
        .signal(15, false)
        .map_err(|diagnostic| Breach::new(format!("a late signal: {}", diagnostic.render(false))))
}
