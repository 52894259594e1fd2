//! The one loop of a run: it waits for the process, the sandbox, the streams, signals and the
//! deadline, and never for one of them alone.
//!
//! What happened first decides how the run ended; then, whatever it was, everything inside is
//! killed, the sandbox is destroyed, and only then the pipes are drained: nobody can write into
//! them any more, so they end.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use isobar_boundary::{ExitReport, Process, ProcessEnd, Sandbox, SandboxEvent};
use isobar_policy::{Code, Diagnostic, KilledBy, LimitClauses};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::conclude::{Cause, Conclusion, Supervised, stream_name};
use crate::deadline::Deadline;
use crate::prepare::Stopwatch;
use crate::pump::{BUFFER, InputPump, OutputPump};
use crate::run::Io;
use crate::signals::{Patience, SIGCONT, SignalQueue, Verdict};
use crate::terminal::CallerTerminal;

/// How long a reader that is not ready is waited for once isobar ended the run itself.
const GRACE_MILLIS: u64 = 1000;
/// How long a pipe of a destroyed sandbox may stay silent without being closed. Nobody inside is
/// left to hold it, so this ends only what should not happen.
const SILENCE_MILLIS: u64 = 2000;
/// How often the owner of a terminal is asked for while it is not the caller.
const BACKGROUND_MILLIS: u64 = 200;

/// Something that can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ready {
    Process,
    Sandbox,
    Signal,
    InputSource,
    InputTarget,
    OutputSource(usize),
    OutputSink(usize),
}

struct Supervision<'a> {
    sandbox: Box<dyn Sandbox>,
    process: Box<dyn Process>,
    input: InputPump<'a>,
    outputs: [OutputPump<'a>; 2],
    signals: Option<Box<dyn SignalQueue>>,
    patience: Patience,
    deadline: Option<Deadline>,
    /// The caller's terminal, where the program has one of the sandbox's own.
    terminal: Option<CallerTerminal<'a>>,
    exit: Option<ExitReport>,
    buffer: Vec<u8>,
}

pub(crate) fn supervise(
    sandbox: Box<dyn Sandbox>,
    mut process: Box<dyn Process>,
    io: Io<'_>,
    signals: Option<Box<dyn SignalQueue>>,
    (limits, terminal): (&LimitClauses, bool),
    watch: &mut Stopwatch,
) -> Supervised {
    let start = Instant::now();
    let terminal = io.stdin.filter(|_| terminal).map(CallerTerminal::new);
    let streams = process.streams();
    let (stdin, stdout, stderr) =
        (streams.stdin.take(), streams.stdout.take(), streams.stderr.take());
    let cap = limits.output_bytes.map(|bytes| bytes.0);
    let mut supervision = Supervision {
        sandbox,
        process,
        input: InputPump::new(io.stdin, stdin),
        outputs: [OutputPump::new(stdout, io.stdout, cap), OutputPump::new(stderr, io.stderr, cap)],
        signals,
        patience: Patience::default(),
        deadline: limits.wall_time.map(|span| Deadline::after(start, span)),
        terminal,
        exit: None,
        buffer: vec![0; BUFFER],
    };
    let cause = supervision.unusable().unwrap_or_else(|| supervision.until_ended());
    let wall = watch.lap("run");
    supervision.input.close();
    supervision.sandbox.kill();
    let destroyed = supervision.sandbox.destroy();
    watch.lap("destroy");
    if supervision.exit.is_none() {
        supervision.exit = supervision.process.try_wait();
    }
    let cause = supervision.judged(cause);
    supervision.drain(&cause);
    supervision.terminal = None;
    watch.lap("drain");
    let Supervision { outputs, exit, .. } = supervision;
    Conclusion { cause, exit, destroyed, outputs: &outputs, limits, wall_micros: wall }.supervised()
}

