//! `isobar explain`: each clause of a policy with what holds it and how well that was observed,
//! what stays shared with the host, and how the boundary fails.
//!
//! Evidence cannot be known without a sandbox, so one is made: `/bin/true` runs under the policy,
//! and its report is shown. `--plan` leaves that out, and then no grade is claimed.

use std::path::{Path, PathBuf};

use isobar_engine::policy::{
    Binding, ClauseLine, Code, Diagnostic, End, Evidence, Grade, PROFILES, Policy, escape,
};
use isobar_engine::{
    Ask, BoundaryNote, CallCounts, CallGroup, Caller, Engine, Io, Prepared, Signals, Stop,
    boundary_note, seccomp_counts, seccomp_table,
};
use serde::Serialize;

use crate::flags::PolicyFlags;
use crate::output::{Output, Paint, columns, folded};

/// What the grades mean. The weakest, `guest-claimed`, never lets a sandbox start.
const GRADES: [(Grade, &str); 3] = [
    (Grade::ReadBack, "state of the kernel, read from outside"),
    (
        Grade::Probed,
        "the forbidden act was tried before the program started, and failed as it must",
    ),
    (Grade::Asserted, "only the call's success is known"),
];

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A profile by name, or a policy file [default: default]
    #[arg(value_name = "PROFILE|FILE", conflicts_with_all = ["profile", "policy"])]
    policy_name: Option<PathBuf>,
    /// Print the reviewed table of system calls instead
    #[arg(long)]
    seccomp: bool,
    /// Only plan; make no sandbox, and claim no evidence
    #[arg(long)]
    plan: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: PolicyFlags,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Explained {
    version: u32,
    boundary: isobar_engine::policy::BoundaryKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<BoundaryNote>,
    lines: Vec<Line>,
    shared: Vec<String>,
    system_calls: CallCounts,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line {
    binding: Binding,
    /// The weakest evidence that the line rests on; absent where nothing was observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    grade: Option<Grade>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Calls {
    version: u32,
    counts: CallCounts,
    groups: Vec<CallGroup>,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the policy, every refusal, or what kept the sandbox from being made.
pub(crate) fn run(mut args: Args, output: &Output) -> Result<u8, Vec<Diagnostic>> {
    let text = if args.seccomp {
        system_calls(args.json, output.data_paint())
    } else {
        let name = choose(&mut args);
        let policy = args.flags.merged(name.as_deref())?;
        let explained = explain(policy, args.plan)?;
        if args.json { json(&explained) } else { render(&explained, output.data_paint()) }
    };
    output.data(&text).map_err(|error| vec![error])?;
    Ok(0)
}

/// Whether the argument is a profile's name or a file. What is neither is taken as a profile's
/// name, whose error lists the names.
fn choose(args: &mut Args) -> Option<String> {
    let given = args.policy_name.take()?;
    let name = given.to_string_lossy().into_owned();
    let is_file = name.contains(['/', '.']) || Path::new(&given).exists();
    if !PROFILES.contains(&name.as_str()) && is_file {
        args.flags.set_policy(given);
        return None;
    }
    Some(name)
}

fn explain(policy: Policy, plan_only: bool) -> Result<Explained, Vec<Diagnostic>> {
    let ask = Ask {
        policy,
        argv: vec!["/bin/true".into()],
        code: None,
        cwd: None,
        terminal: false,
        caller: Caller::from_process(),
    };
    let engine = Engine::new();
    let prepared = engine.prepare(ask).map_err(|stop| match stop {
        Stop::Refused(refusals) => refusals.iter().map(Diagnostic::from).collect(),
        Stop::Failed(diagnostic) => vec![diagnostic],
    })?;
    let (boundary, shared) = (prepared.plan().boundary, prepared.plan().shared.clone());
    let lines = if plan_only {
        let planned = |binding: &Binding| Line { binding: binding.clone(), grade: None };
        prepared.plan().bindings.iter().map(planned).collect()
    } else {
        observed(&engine, prepared)?
    };
    Ok(Explained {
        version: 1,
        boundary,
        about: boundary_note(boundary),
        lines,
        shared,
        system_calls: seccomp_counts(),
    })
}

/// Makes the sandbox and takes the evidence of its report.
fn observed(engine: &Engine, prepared: Prepared) -> Result<Vec<Line>, Vec<Diagnostic>> {
    let streams = Io { stdin: None, stdout: Box::new(Vec::new()), stderr: Box::new(Vec::new()) };
    let report = engine.run(prepared, streams, Signals::Leave);
    match report.outcome.end {
        End::Failed { diagnostic } => return Err(vec![diagnostic]),
        End::Refused { refusals } => return Err(refusals.iter().map(Diagnostic::from).collect()),
        End::Exited { code: 0 } => {}
        // Nobody but the policy's own limits can end /bin/true otherwise.
        End::Exited { .. }
        | End::Signalled { .. }
        | End::Killed { .. }
        | End::NotExecuted { .. } => {
            return Err(vec![Diagnostic {
                code: Code::SpawnFailed,
                summary: "/bin/true could not run to its end under this policy".to_owned(),
                causes: vec![report.outcome.line()],
                remedy: "give more, or use --plan, which runs nothing".to_owned(),
            }]);
        }
    }
    Ok(report.lines.into_iter().map(graded).collect())
}

fn graded(line: ClauseLine) -> Line {
    let weakest = line.evidence.iter().map(|one: &Evidence| one.grade).min();
    Line { binding: line.binding, grade: weakest }
}

fn json<T: Serialize>(value: &T) -> String {
    // Text, numbers and lists, all of which JSON can write.
    format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default())
}

fn render(explained: &Explained, paint: Paint) -> String {
    let mut text = format!("{} {}\n", paint.bold("boundary"), explained.boundary);
    if let Some(about) = explained.about {
        for (name, body) in
            [("reaches", about.reaches), ("shared", about.shared), ("fails", about.fails)]
        {
            text.push_str(&folded(&format!("  {name:<8}"), body));
        }
    }
    for (heading, clauses) in [("clauses", true), ("floor", false)] {
        text.push_str(&format!("\n{}\n", paint.bold(heading)));
        let lines = explained.lines.iter().filter(|line| line.binding.clause.is_some() == clauses);
        text.push_str(&columns(&lines.map(row).collect::<Vec<_>>(), "  "));
    }
    if explained.lines.iter().any(|line| line.grade.is_some()) {
        text.push_str(&format!("\n{}\n", paint.bold("evidence")));
        for (grade, meaning) in GRADES {
            text.push_str(&format!("  {:<9}  {meaning}\n", grade.name()));
        }
    }
    if !explained.shared.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold("stays shared with the host")));
        for one in &explained.shared {
            text.push_str(&folded("  ", &escape(one)));
        }
    }
    text.push_str(&format!("\n{}\n", paint.bold("system calls")));
    let counts = format!("{}; --seccomp lists them", counted(&explained.system_calls));
    text.push_str(&folded("  ", &counts));
    text
}

