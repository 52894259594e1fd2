//! `cargo xtask bench`: figures against peers on the same machine, in the same run.
//!
//! Reports and never judges: a noisy machine must not fail a build. Runs of isobar, of the peer and
//! of the bare program are interleaved, so that all three meet the same noise. The peer comes from
//! the distribution's package, unpacked into the target directory and never installed.

mod rival;
mod sample;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::build::{self, Flavour};
use crate::test::{copy, open_to_everybody, ordinary};
use crate::{peers, process, workspace};
use sample::{Figures, Subject as Sampled};

/// What is measured.
#[derive(clap::Subcommand)]
pub(crate) enum Subject {
    /// `isobar run -- true` beside bwrap with equal mounts.
    Namespace,
}

/// Runs of each program in each situation.
const RUNS: usize = 60;

/// The gap before each run in the second pass: caches and the processor have gone cold by then.
const IDLE: Duration = Duration::from_millis(100);

/// One situation and what was measured in it.
#[derive(Serialize)]
struct Row {
    who: &'static str,
    idle_ms: u128,
    bare: Figures,
    isobar: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    bwrap: Option<Figures>,
    /// Median of bwrap by median of isobar: above 1, isobar starts quicker.
    #[serde(skip_serializing_if = "Option::is_none")]
    bwrap_by_isobar: Option<f64>,
}

#[derive(Serialize)]
struct Record {
    runs: usize,
    isobar_command: String,
    bwrap_command: String,
    rows: Vec<Row>,
}

pub(crate) fn run(subject: &Subject) -> Result<ExitCode> {
    match subject {
        Subject::Namespace => namespace()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn namespace() -> Result<()> {
    let target = workspace::target_dir()?;
    let bwrap = peers::BWRAP.fetched(&target.join("peers"));
    // A directory that an ordinary user can read, wherever the checkout is.
    let dir = tempfile::Builder::new().prefix("isobar-bench-").tempdir_in("/var/tmp")?;
    let dist = dir.path().join("bin");
    copy(&build::build(Flavour::Release)?, &dist)?;
    let bwrap = match bwrap {
        Ok(program) => {
            copy(&program, &dist.join("bwrap"))?;
            Some(rival::bwrap(&dist.join("bwrap")))
        }
        Err(reason) => {
            println!("bwrap is skipped: {reason:#}");
            None
        }
    };
    open_to_everybody(dir.path())?;
    let programs = Programs { bare: vec!["/bin/true".into()], isobar: isobar(&dist), bwrap };
    let record = measure(&programs)?;
    print(&record);
    write(&record, &target)
}

/// The command lines that are measured.
struct Programs {
    bare: Vec<PathBuf>,
    isobar: Vec<PathBuf>,
    bwrap: Option<Vec<PathBuf>>,
}

fn isobar(dist: &Path) -> Vec<PathBuf> {
    let words = ["run", "--quiet", "--", "true"].map(PathBuf::from);
    [dist.join("isobar")].into_iter().chain(words).collect()
}

/// Measures every situation: as whoever called and for root as an ordinary user, busy and idle.
fn measure(programs: &Programs) -> Result<Record> {
    let callers = if workspace::is_root() {
        vec![("root", None), ("user", Some(ordinary::free_uid()?))]
    } else {
        vec![("user", None)]
    };
    let mut rows = Vec::new();
    for (who, uid) in callers {
        for idle in [Duration::ZERO, IDLE] {
            let mut bare = Sampled::new(&programs.bare, uid);
            let mut isobar = Sampled::new(&programs.isobar, uid);
            let mut bwrap = programs.bwrap.as_ref().map(|words| Sampled::new(words, uid));
            for _ in 0..RUNS {
                bare.run_once(idle)?;
                isobar.run_once(idle)?;
                if let Some(bwrap) = &mut bwrap {
                    bwrap.run_once(idle)?;
                }
            }
            let (isobar, bwrap) = (isobar.figures(), bwrap.map(|bwrap| bwrap.figures()));
            let ratio =
                bwrap.as_ref().map(|bwrap| sample::round(bwrap.median_ms / isobar.median_ms));
            rows.push(Row {
                who,
                idle_ms: idle.as_millis(),
                bare: bare.figures(),
                isobar,
                bwrap,
                bwrap_by_isobar: ratio,
            });
        }
    }
    Ok(Record {
        runs: RUNS,
        isobar_command: line(&programs.isobar),
        bwrap_command: programs.bwrap.as_deref().map_or_else(String::new, line),
        rows,
    })
}

/// A command line without the directory of the program, which is a passing one.
fn line(words: &[PathBuf]) -> String {
    let (program, arguments) = words.split_first().map_or((None, words), |(p, a)| (Some(p), a));
    let name = program.and_then(|program| program.file_name()).unwrap_or_default();
    process::line_of(process::command(name).args(arguments))
}

fn print(record: &Record) {
    println!(
        "\n{}\n{}\n{} runs each, milliseconds:\n",
        record.isobar_command, record.bwrap_command, record.runs
    );
    println!(
        "{:<6} {:>5}  {:>14} {:>14} {:>14} {:>14}",
        "who", "idle", "bare", "isobar", "bwrap", "bwrap/isobar"
    );
    for row in &record.rows {
        let bwrap = row.bwrap.as_ref().map_or_else(|| "-".to_owned(), Figures::to_string);
        let ratio =
            row.bwrap_by_isobar.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        println!(
            "{:<6} {:>5}  {:>14} {:>14} {bwrap:>14} {ratio:>14}",
            row.who,
            row.idle_ms,
            row.bare.to_string(),
            row.isobar.to_string()
        );
    }
    println!("(median / p90)");
}

fn write(record: &Record, target: &Path) -> Result<()> {
    let dir = target.join("bench");
    std::fs::create_dir_all(&dir)?;
    let file = dir.join("namespace.json");
    std::fs::write(&file, serde_json::to_string_pretty(record)? + "\n")
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("figures in {}", file.display());
    Ok(())
}
