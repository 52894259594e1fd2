//! `isobar run`: one program, one fresh sandbox, nothing left.
//!
//! Flags → policy → the engine prepares → the engine runs → report, status lines, one line for a
//! person, exit code. Whatever goes wrong on the way, the status descriptor gets its `ended` line.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use isobar_engine::policy::{Code, Diagnostic, End, Outcome, Report, exit_code};
use isobar_engine::{Ask, Caller, Engine, Io, Signals};
use rustix::process::geteuid;

use crate::flags::PolicyFlags;
use crate::output::Output;
use crate::report_file::ReportSink;
use crate::sink::GuestStreams;
use crate::status_fd::StatusFd;
use crate::terminal::Passage;
use crate::{hint, lang};

const EXAMPLES: &str = "\
Examples:
  isobar run -- python3 generated.py
  isobar run --workspace . --timeout 60s -- pytest
  isobar run --ro ~/data:/data --memory 1G --report report.json -- ./solve /data
  isobar run --lang bash -c 'echo \"$1\"' -- hello";

const USAGE: &str = "isobar run [OPTIONS] [--] CMD [ARGS]...
       isobar run [OPTIONS] --lang NAME -c CODE [-- ARGS...]";

/// The command's arguments.
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES, override_usage = USAGE)]
pub(crate) struct Args {
    #[command(flatten)]
    policy: PolicyFlags,
    /// The guest's working directory, as the guest sees it
    #[arg(long, value_name = "DIR", help_heading = "Files")]
    cwd: Option<String>,
    /// Run a source text: python, bash, js
    #[arg(long, value_name = "NAME", requires = "code", help_heading = "Program")]
    lang: Option<String>,
    /// The source text
    #[arg(short = 'c', value_name = "CODE", requires = "lang", help_heading = "Program")]
    code: Option<OsString>,
    /// Write the report: JSON to a file, or `-` for a table
    #[arg(long, value_name = "FILE|-", help_heading = "Output")]
    report: Option<PathBuf>,
    /// Write how it went as JSON lines to an open descriptor
    #[arg(long, value_name = "N", help_heading = "Output")]
    status_fd: Option<u32>,
    /// Say nothing; exit code, report and status descriptor tell
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
    /// Give the guest a terminal of its own, for shells and editors
    #[arg(long = "tty", short = 't', help_heading = "Output")]
    terminal: bool,
    /// Let the guest's output drive the terminal
    #[arg(long, help_heading = "Output")]
    raw: bool,
    /// The program and its arguments
    #[arg(
        value_name = "CMD",
        trailing_var_arg = true,
        required_unless_present = "code",
        hide = true
    )]
    command: Vec<OsString>,
}

/// Runs the command and returns the exit code.
pub(crate) fn run(args: &Args, output: Output) -> u8 {
    let output = output.quieted(args.quiet);
    let status = match StatusFd::open(args.status_fd) {
        Ok(status) => status,
        Err(error) => return told(&output, &[error.into()]),
    };
    let Done { report, sink, vanishing } = match attempt(args, &status) {
        Ok(done) => done,
        Err(errors) => {
            let code = told(&output, &errors);
            if let Some(diagnostic) = errors.into_iter().next() {
                // The run has failed already; a status descriptor that fails too changes nothing.
                status.ended(code, &Outcome::only(End::Failed { diagnostic })).ok();
            }
            return code;
        }
    };
    let code = conclude(&report, &sink, &status, &output);
    let ran = matches!(
        report.outcome.end,
        End::Exited { .. } | End::Signalled { .. } | End::Killed { .. }
    );
    if let (true, Some(text)) = (ran, vanishing) {
        output.note(&format!("{}\n", output.note_paint().faint(&text)));
    }
    code
}

/// What came of an attempt.
struct Done {
    report: Report,
    sink: ReportSink,
    /// See [`hint::vanishing`].
    vanishing: Option<String>,
}

