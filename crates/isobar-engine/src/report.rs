//! Assembling a report: each binding of the plan with what was observed for it.

use std::ffi::OsString;

use isobar_boundary::build::BUILD_ID;
use isobar_policy::{
    Binding, ClauseLine, Code, Diagnostic, End, Evidence, Grade, HostFacts, Outcome, Plan, Policy,
    Privilege, Report,
};

use crate::boundaries;

/// The evidence of a sandbox and of its process.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    evidence: Vec<Evidence>,
}

impl Observed {
    /// Adds what was observed.
    pub(crate) fn add(&mut self, evidence: &[Evidence]) {
        self.evidence.extend_from_slice(evidence);
    }

    /// What was observed for `binding`, in the order of its keys.
    fn of(&self, binding: &Binding) -> Vec<Evidence> {
        let keys = binding.evidence.iter();
        keys.flat_map(|key| self.evidence.iter().filter(move |one| one.key == *key))
            .cloned()
            .collect()
    }

    /// Every observation that contradicts what was expected, as one diagnostic.
    pub(crate) fn contradiction(&self) -> Option<Diagnostic> {
        let wrong: Vec<_> = self
            .evidence
            .iter()
            .filter(|one| !one.holds)
            .map(|one| {
                let Evidence { key, expected, observed, source, .. } = one;
                format!("{key}: expected {expected}, observed {observed} ({source})")
            })
            .collect();
        (!wrong.is_empty()).then(|| contradicted(wrong))
    }

    /// The bindings of `plan` for which something was not observed. What a guest claims about
    /// itself is no observation.
    pub(crate) fn missing(&self, plan: &Plan) -> Option<Diagnostic> {
        let proves = |one: &Evidence| one.holds && one.grade > Grade::GuestClaimed;
        let mut missing = Vec::new();
        for binding in &plan.bindings {
            for key in &binding.evidence {
                if !self.evidence.iter().any(|one| one.key == *key && proves(one)) {
                    missing.push(format!("{}: {key} was not observed", subject(binding)));
                }
            }
        }
        (!missing.is_empty()).then(|| Diagnostic {
            code: Code::EvidenceMissing,
            summary: "boundary failed: the plan requires an observation that was not made"
                .to_owned(),
            causes: missing,
            remedy: "report this as a bug of isobar, with `isobar doctor --json`".to_owned(),
        })
    }

    fn lines(&self, plan: &Plan) -> Vec<ClauseLine> {
        let line =
            |binding: &Binding| ClauseLine { binding: binding.clone(), evidence: self.of(binding) };
        plan.bindings.iter().map(line).collect()
    }
}

fn subject(binding: &Binding) -> &str {
    binding.clause.map_or(binding.asked.as_str(), |clause| clause.name())
}

/// What is said where observations contradict the plan.
pub(crate) fn contradicted(causes: Vec<String>) -> Diagnostic {
    Diagnostic {
        code: Code::BoundaryFailed,
        summary: "boundary failed: what was observed contradicts the plan".to_owned(),
        causes,
        remedy: "do not run untrusted code here; report this with `isobar doctor --json`"
            .to_owned(),
    }
}

/// The command for people: lossily decoded, not escaped.
pub(crate) fn shown_command(argv: &[OsString]) -> Vec<String> {
    argv.iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

/// The report of a run that did not get as far as a plan.
pub(crate) fn without_run(policy: Policy, command: Vec<String>, end: End) -> Report {
    let system = rustix::system::uname();
    let root = rustix::process::geteuid().is_root();
    let (kernel, machine) =
        (system.release().to_string_lossy(), system.machine().to_string_lossy());
    Report {
        version: Report::VERSION,
        isobar: build(),
        boundary: policy.boundary.unwrap_or(boundaries::DEFAULT),
        host: host(&kernel, &machine, root),
        command,
        accepted: policy.accept.clone(),
        policy,
        lines: Vec::new(),
        shared: Vec::new(),
        outcome: Outcome::only(end),
    }
}

/// The report of a run that had a plan.
pub(crate) fn of_run(
    request: isobar_policy::Request,
    plan: &Plan,
    facts: &HostFacts,
    observed: &Observed,
    outcome: Outcome,
) -> Report {
    // Nothing was bound where nothing was started.
    let refused = matches!(outcome.end, End::Refused { .. });
    Report {
        version: Report::VERSION,
        isobar: build(),
        boundary: plan.boundary,
        host: host(&facts.kernel, &facts.machine, facts.privilege == Privilege::Root),
        command: request.program.command,
        accepted: request.policy.accept.clone(),
        policy: request.policy,
        lines: if refused { Vec::new() } else { observed.lines(plan) },
        shared: if refused { Vec::new() } else { plan.shared.clone() },
        outcome,
    }
}

fn host(kernel: &str, machine: &str, root: bool) -> String {
    let who = if root { "root" } else { "an ordinary user" };
    format!("Linux {kernel} {machine}, as {who}")
}

/// isobar's version and the identity that both ends of the protocol share.
fn build() -> String {
    format!("{} ({:016x})", env!("CARGO_PKG_VERSION"), u64::from_be_bytes(BUILD_ID))
}
