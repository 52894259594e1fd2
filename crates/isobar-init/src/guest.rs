//! What a launched process does before it executes the guest's program.
//!
//! It shares the agent's memory and must not write to it: everything here works on its own stack
//! and on the plan that was copied there. Order matters: descriptors first, so that it holds
//! nothing of the agent's any more; bounding set before the capability that changing it takes;
//! identity before whatever the guest's own rights are to decide (the working directory, and
//! execve); probes last, from exactly the state in which the program will run.

use isobar_boundary::protocol::{ExecFailed, ExecStage, Header, Message, Ready, Setup, kind};
use rustix::fd::RawFd;
use rustix::fs::Mode;
use rustix::io::{Errno, write};
use rustix::net::{RecvFlags, recv};
use rustix::process::{
    Signal, chdir, ioctl_tiocsctty, set_parent_process_death_signal, setsid, umask,
};

use crate::greet::say;
use crate::sys::descriptors::{self, FREE};
use crate::sys::{Program, call};
use crate::{identity, probe};

/// All that the process needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// What the host said of the sandbox.
    pub(crate) setup: Setup,
    /// The process's channels, by their numbers in the agent.
    pub(crate) channels: [RawFd; 4],
    /// Standard input is a terminal, which becomes the controlling one.
    pub(crate) terminal: bool,
    /// What to execute.
    pub(crate) program: Program,
}

/// Why the process gives up.
enum Stop {
    /// A step failed; the host is told.
    Failed(ExecStage, Errno),
    /// The host went away, or said something else than "go".
    Abandoned,
}

/// The exit status of a process that never became the guest. The host learns more from the process
/// stream.
const NOT_EXECUTED: i32 = 127;

/// Becomes the guest, or says why not and ends.
pub(crate) fn become_guest(plan: &Plan, progress: RawFd) -> ! {
    let [stdin, stdout, stderr, stream] = plan.channels;
    // Without a process stream there is nobody to tell; the agent reports how this process ended.
    if descriptors::arrange_own(stream, progress).is_ok() {
        let stop = match descriptors::arrange_standard([stdin, stdout, stderr]) {
            Ok(()) => steps(plan),
            Err(errno) => Stop::Failed(ExecStage::Channels, errno),
        };
        give_up(&stop);
    }
    call::exit(NOT_EXECUTED)
}

/// Every step up to execve; returns only when one fails.
fn steps(plan: &Plan) -> Stop {
    if let Err(errno) = leave_the_agent(&plan.setup) {
        return Stop::Failed(ExecStage::Identity, errno);
    }
    if plan.terminal
        && let Err(errno) = take_terminal()
    {
        return Stop::Failed(ExecStage::Channels, errno);
    }
    if let Err(errno) = chdir(plan.program.cwd()) {
        return Stop::Failed(ExecStage::WorkingDirectory, errno);
    }
    if wait_for_go(&plan.setup).is_none() {
        return Stop::Abandoned;
    }
    // Nothing is open from here on, but a guest with a descriptor of ours would be a way out.
    match call::close_at_execve(FREE.cast_unsigned()) {
        Ok(()) => Stop::Failed(ExecStage::Execute, plan.program.execute()),
        Err(errno) => Stop::Failed(ExecStage::Execute, errno),
    }
}

/// Gives up all that the agent has and a guest has not.
fn leave_the_agent(setup: &Setup) -> Result<(), Errno> {
    identity::take(setup)?;
    // A change of credentials cleared it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    setsid()?;
    call::reset_dispositions();
    call::set_signal_mask(0)?;
    umask(Mode::WGRP | Mode::WOTH);
    Ok(())
}

/// Makes the terminal on standard input the controlling one of the session that this process leads.
fn take_terminal() -> Result<(), Errno> {
    let [stdin, ..] = descriptors::standard();
    ioctl_tiocsctty(stdin)
}

/// Reports readiness and waits for the host's consent; `None` where there is none.
fn wait_for_go(setup: &Setup) -> Option<()> {
    let ready = Ready { filter_errno: probe::filter(setup), canary_errno: probe::canary(setup) };
    let mut out = [0; 128];
    say(descriptors::stream(), ready.encode(&mut out).ok()?).ok()?;
    // Not a byte more than the one frame: what follows it is for the agent.
    let mut go = [0; isobar_boundary::protocol::HEADER];
    let mut have = 0;
    while have < go.len() {
        match recv(descriptors::stream(), go.get_mut(have..)?, RecvFlags::empty()) {
            Ok((0, _)) => return None,
            Ok((count, _)) => have += count,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    (go == Header { kind: kind::GO, payload: 0 }.encode()).then_some(())
}

/// Tells the host why, if there is something to tell, and then the agent that the host knows.
fn give_up(stop: &Stop) {
    if let Stop::Failed(stage, errno) = *stop {
        let errno = errno.raw_os_error().cast_unsigned();
        let failed = ExecFailed { stage: stage.number(), errno };
        let mut out = [0; 96];
        if let Ok(frame) = failed.encode(&mut out) {
            // Where the host does not listen any more, nobody misses the message.
            say(descriptors::stream(), frame).ok();
        }
    }
    write(descriptors::progress(), &[1]).ok();
}
