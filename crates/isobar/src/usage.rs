//! What clap says about a command line, in the form that all errors of isobar have.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use isobar_engine::policy::{Code, Diagnostic, escape};

use crate::cli::version;

/// Why there is nothing to do.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Help or version was asked for.
    Help(String),
    /// The command line is wrong.
    Wrong(Diagnostic),
}

impl From<clap::Error> for Stop {
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        let kind = error.kind();
        if kind == ErrorKind::DisplayHelp {
            return Self::Help(text);
        }
        if kind == ErrorKind::DisplayVersion {
            return Self::Help(version());
        }
        Self::Wrong(Diagnostic {
            code: code_of(kind, &error),
            summary: summary_of(kind, &text, &error),
            causes: Vec::new(),
            remedy: remedy_of(&error),
        })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "everything else is wrong usage")]
fn code_of(kind: ErrorKind, error: &clap::Error) -> Code {
    match kind {
        ErrorKind::InvalidValue
        | ErrorKind::ValueValidation
        | ErrorKind::InvalidUtf8
        | ErrorKind::TooManyValues
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::NoEquals => Code::CliBadValue,
        ErrorKind::ArgumentConflict => Code::CliConflict,
        ErrorKind::MissingRequiredArgument if names(error, "<CMD>") => Code::CliNoCommand,
        _ => Code::CliUsage,
    }
}

/// Whether the error is about the argument that help calls `name`.
fn names(error: &clap::Error, name: &str) -> bool {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(all)) => all.iter().any(|one| one.starts_with(name)),
        Some(ContextValue::String(one)) => one.starts_with(name),
        _ => false,
    }
}

/// clap's first paragraph in one line; what stands below is usage, which help shows better.
fn summary_of(kind: ErrorKind, text: &str, error: &clap::Error) -> String {
    if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        || kind == ErrorKind::MissingSubcommand
    {
        return "no command was given".to_owned();
    }
    if kind == ErrorKind::MissingRequiredArgument && names(error, "<CMD>") {
        return "no program was given".to_owned();
    }
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let plain = paragraph.strip_prefix("error: ").unwrap_or(paragraph);
    let words: Vec<&str> = plain.split('\n').map(str::trim).collect();
    escape(words.join(" ").trim_end_matches('.'))
}

fn remedy_of(error: &clap::Error) -> String {
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
        match error.get(kind) {
            Some(ContextValue::String(one)) => return format!("did you mean `{}`?", escape(one)),
            Some(ContextValue::Strings(all)) => {
                if let Some(one) = all.first() {
                    return format!("did you mean `{}`?", escape(one));
                }
            }
            _ => {}
        }
    }
    "see `isobar --help`, or `--help` after the command".to_owned()
}
