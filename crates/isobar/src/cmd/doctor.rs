//! `isobar doctor`: what this host can enforce, learned afresh by doing it.
//!
//! Each mechanism is listed with what it is needed for. The verdict on a boundary is not computed
//! from the list: the planner is asked for the plan of the default profile, so that doctor and run
//! cannot disagree.

use isobar_engine::policy::{
    BoundaryKind, CgroupVersion, Controller, Diagnostic, Fact, HostFacts, Layer, Privilege,
    Refusal, escape,
};
use isobar_engine::{Ask, Caller, Engine, Freshness, Need, Stop, controller_need, layer_need};
use serde::Serialize;

use crate::cli::build_id;
use crate::flags::profile_named;
use crate::output::{Output, Paint, columns};

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Only this boundary
    #[arg(long, value_name = "NAME", value_parser = crate::flags::boundary)]
    boundary: Option<BoundaryKind>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Findings {
    version: u32,
    isobar: String,
    build: String,
    boundaries: Vec<Examined>,
}

/// One boundary.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Examined {
    boundary: BoundaryKind,
    default: bool,
    /// Whether a run of the default profile can be planned.
    ready: bool,
    host: Host,
    requirements: Vec<Requirement>,
    refusals: Vec<Refusal>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Host {
    kernel: String,
    machine: String,
    privilege: Privilege,
    landlock_abi: u32,
    swap: bool,
    supplementary_groups: Vec<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Requirement {
    name: String,
    needed_for: String,
    floor: bool,
    met: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept: Option<String>,
}

/// Runs the command: 0 where the default boundary, or the one that was named, is ready, else 1.
///
/// # Errors
/// What kept doctor from finding out.
pub(crate) fn run(args: &Args, output: &Output) -> Result<u8, Vec<Diagnostic>> {
    let engine = Engine::new();
    let kinds: Vec<BoundaryKind> = match args.boundary {
        Some(kind) => vec![kind],
        None => engine.kinds(),
    };
    let default = isobar_engine::default_kind();
    let mut boundaries = Vec::new();
    for kind in kinds {
        boundaries.push(examine(&engine, kind, kind == default).map_err(|error| vec![error])?);
    }
    let decisive = args.boundary.unwrap_or(default);
    let ready = boundaries.iter().any(|one| one.boundary == decisive && one.ready);
    let findings = Findings {
        version: 1,
        isobar: env!("CARGO_PKG_VERSION").to_owned(),
        build: build_id(),
        boundaries,
    };
    let text = if args.json {
        // Text, numbers and lists, all of which JSON can write.
        let json = serde_json::to_string_pretty(&findings).unwrap_or_default();
        format!("{json}\n")
    } else {
        findings.boundaries.iter().map(|one| render(one, output.data_paint())).collect()
    };
    output.data(&text).map_err(|error| vec![error])?;
    Ok(u8::from(!ready))
}

fn examine(engine: &Engine, kind: BoundaryKind, default: bool) -> Result<Examined, Diagnostic> {
    let facts = engine.facts(kind, Freshness::Fresh)?;
    let mut policy = profile_named(None)?;
    policy.boundary = Some(kind);
    let ask = Ask {
        policy,
        argv: vec!["/bin/true".into()],
        code: None,
        cwd: None,
        terminal: false,
        caller: Caller::from_process(),
    };
    let refusals = match engine.prepare(ask) {
        Ok(_) => Vec::new(),
        Err(Stop::Refused(refusals)) => refusals,
        Err(Stop::Failed(diagnostic)) => return Err(diagnostic),
    };
    Ok(Examined {
        boundary: kind,
        default,
        ready: refusals.is_empty(),
        requirements: requirements(&facts),
        host: Host {
            kernel: facts.kernel,
            machine: facts.machine,
            privilege: facts.privilege,
            landlock_abi: facts.landlock_abi,
            swap: facts.swap,
            supplementary_groups: facts.supplementary_groups,
        },
        refusals,
    })
}

/// The list: layers, then control groups.
fn requirements(facts: &HostFacts) -> Vec<Requirement> {
    let relevant = |layer: &Layer| {
        facts.privilege == Privilege::Root || layer_need(*layer) != Need::RootGrants
    };
    let layers = Layer::ALL.into_iter().filter(relevant).map(|layer| {
        let name = if layer == Layer::Landlock {
            format!("{} (ABI {})", layer.name(), facts.landlock_abi)
        } else {
            layer.name().to_owned()
        };
        requirement(name, layer_need(layer), facts.layer(layer))
    });
    let controllers = Controller::ALL.into_iter().map(|controller| {
        let version = facts.cgroups.get(&controller).and_then(|group| group.version);
        let name = match version {
            Some(CgroupVersion::V1) => format!("cgroup v1 {}", controller.name()),
            Some(CgroupVersion::V2) => format!("cgroup v2 {}", controller.name()),
            None => format!("cgroup {}", controller.name()),
        };
        let fact = without_group(facts, controller).unwrap_or(facts.controller(controller));
        requirement(name, controller_need(controller), fact)
    });
    layers.chain(controllers).collect()
}

/// What is said of a control group that is missing and not missed: processes are counted without one.
fn without_group(facts: &HostFacts, controller: Controller) -> Option<Fact> {
    let counted = facts.layer(Layer::ProcessLimit).works();
    match facts.controller(controller) {
        Fact::Missing { why, .. } if controller == Controller::Pids && counted => {
            let remedy = "nothing to do: the user namespace counts processes instead".to_owned();
            Some(Fact::Missing { why, remedy })
        }
        Fact::Missing { .. } | Fact::Works => None,
    }
}

fn requirement(name: String, need: Need, fact: Fact) -> Requirement {
    let (needed_for, accept) = match need {
        Need::Floor => ("every run".to_owned(), None),
        Need::FloorUnless(weaker) => ("every run".to_owned(), Some(weaker.to_string())),
        Need::Clause(clause) => (clause.to_string(), None),
        Need::ClauseUnless(clause, weaker) => (clause.to_string(), Some(weaker.to_string())),
        Need::RootGrants => ("grants, as root".to_owned(), None),
    };
    let floor = matches!(need, Need::Floor | Need::FloorUnless(_));
    let (met, why, remedy) = match fact {
        Fact::Works => (true, None, None),
        Fact::Missing { why, remedy } => (false, Some(why), Some(remedy)),
    };
    let accept = accept.filter(|_| !met);
    Requirement { name, needed_for, floor, met, why, remedy, accept }
}

fn render(one: &Examined, paint: Paint) -> String {
    let who = match one.host.privilege {
        Privilege::Root => "root",
        Privilege::User => "an ordinary user",
    };
    let kernel = escape(&one.host.kernel);
    let mut text = format!(
        "{}{}: {}, Linux {kernel} {}, as {who}\n",
        paint.bold(one.boundary.name()),
        if one.default { " (default)" } else { "" },
        if one.ready { paint.good("ready") } else { paint.bad("not ready") },
        escape(&one.host.machine),
    );
    for (heading, floor) in [("every run needs", true), ("clauses and grants need", false)] {
        text.push_str(&format!("\n  {heading}\n"));
        let lines: Vec<&Requirement> =
            one.requirements.iter().filter(|line| line.floor == floor).collect();
        let rows: Vec<Vec<String>> = lines.iter().map(|line| row(line)).collect();
        for (line, table_row) in lines.iter().zip(columns(&rows, "").lines()) {
            let mark = if line.met { paint.good("yes") } else { paint.bad("no ") };
            text.push_str(&format!("    {mark}  {table_row}\n"));
            text.push_str(&advice(line, paint));
        }
    }
    let groups = &one.host.supplementary_groups;
    if one.host.privilege == Privilege::User && !groups.is_empty() {
        let numbers: Vec<String> = groups.iter().map(u32::to_string).collect();
        text.push_str(&format!(
            "\n  your supplementary groups stay in force inside a sandbox: {}\n",
            numbers.join(", ")
        ));
    }
    for refusal in &one.refusals {
        text.push('\n');
        text.push_str(&Diagnostic::from(refusal).render(paint.colour));
    }
    text
}

/// A line of the list, without its mark.
fn row(line: &Requirement) -> Vec<String> {
    let use_of = if line.floor { String::new() } else { line.needed_for.clone() };
    vec![line.name.clone(), use_of]
}

/// What is below a line that is not met.
fn advice(line: &Requirement, paint: Paint) -> String {
    let accept = line.accept.as_deref().map(|weaker| format!("--accept {weaker}"));
    [("because:", &line.why), ("remedy:", &line.remedy), ("or:", &accept)]
        .into_iter()
        .filter_map(|(name, text)| Some((name, text.as_deref()?)))
        .map(|(name, text)| format!("           {} {}\n", paint.faint(name), escape(text)))
        .collect()
}
