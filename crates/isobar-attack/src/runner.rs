//! Tries one attempt: canary, sandbox, verdict.

use std::ffi::OsString;

use isobar_engine::policy::{
    Bytes, Clause, End, GrantPath, GrantSpec, KilledBy, Outcome, Policy, Refusal, Report, Span,
    escape_bounded,
};
use isobar_engine::{Ask, Caller, Engine, Io, Signals, Stop};

use crate::canary::CanaryError;
use crate::claim::Claim;
use crate::{Attempt, Bound, Canary, Payload, Proof, Side, Token, Verdict};

/// Where the guest finds the payload.
const PAYLOAD_AT: &str = "/attack";
/// How long one attempt may take, milliseconds. None needs a tenth of it.
const PATIENCE: u64 = 60_000;
/// What of the payload's output is kept, bytes. It prints one line.
const OUTPUT: u64 = 64 << 10;
/// The most of a reason that is shown, in characters.
const REASON: usize = 300;

/// Tries attempts in sandboxes of one policy.
#[derive(Debug)]
pub struct Runner<'a> {
    engine: &'a Engine,
    policy: Policy,
    payload: Payload,
}

impl<'a> Runner<'a> {
    /// A runner whose sandboxes have `policy`, boundary included. Each attempt adds what it is
    /// about: its grant, its limit.
    #[must_use]
    pub const fn new(engine: &'a Engine, policy: Policy, payload: Payload) -> Self {
        Self { engine, policy, payload }
    }

    /// Tries one attempt.
    #[must_use]
    pub fn run(&self, attempt: &Attempt) -> Verdict {
        self.tried(attempt).unwrap_or_else(|error| Verdict::Error { why: said(&error) })
    }

    fn tried(&self, attempt: &Attempt) -> Result<Verdict, CanaryError> {
        let token = Token::new()?;
        let canary = Canary::new(attempt.canary, &self.payload)?;
        let prepared = match self.engine.prepare(self.ask(attempt, &token, &canary)) {
            Ok(prepared) => prepared,
            Err(stop) => return Ok(not_started(attempt, stop)),
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let io = Io { stdin: None, stdout: Box::new(&mut stdout), stderr: Box::new(&mut stderr) };
        // An interrupt is the caller's and ends this process, and with it the sandbox; forwarding it
        // would also make this process unfit to launch another.
        let report = self.engine.run(prepared, io, Signals::Leave);
        judge(attempt, &token, &canary, &report, &stdout)
    }

    fn ask(&self, attempt: &Attempt, token: &Token, canary: &Canary) -> Ask {
        let mut policy = self.policy.clone();
        let payload = self.payload.path().to_string_lossy().into_owned();
        policy.fs.ro.push(grant(payload, PAYLOAD_AT));
        if let Some((path, target)) = canary.grant() {
            policy.fs.ro.push(grant(path.to_string_lossy().into_owned(), target));
        }
        policy.limits.wall_time = Some(Span::from_millis(PATIENCE));
        policy.limits.output_bytes = Some(Bytes(OUTPUT));
        match attempt.bound {
            Some(Bound::Tasks(tasks)) => policy.limits.pids = Some(tasks),
            Some(Bound::Memory(bytes)) => policy.limits.memory = Some(Bytes(bytes)),
            None => {}
        }
        let mut argv: Vec<OsString> = vec![
            self.payload.path().as_os_str().to_owned(),
            attempt.name.into(),
            token.as_str().into(),
        ];
        argv.extend(canary.arguments(Side::Guest).into_iter().map(OsString::from));
        argv.extend(attempt.arguments.iter().map(OsString::from));
        Ask { policy, argv, code: None, cwd: None, terminal: false, caller: Caller::from_process() }
    }
}

fn grant(path: String, target: &str) -> GrantSpec {
    GrantSpec::Full(GrantPath { path, target: Some(target.to_owned()), size: None })
}

fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    escape_bounded(&text, REASON)
}

/// Nothing ran. Where the host lacks what this attempt is about, that is no failure.
fn not_started(attempt: &Attempt, stop: Stop) -> Verdict {
    let shown = |text: &str| escape_bounded(text, REASON);
    match stop {
        Stop::Failed(diagnostic) => {
            Verdict::Error { why: shown(&format!("{}: {}", diagnostic.code, diagnostic.summary)) }
        }
        Stop::Refused(refusals) => {
            let clause = attempt.bound.map(Bound::clause);
            let of_bound = |refusal: &Refusal| clause.is_some() && refusal.clause == clause;
            let why = refusals.first().map_or_else(String::new, |first| {
                let clause = first.clause.map_or("the boundary", Clause::name);
                shown(&format!("{clause}: {}", first.why))
            });
            if refusals.iter().all(of_bound) {
                Verdict::NotRun { why }
            } else {
                Verdict::Error { why }
            }
        }
    }
}

