//! The end of a run in one line, for standard error.

use super::{End, KilledBy, LimitHit, Outcome};
use crate::rough::{rough_bytes, rough_time};
use crate::signal::signal_name;
use crate::{Clause, Span, escape, escape_bounded};

/// How much of a foreign text the line repeats.
const SHOWN: usize = 200;

impl Outcome {
    /// One line for a person, without a line feed, such as `isobar: killed after 2s: wall-time
    /// limit of 2s`. What a guest or the host said in it is escaped.
    #[must_use]
    pub fn line(&self) -> String {
        format!("isobar: {}", self.told())
    }

    /// [`Self::line`] without the program's name before it.
    fn told(&self) -> String {
        let fatal = self.fatal();
        let hits = self.limits_hit.iter().filter(|hit| Some(hit.clause) != fatal);
        let parts = std::iter::once(self.ending()).chain(hits.map(LimitHit::told));
        parts.chain(self.put_aside_told()).chain(self.dropped()).collect::<Vec<_>>().join("; ")
    }

    /// How it ended, without what happened on the way.
    pub(crate) fn ending(&self) -> String {
        match &self.end {
            End::Exited { code } => format!("exited with code {code}{}", self.after()),
            End::Signalled { signal } => match signal_name(*signal) {
                Some(name) => format!("ended by {name} (signal {signal}){}", self.after()),
                None => format!("ended by signal {signal}{}", self.after()),
            },
            End::Killed { by } => self.killed(*by),
            End::NotExecuted { errno, reason } => {
                let reason = escape_bounded(reason, SHOWN);
                format!("the program could not be executed: {reason} (errno {errno})")
            }
            End::Refused { refusals } => match refusals.as_slice() {
                [only] => {
                    let clause = only.clause.map_or("", Clause::name);
                    let gap = if clause.is_empty() { "" } else { ": " };
                    let why = escape_bounded(&only.why, SHOWN);
                    format!("refused: {clause}{gap}{why} [{}]", only.code)
                }
                all => format!("refused for {} reasons", all.len()),
            },
            End::Failed { diagnostic } => {
                let summary = escape_bounded(&diagnostic.summary, SHOWN);
                format!("failed: {summary} [{}]", diagnostic.code)
            }
        }
    }

    /// What of the output was cut off, in words.
    pub(crate) fn dropped(&self) -> Vec<String> {
        [(self.truncated.stdout_bytes, "stdout"), (self.truncated.stderr_bytes, "stderr")]
            .into_iter()
            .filter(|(bytes, _)| *bytes > 0)
            .map(|(bytes, name)| format!("{} of {name} dropped", rough_bytes(bytes)))
            .collect()
    }

    /// What the guest planted, in words.
    pub(crate) fn put_aside_told(&self) -> Option<String> {
        let first = self.put_aside.first()?;
        let path = escape_bounded(&first.path, SHOWN);
        let now = escape_bounded(&first.now, SHOWN);
        let others = match self.put_aside.len() - 1 {
            0 => String::new(),
            count => format!(", and {count} more"),
        };
        Some(format!(
            "{path}, which {} would execute, was made by the guest and is now {now}{others}",
            escape(&first.by)
        ))
    }

    /// The clause whose limit ended the sandbox.
    const fn fatal(&self) -> Option<Clause> {
        match self.end {
            End::Killed { by: KilledBy::Memory } => Some(Clause::Memory),
            End::Killed { by: KilledBy::WallTime } => Some(Clause::WallTime),
            End::Killed { by: KilledBy::CpuTime } => Some(Clause::CpuTime),
            End::Killed { by: KilledBy::User }
            | End::Exited { .. }
            | End::Signalled { .. }
            | End::NotExecuted { .. }
            | End::Refused { .. }
            | End::Failed { .. } => None,
        }
    }

    fn killed(&self, by: KilledBy) -> String {
        let hit =
            self.fatal().and_then(|clause| self.limits_hit.iter().find(|hit| hit.clause == clause));
        let limit = |unit: &str| match hit {
            Some(hit) => format!("{unit} limit of {}", hit.limit_text()),
            None => format!("{unit} limit"),
        };
        match by {
            KilledBy::Memory => {
                let peak = match self.usage.peak_memory_bytes {
                    0 => String::new(),
                    peak => format!(" (peak {})", rough_bytes(peak)),
                };
                format!("killed{}: {} reached{peak}", self.after(), limit("memory"))
            }
            KilledBy::WallTime => format!("killed{}: {}", self.after(), limit("wall-time")),
            KilledBy::CpuTime => format!("killed{}: {}", self.after(), limit("cpu-time")),
            KilledBy::User => format!("killed{}, as asked", self.after()),
        }
    }

    /// ` after 1.2s`, where the time is known.
    fn after(&self) -> String {
        match self.usage.wall_micros {
            0 => String::new(),
            micros => format!(" after {}", rough_time(micros)),
        }
    }
}

impl LimitHit {
    /// The hit in words, such as `pids limit of 64 reached (3 refused)`.
    pub(crate) fn told(&self) -> String {
        let name = self.clause.name();
        let name = escape(name.strip_prefix("limits.").unwrap_or(name));
        let observed = match (self.observed, self.unit()) {
            (0, _) => String::new(),
            (count, Unit::Count) if self.source.contains("seen") => format!(" ({count} seen)"),
            (count, Unit::Count) => format!(" ({count} refused)"),
            (bytes, Unit::Bytes) => format!(" ({})", rough_bytes(bytes)),
            (millis, Unit::Millis) => format!(" ({})", rough_time(millis.saturating_mul(1000))),
        };
        format!("{name} limit of {} reached{observed}", self.limit_text())
    }