fn row(line: &Line) -> Vec<String> {
    let binding = &line.binding;
    let mechanisms: Vec<&str> = binding.mechanisms.iter().map(|one| one.0.as_str()).collect();
    let (name, asked) = match binding.clause {
        Some(clause) => (clause.to_string(), escape(&binding.asked)),
        None => (escape(&binding.asked), String::new()),
    };
    let mut detail = vec![escape(&mechanisms.join(", "))];
    detail.extend(binding.accepted.map(|weaker| format!("accepted: {}", weaker.meaning())));
    detail.extend(binding.weak_evidence_reason.as_deref().map(escape));
    detail.retain(|part| !part.is_empty());
    let grade = line.grade.map_or(String::new(), |grade| grade.to_string());
    vec![name, asked, grade, detail.join("; ")]
}

fn counted(counts: &CallCounts) -> String {
    format!(
        "{} lead into the host kernel ({} always, {} by their arguments, {} with a guard for \
         PID 1); {} answer EPERM, {} and all unknown ones ENOSYS",
        counts.open(),
        counts.allow,
        counts.check,
        counts.guard,
        counts.deny,
        counts.absent
    )
}

fn system_calls(as_json: bool, paint: Paint) -> String {
    let (counts, groups) = (seccomp_counts(), seccomp_table());
    if as_json {
        return json(&Calls { version: 1, counts, groups });
    }
    let mut text = folded("", &counted(&counts));
    for group in groups {
        text.push_str(&format!("\n{}\n", paint.bold(group.name)));
        text.push_str(&folded("  ", group.reason));
        let cells = |call: &isobar_engine::CallLine| {
            let parts = [call.rule, call.reason];
            let why: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            vec![call.name.to_owned(), call.verdict.to_owned(), why.join("; ")]
        };
        text.push_str(&columns(&group.calls.iter().map(cells).collect::<Vec<_>>(), "  "));
    }
    text
}
