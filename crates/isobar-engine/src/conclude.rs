//! What came of a run, once everything is gone and counted.
//!
//! How it ended is kept apart from what happened on the way. The order in which causes win: what
//! is left over (isobar's own failure), what isobar or the kernel ended, what the program did.

use isobar_boundary::{ExitReport, ProcessEnd, SandboxError, SandboxUsage};
use isobar_policy::{
    Clause, Code, Diagnostic, End, KilledBy, LimitClauses, LimitHit, Truncated, Usage,
};

use crate::pump::OutputPump;

/// What ended the run.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The program.
    Program,
    /// A limit or the caller.
    Killed(KilledBy),
    /// isobar.
    Failed(Diagnostic),
}

/// What came of a run.
pub(crate) struct Supervised {
    pub(crate) end: End,
    pub(crate) usage: SandboxUsage,
    pub(crate) limits_hit: Vec<LimitHit>,
    pub(crate) truncated: Truncated,
    pub(crate) used: Usage,
}

/// Everything that is known at the end.
pub(crate) struct Conclusion<'run, 'io> {
    pub(crate) cause: Cause,
    pub(crate) exit: Option<ExitReport>,
    pub(crate) destroyed: Result<SandboxUsage, SandboxError>,
    /// Standard output, then standard error.
    pub(crate) outputs: &'run [OutputPump<'io>; 2],
    pub(crate) limits: &'run LimitClauses,
    pub(crate) wall_micros: u64,
}

/// The name of an output of the guest.
pub(crate) const fn stream_name(index: usize) -> &'static str {
    if index == 0 { "standard output" } else { "standard error" }
}

impl Conclusion<'_, '_> {
    pub(crate) fn supervised(self) -> Supervised {
        let Self { cause, exit, destroyed, outputs, limits, wall_micros } = self;
        let (usage, left) = match destroyed {
            Ok(usage) => (usage, None),
            Err(error) => (SandboxUsage::default(), Some(Diagnostic::from(error))),
        };
        let end = end_of(cause, exit, &usage, limits);
        let mut limits_hit = usage.limits_hit.clone();
        let known = |hits: &[LimitHit], clause| hits.iter().any(|hit| hit.clause == clause);
        for hit in own_hits(&end, exit, &usage, limits, wall_micros) {
            if !known(&limits_hit, hit.clause) {
                limits_hit.push(hit);
            }
        }
        limits_hit.extend(output_hits(outputs));
        let [stdout, stderr] = outputs;
        Supervised {
            end: match left {
                Some(left) => End::Failed { diagnostic: with_end(left, &end) },
                None => end,
            },
            limits_hit,
            truncated: Truncated {
                stdout_bytes: stdout.seen().saturating_sub(stdout.passed()),
                stderr_bytes: stderr.seen().saturating_sub(stderr.passed()),
            },
            used: Usage {
                wall_micros,
                user_micros: exit.map_or(0, |exit| exit.user_micros),
                system_micros: exit.map_or(0, |exit| exit.system_micros),
                peak_memory_bytes: usage
                    .peak_memory_bytes
                    .or(exit.map(|exit| exit.peak_resident_bytes))
                    .unwrap_or_default(),
                stdout_bytes: stdout.passed(),
                stderr_bytes: stderr.passed(),
            },
            usage,
        }
    }
}

/// How the run ended.
fn end_of(
    cause: Cause,
    exit: Option<ExitReport>,
    usage: &SandboxUsage,
    limits: &LimitClauses,
) -> End {
    match cause {
        Cause::Failed(diagnostic) => End::Failed { diagnostic },
        Cause::Killed(by) => End::Killed { by },
        // The kernel counts its kills; a program that ended by SIGKILL, or that outlived a killed
        // child for a moment, does not say so.
        Cause::Program if usage.out_of_memory => End::Killed { by: KilledBy::Memory },
        Cause::Program if cpu_time_used_up(exit, limits) => End::Killed { by: KilledBy::CpuTime },
        Cause::Program => match exit.map_or(ProcessEnd::Lost, |exit| exit.end) {
            ProcessEnd::Exited(code) => End::Exited { code },
            ProcessEnd::Signalled(signal) => End::Signalled { signal },
            ProcessEnd::NotExecuted(errno) => End::NotExecuted {
                errno,
                reason: std::io::Error::from_raw_os_error(i32::from(errno)).to_string(),
            },
            ProcessEnd::Lost => End::Failed {
                diagnostic: Diagnostic {
                    code: Code::RunWait,
                    summary: "the sandbox ended before anybody could say how the program ended"
                        .to_owned(),
                    causes: Vec::new(),
                    remedy: "see whether the host ran out of memory or killed isobar-init"
                        .to_owned(),
                },
            },
        },
    }
}

