//! `isobar attack`: every attempt of the catalogue, each in a fresh sandbox of the named profile.
//!
//! Prints what came of each and which layers hold it: 0 where all were held, 1 where one got out,
//! 125 where one of them says nothing. What cannot be tried here is named and is no failure.

use isobar_attack::{Attempt, CATALOGUE, DOCUMENT, Payload, Runner, Verdict, find};
use isobar_engine::policy::{BoundaryKind, Diagnostic, EXIT_REFUSED, PROFILES};
use isobar_engine::{Engine, default_kind};
use serde::Serialize;

use crate::cli::build_id;
use crate::flags::profile_named;
use crate::output::{Output, Paint, columns};

/// The exit code where something got out.
const EXIT_ESCAPED: u8 = 1;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show the attempts and try none
    #[arg(long)]
    list: bool,
    /// Only this attempt; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = attempt)]
    only: Vec<&'static Attempt>,
    /// The boundary to attack [default: the one that runs have]
    #[arg(long, value_name = "NAME", value_parser = crate::flags::boundary)]
    boundary: Option<BoundaryKind>,
    /// The profile of the sandboxes [default: default]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn attempt(name: &str) -> Result<&'static Attempt, String> {
    find(name).ok_or_else(|| {
        let names: Vec<&str> = CATALOGUE.iter().map(|attempt| attempt.name).collect();
        format!("no attempt has this name; there are {}", names.join(", "))
    })
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Results {
    version: u32,
    isobar: &'static str,
    build: String,
    boundary: BoundaryKind,
    profile: String,
    document: &'static str,
    attempts: Vec<Line>,
}

/// One attempt.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line {
    name: &'static str,
    numbers: &'static [u16],
    tries: &'static str,
    sound: &'static str,
    layers: &'static [isobar_attack::Layer],
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
}

impl Line {
    const fn new(attempt: &Attempt, verdict: Option<Verdict>) -> Self {
        let Attempt { name, numbers, tries, sound, layers, needs, .. } = *attempt;
        Self { name, numbers, tries, sound, layers, needs, verdict }
    }
}

/// Runs the command.
///
/// # Errors
/// What kept it from trying anything.
pub(crate) fn run(args: &Args, output: &Output) -> Result<u8, Vec<Diagnostic>> {
    let one = |error: Diagnostic| vec![error];
    let chosen: Vec<&Attempt> =
        if args.only.is_empty() { CATALOGUE.iter().collect() } else { args.only.clone() };
    let profile = args.profile.as_deref().or(PROFILES.first().copied()).unwrap_or_default();
    let mut policy = profile_named(Some(profile)).map_err(one)?;
    let boundary = args.boundary.or(policy.boundary).unwrap_or_else(default_kind);
    policy.boundary = Some(boundary);
    let attempts = if args.list {
        chosen.into_iter().map(|attempt| Line::new(attempt, None)).collect()
    } else {
        let payload = Payload::find().map_err(|error| one(error.into()))?;
        let engine = Engine::new();
        let runner = Runner::new(&engine, policy, payload);
        chosen.into_iter().map(|attempt| Line::new(attempt, Some(runner.run(attempt)))).collect()
    };
    let results = Results {
        version: 1,
        isobar: env!("CARGO_PKG_VERSION"),
        build: build_id(),
        boundary,
        profile: profile.to_owned(),
        document: DOCUMENT,
        attempts,
    };
    let text = if args.json {
        // Text, numbers and lists, all of which JSON can write.
        format!("{}\n", serde_json::to_string_pretty(&results).unwrap_or_default())
    } else if args.list {
        list(&results)
    } else {
        table(&results, output.data_paint())
    };
    output.data(&text).map_err(one)?;
    Ok(if args.list { 0 } else { exit_code(&results) })
}

impl Results {
    fn count(&self, which: impl Fn(&Verdict) -> bool) -> usize {
        self.attempts.iter().flat_map(|line| &line.verdict).filter(|verdict| which(verdict)).count()
    }

    fn held(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Held { .. }))
    }

    fn escaped(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Escaped { .. }))
    }

    fn errors(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::Error { .. }))
    }

    fn not_run(&self) -> usize {
        self.count(|verdict| matches!(verdict, Verdict::NotRun { .. }))
    }
}

fn exit_code(results: &Results) -> u8 {
    if results.escaped() > 0 {
        EXIT_ESCAPED
    } else if results.errors() > 0 {
        EXIT_REFUSED
    } else {
        0
    }
}

