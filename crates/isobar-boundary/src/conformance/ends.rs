//! Laws of ends. A process that is gone is seen by its standard output: a pipe is hung up when the
//! last process that holds its other end is gone, however it was forked.

use std::os::fd::OwnedFd;

use super::{Breach, Subject, breach, ensure, launch, spawn, wait};
use crate::{Process, ProcessEnd, Sandbox, SandboxEvent, SpawnError};

/// A program that ignores what can be ignored, with a daemon that left its session.
const STUBBORN: &str = "trap '' TERM INT HUP; setsid sleep 1000 & echo up; sleep 1000; sleep 1000";

/// A sandbox in which [`STUBBORN`] runs, the process, and its standard output.
type Running = (Box<dyn Sandbox>, Box<dyn Process>, OwnedFd);

fn stubborn(subject: &dyn Subject) -> Result<Running, Breach> {
    let mut sandbox = launch(subject)?;
    let mut process = spawn(&mut *sandbox, &subject.shell(STUBBORN))?;
    let Some(stdout) = process.streams().stdout.take() else { return breach("no standard output") };
    wait::some(&stdout)?;
    Ok((sandbox, process, stdout))
}

pub(super) fn kill(subject: &dyn Subject) -> Result<(), Breach> {
    let (mut sandbox, mut process, stdout) = stubborn(subject)?;
    let early = sandbox.events();
    ensure(early.is_empty(), || format!("{early:?} although all runs"))?;
    ensure(process.try_wait().is_none(), || "it ended by itself".to_owned())?;
    sandbox.kill();
    sandbox.kill();
    let events = wait::ended(&mut *sandbox)?;
    ensure(events == [SandboxEvent::Ended], || format!("the events were {events:?}"))?;
    let later = sandbox.events();
    ensure(later.is_empty(), || format!("and then {later:?}"))?;
    wait::text(Some(stdout))?;
    let end = wait::end(&mut *process)?.end;
    let dead = matches!(end, ProcessEnd::Lost | ProcessEnd::Signalled(9));
    ensure(dead, || format!("a killed process is reported as {end:?}"))
}

pub(super) fn spawn_after_kill(subject: &dyn Subject) -> Result<(), Breach> {
    let mut sandbox = launch(subject)?;
    sandbox.kill();
    match sandbox.spawn(&subject.shell("exit 0")) {
        Err(SpawnError::Failed(_)) => Ok(()),
        Err(error) => breach(format!("it is no contradiction: {error:?}")),
        Ok(_) => breach("a process was started"),
    }
}

pub(super) fn destroy(subject: &dyn Subject) -> Result<(), Breach> {
    let (mut sandbox, _process, stdout) = stubborn(subject)?;
    let failed = |error: crate::SandboxError| Breach::new(error.to_string());
    let first = sandbox.destroy().map_err(failed)?;
    wait::text(Some(stdout))?;
    let again = sandbox.destroy().map_err(failed)?;
    ensure(format!("{first:?}") == format!("{again:?}"), || format!("{first:?}, then {again:?}"))
}

pub(super) fn dropped(subject: &dyn Subject) -> Result<(), Breach> {
    let (sandbox, process, stdout) = stubborn(subject)?;
    drop(sandbox);
    wait::text(Some(stdout))?;
    drop(process);
    Ok(())
}