/// Everything up to the report. An error here means that nothing was started.
fn attempt(args: &Args, status: &StatusFd) -> Result<Done, Vec<Diagnostic>> {
    let policy = args.policy.merged(None)?;
    if args.terminal && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(vec![no_terminal()]);
    }
    let sink = ReportSink::open(args.report.as_deref()).map_err(|error| vec![error.into()])?;
    let inline = match (&args.lang, &args.code) {
        (Some(name), Some(code)) => Some(lang::inline(name, code.clone()).map_err(|e| vec![e])?),
        _ => None,
    };
    let argv = match &inline {
        Some(inline) => lang::argv(inline, &args.command),
        None => args.command.clone(),
    };
    let ask = Ask {
        policy: policy.clone(),
        argv: argv.clone(),
        code: inline,
        cwd: args.cwd.clone(),
        terminal: args.terminal,
        caller: Caller::from_process(),
    };
    let engine = Engine::new();
    let prepared = match engine.prepare(ask) {
        Ok(prepared) => prepared,
        Err(stop) => {
            return Ok(Done { report: stop.into_report(policy, &argv), sink, vanishing: None });
        }
    };
    let vanishing = hint::vanishing(prepared.request(), geteuid().is_root());
    status.started(prepared.plan().boundary).map_err(|error| vec![error.into()])?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let guest = GuestStreams::new(&stdout, &stderr, passage(args));
    let streams = Io { stdin: Some(stdin.as_fd()), stdout: guest.stdout(), stderr: guest.stderr() };
    let report = engine.run(prepared, streams, Signals::Forward);
    guest.finish();
    Ok(Done { report, sink, vanishing })
}

/// What of the guest's bytes reaches a terminal.
const fn passage(args: &Args) -> Passage {
    match (args.raw, args.terminal) {
        (true, _) => Passage::Raw,
        (false, true) => Passage::Screen,
        (false, false) => Passage::Text,
    }
}

fn no_terminal() -> Diagnostic {
    let name = if io::stdin().is_terminal() { "output" } else { "input" };
    Diagnostic {
        code: Code::CliNoTerminal,
        summary: format!("-t was given, and standard {name} is no terminal"),
        causes: Vec::new(),
        remedy: "call isobar from a terminal, or leave -t out".to_owned(),
    }
}

/// Hands out what came of it.
fn conclude(report: &Report, sink: &ReportSink, status: &StatusFd, output: &Output) -> u8 {
    let mut code = exit_code(&report.outcome);
    if sink.is_table() {
        output.asked(&report.render(output.report_style()));
    }
    say(report, output, sink.is_table());
    let mut late: Vec<Diagnostic> = Vec::new();
    if let Err(error) = sink.write(report) {
        late.push(error.into());
    }
    if !late.is_empty() {
        code = Code::RunReport.exit_code();
    }
    if let Err(error) = status.ended(code, &report.outcome) {
        late.push(error.into());
        code = Code::RunStatusFd.exit_code();
    }
    output.errors(&late);
    code
}

/// Tells a person how it ended, if there is anything to tell.
fn say(report: &Report, output: &Output, table: bool) {
    match &report.outcome.end {
        End::Refused { refusals } => {
            output.errors(&refusals.iter().map(Diagnostic::from).collect::<Vec<_>>());
        }
        End::Failed { diagnostic } => output.errors(std::slice::from_ref(diagnostic)),
        End::Exited { .. }
        | End::Signalled { .. }
        | End::Killed { .. }
        | End::NotExecuted { .. }
            if !hint::is_notable(&report.outcome) => {}
        End::Exited { .. }
        | End::Signalled { .. }
        | End::Killed { .. }
        | End::NotExecuted { .. } => {
            let mut text = String::new();
            if !table {
                text.push_str(&format!("{}\n", report.outcome.line()));
            }
            for line in hint::lines(report) {
                text.push_str(&format!("  {}\n", output.note_paint().faint(&line)));
            }
            output.note(&text);
        }
    }
}

fn told(output: &Output, errors: &[Diagnostic]) -> u8 {
    output.errors(errors);
    errors.first().map_or(125, |first| first.code.exit_code())
}