fn list(results: &Results) -> String {
    let row = |line: &Line| {
        let numbers: Vec<String> = line.numbers.iter().map(u16::to_string).collect();
        let layers: Vec<&str> = line.layers.iter().map(|layer| layer.name()).collect();
        let needs = line.needs.map(|needs| format!("; needs {needs}")).unwrap_or_default();
        let text = format!("{} (held by: {}{needs})", line.tries, layers.join(", "));
        vec![line.name.to_owned(), numbers.join(" "), text]
    };
    let rows: Vec<Vec<String>> = results.attempts.iter().map(row).collect();
    columns(&rows, "")
}

fn table(results: &Results, paint: Paint) -> String {
    let Results { boundary, profile, document, .. } = results;
    let mut text = format!("attacks on {}, profile {profile}\n\n", paint.bold(boundary.name()));
    let detail = |line: &Line| line.verdict.as_ref().map_or("", Verdict::detail).to_owned();
    let rows: Vec<Vec<String>> = results
        .attempts
        .iter()
        .map(|line| vec![word(line.verdict.as_ref()), line.name.to_owned(), detail(line)])
        .collect();
    text.push_str(&painted(&columns(&rows, "  "), results, paint));
    text.push_str(&format!(
        "\n  {} held, {} escaped, {} not run, {} without a verdict\n",
        results.held(),
        results.escaped(),
        results.not_run(),
        results.errors(),
    ));
    text.push_str(&format!("  {}\n", paint.faint(&format!("what each one tries: {document}"))));
    text
}

fn word(verdict: Option<&Verdict>) -> String {
    verdict.map_or("", Verdict::word).to_owned()
}

/// Colours the first word of each row. Widths were measured before: colour has none.
fn painted(text: &str, results: &Results, paint: Paint) -> String {
    let mut verdicts = results.attempts.iter().map(|line| line.verdict.as_ref());
    let mut painted = String::new();
    for line in text.split_inclusive('\n') {
        // What is folded starts further right.
        let starts_row = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
        let verdict = starts_row.and_then(|_| verdicts.next().flatten());
        let word = word(verdict);
        match starts_row.and_then(|rest| rest.strip_prefix(word.as_str())) {
            Some(rest) => {
                let shown = match verdict {
                    Some(Verdict::Held { .. }) => paint.good(&word),
                    Some(Verdict::Escaped { .. } | Verdict::Error { .. }) => paint.bad(&word),
                    Some(Verdict::NotRun { .. }) | None => paint.faint(&word),
                };
                painted.push_str(&format!("  {shown}{rest}"));
            }
            None => painted.push_str(line),
        }
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(verdicts: &[Verdict]) -> Results {
        let lines = CATALOGUE.iter().zip(verdicts);
        Results {
            version: 1,
            isobar: "0",
            build: String::new(),
            boundary: default_kind(),
            profile: "default".to_owned(),
            document: DOCUMENT,
            attempts: lines.map(|(one, verdict)| Line::new(one, Some(verdict.clone()))).collect(),
        }
    }

    fn held() -> Verdict {
        Verdict::Held { by: "EPERM ".repeat(30) }
    }

    fn escaped() -> Verdict {
        Verdict::Escaped { how: "x".to_owned() }
    }

    fn error() -> Verdict {
        Verdict::Error { why: "x".to_owned() }
    }

    #[test]
    fn an_escape_wins_over_a_failure_and_what_cannot_run_is_no_failure() {
        let missing = Verdict::NotRun { why: "x".to_owned() };
        assert_eq!(exit_code(&results(&[held(), missing])), 0, "all that ran was held");
        assert_eq!(exit_code(&results(&[held(), error()])), EXIT_REFUSED, "one says nothing");
        assert_eq!(exit_code(&results(&[error(), escaped(), held()])), EXIT_ESCAPED, "one got out");
    }

    #[test]
    fn colour_changes_no_width_and_stands_on_the_verdicts() {
        let results = results(&[held(), escaped(), error()]);
        let bare = table(&results, Paint { colour: false });
        let coloured = table(&results, Paint { colour: true });
        assert!(coloured.contains("  \x1b[32mheld\x1b[0m     old-root"), "{coloured:?}");
        assert!(coloured.contains("  \x1b[31mESCAPED\x1b[0m  mount"), "{coloured:?}");
        let stripped = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m"]
            .iter()
            .fold(coloured, |text, sequence| text.replace(sequence, ""));
        assert_eq!(stripped, bare, "and nothing else differs");
    }
}