/// The processor time of the program. The agent says it, so it may be anything.
const fn processor_micros(exit: ExitReport) -> u64 {
    exit.user_micros.saturating_add(exit.system_micros)
}

/// Whether the kernel ended the program for its processor time, where a limit for each process was
/// accepted. A program can raise SIGXCPU by itself, so the time that it used must fit.
fn cpu_time_used_up(exit: Option<ExitReport>, limits: &LimitClauses) -> bool {
    const SIGXCPU: u8 = 24;
    /// The kernel compares the limit with whole clock ticks, which on a busy processor are charged
    /// to whoever runs when one passes, and reports the time that was really used (getrusage(2)).
    /// The limit is a whole second at least, so this does not come near zero.
    const TICKS_MICROS: u64 = 300_000;
    let (Some(exit), Some(limit)) = (exit, limits.cpu_time) else { return false };
    let used = processor_micros(exit);
    exit.end == ProcessEnd::Signalled(SIGXCPU)
        && used.saturating_add(TICKS_MICROS) >= limit.millis().saturating_mul(1000)
}

/// What the supervisor itself, or the agent, saw of limits.
fn own_hits(
    end: &End,
    exit: Option<ExitReport>,
    usage: &SandboxUsage,
    limits: &LimitClauses,
    wall_micros: u64,
) -> Vec<LimitHit> {
    let hit = |clause, limit: Option<u64>, observed: Option<u64>, source: &str| LimitHit {
        clause,
        limit: limit.unwrap_or_default(),
        observed: observed.unwrap_or_default(),
        source: source.to_owned(),
    };
    let mut hits = Vec::new();
    match end {
        End::Killed { by: KilledBy::WallTime } => {
            let limit = limits.wall_time.map(isobar_policy::Span::millis);
            let observed = Some(wall_micros / 1000);
            hits.push(hit(Clause::WallTime, limit, observed, "the supervisor's clock"));
        }
        End::Killed { by: KilledBy::CpuTime } => {
            let limit = limits.cpu_time.map(isobar_policy::Span::millis);
            let of_program = exit.map(processor_micros);
            let observed = usage.cpu_micros.or(of_program).map(|micros| micros / 1000);
            hits.push(hit(Clause::CpuTime, limit, observed, "the boundary's count"));
        }
        End::Killed { by: KilledBy::Memory } => {
            let limit = limits.memory.map(|bytes| bytes.0);
            hits.push(hit(Clause::Memory, limit, usage.peak_memory_bytes, "the kernel's count"));
        }
        End::Killed { by: KilledBy::User }
        | End::Exited { .. }
        | End::Signalled { .. }
        | End::NotExecuted { .. }
        | End::Refused { .. }
        | End::Failed { .. } => {}
    }
    if let Some(reached) = exit.and_then(|exit| exit.pids_reached) {
        let limit = limits.pids.map(u64::from);
        hits.push(hit(Clause::Pids, limit, Some(u64::from(reached)), "tasks seen by isobar-init"));
    }
    hits
}

fn output_hits(outputs: &[OutputPump<'_>; 2]) -> impl Iterator<Item = LimitHit> {
    outputs.iter().enumerate().filter_map(|(index, output)| {
        Some(LimitHit {
            clause: Clause::OutputBytes,
            limit: output.exceeded()?,
            observed: output.seen(),
            source: stream_name(index).to_owned(),
        })
    })
}

/// A failure to clean up hides how the program ended; it is kept as a cause.
pub(crate) fn with_end(mut left: Diagnostic, end: &End) -> Diagnostic {
    let before = match end {
        End::Exited { code } => format!("the program had exited with {code}"),
        End::Signalled { signal } => format!("signal {signal} had ended the program"),
        End::Killed { by } => format!("the sandbox had been killed: {by:?}"),
        End::NotExecuted { reason, .. } => format!("the program had not been executed: {reason}"),
        End::Refused { .. } => return left,
        End::Failed { diagnostic } => format!("{}: {}", diagnostic.code, diagnostic.summary),
    };
    left.causes.push(before);
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The agent stands beside the guest, so no number of its own is added up unchecked.
    #[test]
    fn claims_of_processor_time_are_added_without_overflow() {
        let exit = ExitReport {
            end: ProcessEnd::Exited(0),
            user_micros: u64::MAX,
            system_micros: u64::MAX,
            peak_resident_bytes: 0,
            pids_reached: None,
        };
        let end = End::Killed { by: KilledBy::CpuTime };
        let limits = LimitClauses::default();
        let hits = own_hits(&end, Some(exit), &SandboxUsage::default(), &limits, 0);
        let observed: Vec<_> = hits.iter().map(|hit| hit.observed).collect();
        assert_eq!(observed, [u64::MAX / 1000], "as much as can be said");
    }
}