    /// The limit as a policy writes it.
    fn limit_text(&self) -> String {
        match self.unit() {
            Unit::Bytes => rough_bytes(self.limit),
            Unit::Millis => Span::from_millis(self.limit).to_string(),
            Unit::Count => self.limit.to_string(),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "everything that is no amount is counted")]
    const fn unit(&self) -> Unit {
        match self.clause {
            Clause::Memory | Clause::FileSize | Clause::TmpBytes | Clause::OutputBytes => {
                Unit::Bytes
            }
            Clause::CpuTime | Clause::WallTime => Unit::Millis,
            _ => Unit::Count,
        }
    }
}

/// What a limit's numbers count.
#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Millis,
    /// Things, of which further ones were refused.
    Count,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Diagnostic, Refusal, Truncated};

    fn hit(clause: Clause, limit: u64, observed: u64) -> LimitHit {
        LimitHit { clause, limit, observed, source: "a counter".to_owned() }
    }

    fn ended(end: End, wall_micros: u64, limits_hit: Vec<LimitHit>) -> Outcome {
        let mut outcome = Outcome { limits_hit, ..Outcome::only(end) };
        outcome.usage.wall_micros = wall_micros;
        outcome
    }

    #[track_caller]
    fn check(outcome: &Outcome, line: &str) {
        assert_eq!(outcome.line(), line, "one line says how it ended");
    }

    #[test]
    fn each_end_is_one_line() {
        check(
            &ended(End::Exited { code: 3 }, 1_234_000, vec![]),
            "isobar: exited with code 3 after 1.2s",
        );
        check(&ended(End::Exited { code: 0 }, 0, vec![]), "isobar: exited with code 0");
        check(
            &ended(End::Signalled { signal: 11 }, 5_000, vec![]),
            "isobar: ended by SIGSEGV (signal 11) after 5ms",
        );
        check(&ended(End::Signalled { signal: 40 }, 0, vec![]), "isobar: ended by signal 40");
        check(
            &ended(End::NotExecuted { errno: 8, reason: "Exec format error".into() }, 0, vec![]),
            "isobar: the program could not be executed: Exec format error (errno 8)",
        );
        let refusal = |clause| Refusal {
            code: Code::PolicyZeroLimit,
            clause,
            why: "a limit of zero lets nothing run".to_owned(),
            remedy: "leave it out".to_owned(),
            acceptable: None,
        };
        let refused = |refusals| ended(End::Refused { refusals }, 0, vec![]);
        check(
            &refused(vec![refusal(Some(Clause::Pids))]),
            "isobar: refused: limits.pids: a limit of zero lets nothing run [ISO-POL-011]",
        );
        check(
            &refused(vec![refusal(None)]),
            "isobar: refused: a limit of zero lets nothing run [ISO-POL-011]",
        );
        check(&refused(vec![refusal(None), refusal(None)]), "isobar: refused for 2 reasons");
    }

    #[test]
    fn a_kill_names_its_limit_and_what_was_reached() {
        let by = |by| End::Killed { by };
        check(
            &ended(by(KilledBy::WallTime), 2_004_000, vec![hit(Clause::WallTime, 2000, 2004)]),
            "isobar: killed after 2s: wall-time limit of 2s",
        );
        check(
            &ended(by(KilledBy::CpuTime), 400_000, vec![hit(Clause::CpuTime, 250, 260)]),
            "isobar: killed after 400ms: cpu-time limit of 250ms",
        );
        let mut memory =
            ended(by(KilledBy::Memory), 80_000, vec![hit(Clause::Memory, 64 << 20, 1)]);
        memory.usage.peak_memory_bytes = 64 << 20;
        check(&memory, "isobar: killed after 80ms: memory limit of 64M reached (peak 64M)");
        check(&ended(by(KilledBy::User), 1_000_000, vec![]), "isobar: killed after 1s, as asked");
        check(&ended(by(KilledBy::WallTime), 0, vec![]), "isobar: killed: wall-time limit");
        check(&ended(by(KilledBy::Memory), 0, vec![]), "isobar: killed: memory limit reached");
    }

    #[test]
    fn what_happened_on_the_way_follows() {
        let hits = vec![hit(Clause::Pids, 64, 3), hit(Clause::OutputBytes, 16 << 20, 17 << 20)];
        let mut outcome = ended(End::Exited { code: 1 }, 0, hits);
        outcome.truncated = Truncated { stdout_bytes: 1 << 20, stderr_bytes: 0 };
        check(
            &outcome,
            "isobar: exited with code 1; pids limit of 64 reached (3 refused); output-bytes limit of \
             16M reached (17M); 1M of stdout dropped",
        );
    }

    #[test]
    fn foreign_words_are_escaped_and_bounded() {
        let failed = End::Failed {
            diagnostic: Diagnostic {
                code: Code::InitProtocol,
                summary: format!("said \u{1b}]0;owned\u{7}{}", "x".repeat(10_000)),
                causes: vec![],
                remedy: String::new(),
            },
        };
        let line = ended(failed, 0, vec![]).line();
        assert!(line.starts_with("isobar: failed: said \\x1b]0;owned\\x07xxx"), "{line}");
        assert!(line.chars().count() < 300 && line.ends_with("… [ISO-NS-009]"), "{line}");
    }
}