fn judge(
    attempt: &Attempt,
    token: &Token,
    canary: &Canary,
    report: &Report,
    output: &[u8],
) -> Result<Verdict, CanaryError> {
    let claim = Claim::find(output, token.as_str());
    let claimed = claim.as_ref().is_some_and(|claim| claim.success);
    let escaped = match attempt.proof {
        Proof::Secret => canary.told(output).then_some("it printed the canary's secret"),
        Proof::Changed => canary.changed()?.then_some("the canary was changed"),
        Proof::Contacted => canary.contacted()?.then_some("the canary was spoken to"),
        Proof::Word => claimed.then_some("it says so"),
    };
    if let Some(how) = escaped {
        let way = claim.filter(|_| attempt.proof != Proof::Secret).map(|claim| claim.detail);
        let how = way.map_or_else(|| how.to_owned(), |way| format!("{how}: {way}"));
        return Ok(Verdict::Escaped { how });
    }
    Ok(match held_by(attempt, claim.as_ref(), &report.outcome) {
        Some(by) => Verdict::Held { by },
        None => Verdict::Error { why: unclear(claim.as_ref(), &report.outcome) },
    })
}

/// What refused the attempt, where that is known: every way was tried and answered, or the outcome
/// names the limit that the attempt ran against.
fn held_by(attempt: &Attempt, claim: Option<&Claim>, outcome: &Outcome) -> Option<String> {
    let hit = |clause| outcome.limits_hit.iter().any(|hit| hit.clause == clause);
    let refused = claim.filter(|claim| !claim.success && outcome.end == End::Exited { code: 1 });
    match attempt.bound {
        None => refused.map(|claim| claim.detail.clone()),
        Some(bound) => {
            let clause = bound.clause();
            let killed = outcome.end == End::Killed { by: KilledBy::Memory };
            match refused {
                Some(claim) if hit(clause) => Some(format!("{}; {clause} was hit", claim.detail)),
                None if clause == Clause::Memory && killed => {
                    Some(format!("the sandbox was killed: {clause}"))
                }
                _ => None,
            }
        }
    }
}

/// Why nothing can be said.
fn unclear(claim: Option<&Claim>, outcome: &Outcome) -> String {
    let end = match &outcome.end {
        End::Failed { diagnostic } => {
            let cause = diagnostic.causes.first().map(|cause| format!(": {cause}"));
            format!("{}: {}{}", diagnostic.code, diagnostic.summary, cause.unwrap_or_default())
        }
        End::Exited { .. }
        | End::Signalled { .. }
        | End::Killed { .. }
        | End::NotExecuted { .. }
        | End::Refused { .. } => outcome.line(),
    };
    let text = match claim {
        Some(Claim { success: true, detail }) => {
            format!("it claims success ({detail}), and the canary is untouched; {end}")
        }
        Some(Claim { success: false, detail }) => {
            format!("refused ({detail}), and the outcome does not say so; {end}")
        }
        None => end,
    };
    escape_bounded(&text, REASON)
}

#[cfg(test)]
mod tests {
    use isobar_engine::policy::LimitHit;

    use super::*;
    use crate::find;

    fn claim(success: bool) -> Claim {
        Claim { success, detail: "EPERM".to_owned() }
    }

    fn held(name: &str, claim: Option<&Claim>, outcome: &Outcome) -> Option<String> {
        held_by(find(name).expect("it is in the catalogue"), claim, outcome)
    }

    #[test]
    fn silence_is_not_being_held() {
        let killed = Outcome::only(End::Signalled { signal: 9 });
        assert_eq!(held("mount", None, &killed), None, "who knows what it would have done");
        let exited = Outcome::only(End::Exited { code: 1 });
        assert_eq!(held("mount", None, &exited), None, "nor does an exit code say anything");
        assert_eq!(
            held("mount", Some(&claim(false)), &exited).as_deref(),
            Some("EPERM"),
            "this does"
        );
    }

    #[test]
    fn a_line_of_a_process_that_then_crashed_is_not_enough() {
        let crashed = Outcome::only(End::Signalled { signal: 11 });
        assert_eq!(held("mount", Some(&claim(false)), &crashed), None, "it may have gone on");
    }

    #[test]
    fn a_limit_must_be_named_by_the_outcome() {
        let mut outcome = Outcome::only(End::Exited { code: 1 });
        assert_eq!(
            held("fork-bomb", Some(&claim(false)), &outcome),
            None,
            "the guest alone says so"
        );
        outcome.limits_hit.push(LimitHit {
            clause: Clause::Pids,
            limit: 16,
            observed: 16,
            source: "test".to_owned(),
        });
        assert!(
            held("fork-bomb", Some(&claim(false)), &outcome).is_some(),
            "now the host does too"
        );
        let killed = Outcome::only(End::Killed { by: KilledBy::Memory });
        assert!(held("memory-bomb", None, &killed).is_some(), "a killed guest says nothing more");
        assert_eq!(held("fork-bomb", None, &killed), None, "the wrong limit is no answer");
    }
}
