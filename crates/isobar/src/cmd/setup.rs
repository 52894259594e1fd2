//! `isobar setup`: what a host needs once. Says it, does it with `--apply`, takes it back with
//! `--undo`.
//!
//! Without either nothing is changed. Each act is printed before it is done, and the first that
//! fails ends the command: what was done before stands in the output.

use std::path::PathBuf;

use isobar_engine::policy::Diagnostic;
use serde::Serialize;

use crate::output::Output;
use crate::setup::{Action, Root, STEPS, SetupError, State, Step, steps};

const EXAMPLES: &str = "\
Examples:
  isobar setup                      what this host needs, and what would be done
  sudo isobar setup --apply         do all that is needed
  sudo isobar setup --undo          take back all that was done
  isobar setup --root IMAGE --apply userns";

/// The command's arguments.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct Args {
    /// Do what is needed
    #[arg(long)]
    apply: bool,
    /// Take back what was done
    #[arg(long, conflicts_with = "apply")]
    undo: bool,
    /// Print what is needed as JSON
    #[arg(long, conflicts_with_all = ["apply", "undo"])]
    json: bool,
    /// Set up the host below a directory, such as an image that is built; nothing is run there
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Only these steps, needed or not: apparmor, userns, delegation
    #[arg(value_name = "STEP")]
    steps: Vec<String>,
}

/// A step as `--json` prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Shown<'a> {
    name: &'static str,
    about: &'static str,
    state: &'static str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    caution: Option<&'static str>,
    apply: Vec<String>,
    undo: Vec<String>,
}

/// Runs the command: 0 where nothing is needed or all was done, else 1.
///
/// # Errors
/// What could not be read, written or run.
pub(crate) fn run(args: &Args, output: &Output) -> Result<u8, Vec<Diagnostic>> {
    carried_out(args, output).map_err(|failed| match failed {
        Failed::Step(error) => vec![error.into()],
        Failed::Told(diagnostic) => vec![diagnostic],
    })
}

/// Why the command ended early.
enum Failed {
    Step(SetupError),
    Told(Diagnostic),
}

impl From<SetupError> for Failed {
    fn from(error: SetupError) -> Self {
        Self::Step(error)
    }
}

impl From<Diagnostic> for Failed {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Told(diagnostic)
    }
}

fn carried_out(args: &Args, output: &Output) -> Result<u8, Failed> {
    if let Some(name) = args.steps.iter().find(|name| !STEPS.contains(&name.as_str())) {
        return Err(SetupError::Unknown { name: name.clone() }.into());
    }
    let root = Root::open(args.root.as_deref())?;
    let all = steps(&root)?;
    let named =
        |step: &&Step| args.steps.is_empty() || args.steps.iter().any(|one| one == step.name);
    let chosen: Vec<&Step> = all.iter().filter(named).collect();
    if args.apply || args.undo {
        let mut done = false;
        for step in &chosen {
            let due = matches!(step.state, State::Needed(_)) || !args.steps.is_empty();
            let actions = match (args.undo, due) {
                (true, _) => &step.undo,
                (false, true) => &step.apply,
                (false, false) => continue,
            };
            done |= !actions.is_empty();
            perform(step, actions, &root, output)?;
        }
        if !done {
            output.data(if args.undo { "nothing was done\n" } else { "nothing is needed\n" })?;
        }
        return Ok(0);
    }
    let needed = chosen.iter().any(|step| matches!(step.state, State::Needed(_)));
    if args.json {
        let shown: Vec<Shown<'_>> = chosen.iter().map(|step| shown(step)).collect();
        // Text and lists, all of which JSON can write.
        let json = serde_json::to_string_pretty(&shown).unwrap_or_default();
        output.data(&format!("{json}\n"))?;
    } else {
        for step in &chosen {
            output.data(&told(step, output))?;
        }
        output.data(if needed {
            "\nnothing was changed; `isobar setup --apply`, as root, does what is needed\n"
        } else {
            "\nnothing is needed\n"
        })?;
    }
    Ok(u8::from(needed))
}

/// Does one act after the other, each after it was said.
fn perform(step: &Step, actions: &[Action], root: &Root, output: &Output) -> Result<(), Failed> {
    for action in actions {
        let line = action.line();
        if action.needs_running() && !root.is_running() {
            output
                .data(&format!("{}: left out on a host that does not run: {line}\n", step.name))?;
            continue;
        }
        output.data(&format!("{}: {line}\n", step.name))?;
        action.perform(root)?;
    }
    Ok(())
}

const fn state_of(step: &Step) -> (&'static str, &str) {
    match &step.state {
        State::NotNeeded(reason) => ("not-needed", reason),
        State::Needed(reason) => ("needed", reason.as_str()),
        State::Done => ("done", ""),
    }
}

fn shown(step: &Step) -> Shown<'_> {
    let lines = |actions: &[Action]| actions.iter().map(Action::line).collect();
    let (state, reason) = state_of(step);
    Shown {
        name: step.name,
        about: step.about,
        state,
        reason,
        caution: step.caution,
        apply: lines(&step.apply),
        undo: lines(&step.undo),
    }
}

/// A step for a person; what would be written is shown whole.
fn told(step: &Step, output: &Output) -> String {
    let paint = output.data_paint();
    let (state, reason) = state_of(step);
    let mark = match &step.state {
        State::Needed(_) => paint.bad("needed"),
        State::Done => paint.good("done"),
        State::NotNeeded(_) => paint.good("not needed"),
    };
    let mut text = format!("{}: {mark}", paint.bold(step.name));
    if !reason.is_empty() {
        text.push_str(&format!(": {reason}"));
    }
    text.push_str(&format!("\n  to {}\n", step.about));
    if state != "needed" {
        return text;
    }
    if let Some(caution) = step.caution {
        text.push_str(&format!("  note: {caution}\n"));
    }
    for action in &step.apply {
        text.push_str(&format!("  would {}\n", action.line()));
        for line in action.text().unwrap_or_default().lines() {
            text.push_str(&format!("    {}\n", paint.faint(line)));
        }
    }
    text
}