impl Supervision<'_> {
    /// Why the streams cannot be served at all, if they cannot.
    fn unusable(&mut self) -> Option<Cause> {
        if let Some(error) = self.input.failure() {
            return Some(stream_lost("standard input", &error));
        }
        (0..self.outputs.len()).find_map(|index| self.stream_failure(index))
    }

    /// Waits until something ends the run.
    fn until_ended(&mut self) -> Cause {
        loop {
            let mut timeout = self.deadline.as_ref().map(Deadline::left);
            let background = self.input.in_background();
            if let Some(terminal) = &mut self.terminal {
                terminal.keep_raw(!background);
            }
            if background {
                let again = Duration::from_millis(BACKGROUND_MILLIS);
                timeout = Some(timeout.map_or(again, |left| left.min(again)));
            }
            let ready = match self.wait(timeout, true) {
                Ok(ready) => ready,
                Err(errno) => return Cause::Failed(lost_sight(errno)),
            };
            for one in ready {
                if let Some(cause) = self.serve(one) {
                    return cause;
                }
            }
            // After the events: a program that ended in time is not late because we were.
            if self.deadline.as_ref().is_some_and(Deadline::passed) {
                return Cause::Killed(KilledBy::WallTime);
            }
        }
    }

    /// Waits for whatever could be served. With `alive` that includes process and sandbox.
    fn wait(&self, timeout: Option<Duration>, alive: bool) -> Result<Vec<Ready>, Errno> {
        let mut waited: Vec<(Ready, BorrowedFd<'_>, PollFlags)> = Vec::with_capacity(8);
        if alive {
            waited.push((Ready::Process, self.process.pollable(), PollFlags::IN));
            waited.push((Ready::Sandbox, self.sandbox.pollable(), PollFlags::IN));
            let source = self.input.source().map(|fd| (Ready::InputSource, fd, PollFlags::IN));
            let target = self.input.target().map(|fd| (Ready::InputTarget, fd, PollFlags::OUT));
            waited.extend(source.into_iter().chain(target));
        }
        if let Some(queue) = &self.signals {
            waited.push((Ready::Signal, queue.pollable(), PollFlags::IN));
        }
        for (index, output) in self.outputs.iter().enumerate() {
            let source = output.source().map(|fd| (Ready::OutputSource(index), fd, PollFlags::IN));
            let sink = output.sink().map(|fd| (Ready::OutputSink(index), fd, PollFlags::OUT));
            waited.extend(source.into_iter().chain(sink));
        }
        let mut polled: Vec<_> =
            waited.iter().map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        // A span too long for the kernel's clock will not pass.
        let timeout = timeout.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
        let happened = polled.iter().zip(&waited).filter(|(fd, _)| !fd.revents().is_empty());
        Ok(happened.map(|(_, (ready, _, _))| *ready).collect())
    }

    /// Serves what is ready; says if that ends the run.
    fn serve(&mut self, ready: Ready) -> Option<Cause> {
        match ready {
            Ready::Process => {
                self.exit = self.process.try_wait();
                self.exit.map(|_| Cause::Program)
            }
            Ready::Sandbox => self.sandbox_events(),
            Ready::Signal => self.signals(),
            Ready::InputSource => {
                self.input.read_some(&mut self.buffer);
                None
            }
            Ready::InputTarget => {
                self.input.write_some();
                None
            }
            Ready::OutputSource(index) => {
                self.outputs.get_mut(index)?.read_some(&mut self.buffer);
                self.stream_failure(index)
            }
            Ready::OutputSink(index) => {
                self.outputs.get_mut(index)?.write_some();
                self.stream_failure(index)
            }
        }
    }

    fn stream_failure(&mut self, index: usize) -> Option<Cause> {
        let output = self.outputs.get_mut(index)?;
        let error = output.failure()?;
        Some(stream_lost(stream_name(index), &error))
    }

    fn sandbox_events(&mut self) -> Option<Cause> {
        for event in self.sandbox.events() {
            match event {
                SandboxEvent::OutOfMemory => return Some(Cause::Killed(KilledBy::Memory)),
                SandboxEvent::CpuTimeUsed => return Some(Cause::Killed(KilledBy::CpuTime)),
                SandboxEvent::Ended => {
                    self.exit = self.process.try_wait();
                    return Some(Cause::Program);
                }
                _ => {}
            }
        }
        None
    }

    fn signals(&mut self) -> Option<Cause> {
        while let Some(signal) = self.signals.as_mut().and_then(|queue| queue.next()) {
            match self.patience.judge(signal) {
                Verdict::Kill => return Some(Cause::Killed(KilledBy::User)),
                Verdict::Ignore => {}
                Verdict::Terminal => {
                    let foreground = !self.input.in_background();
                    if let Some(terminal) = &mut self.terminal {
                        if signal == SIGCONT {
                            terminal.again(foreground);
                        }
                        // A terminal that was hung up takes no size and needs none.
                        self.process.resize(terminal.size()).ok();
                    }
                }
                Verdict::Forward { signal, group } => {
                    if let Err(diagnostic) = self.process.signal(signal, group) {
                        return Some(Cause::Failed(diagnostic));
                    }
                }
            }
        }
        None
    }

    /// The cause, once it is known what the sandbox saw at the same moment: where it was killed
    /// for a limit, its program may be seen to end before the reason is.
    fn judged(&mut self, cause: Cause) -> Cause {
        let by_itself = matches!(self.exit.map(|exit| exit.end), Some(ProcessEnd::Exited(_)));
        if !matches!(cause, Cause::Program) {
            return cause;
        }
        match self.sandbox_events() {
            // Any out-of-memory kill ends the whole sandbox, whatever the program made of it.
            Some(Cause::Killed(KilledBy::Memory)) => Cause::Killed(KilledBy::Memory),
            Some(Cause::Killed(by)) if !by_itself => Cause::Killed(by),
            _ => cause,
        }
    }

    /// Passes on what the guest wrote before its end. A reader that is not ready is waited for as
    /// any writer to a pipe would wait, but not beyond the deadline, nor against the caller's
    /// will, nor for long where isobar ended the run.
    fn drain(&mut self, cause: &Cause) {
        let limit = match cause {
            Cause::Program => self.deadline,
            Cause::Killed(_) | Cause::Failed(_) => Some(Deadline::in_millis(GRACE_MILLIS)),
        };
        while !self.outputs.iter().all(OutputPump::done) {
            let reader_waited_for = self.outputs.iter().any(|output| output.sink().is_some());
            let silence = Duration::from_millis(SILENCE_MILLIS);
            let timeout = match (limit.as_ref().map(Deadline::left), reader_waited_for) {
                (left, true) => left,
                (Some(left), false) => Some(left.max(Duration::from_millis(1)).min(silence)),
                (None, false) => Some(silence),
            };
            let Ok(ready) = self.wait(timeout, false) else { break };
            let asked_to_stop = ready.contains(&Ready::Signal) && self.asked_to_stop();
            let over = limit.as_ref().is_some_and(Deadline::passed) && ready.is_empty();
            if asked_to_stop || over || (ready.is_empty() && !reader_waited_for) {
                break;
            }
            for one in ready {
                // A stream that fails now is closed; what could not be passed on counts as
                // truncated.
                if matches!(one, Ready::OutputSource(_) | Ready::OutputSink(_)) {
                    drop(self.serve(one));
                }
            }
        }
        for output in &mut self.outputs {
            output.abandon();
        }
    }

    /// Whether the caller asked to end while there is no program left to tell.
    fn asked_to_stop(&mut self) -> bool {
        const ENDING: [u8; 4] = [1, 2, 3, 15];
        let next = self.signals.as_mut().and_then(|queue| queue.next());
        next.is_some_and(|signal| ENDING.contains(&signal))
    }
}

fn stream_lost(name: &str, error: &std::io::Error) -> Cause {
    Cause::Failed(Diagnostic {
        code: Code::RunStream,
        summary: format!("{name} cannot be passed on"),
        causes: vec![error.to_string()],
        remedy: "make room for the output, or send it elsewhere".to_owned(),
    })
}

fn lost_sight(errno: Errno) -> Diagnostic {
    Diagnostic {
        code: Code::RunWait,
        summary: "the supervisor can wait for the sandbox no longer".to_owned(),
        causes: vec![std::io::Error::from(errno).to_string()],
        remedy: "report this as a bug of isobar".to_owned(),
    }
}
