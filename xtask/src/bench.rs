//! `cargo xtask bench`: figures against peers on the same machine, in the same run.
//!
//! Reports and never judges: a noisy machine must not fail a build. Runs of isobar, of the peers and
//! of the bare program are interleaved, so that all meet the same noise. Peers come from their
//! packages, unpacked into the target directory and never installed (`peers.rs`).

mod bundle;
mod chart;
mod crowd;
mod phases;
mod record;
mod resident;
mod rival;
mod sample;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::build::{self, Flavour};
use crate::test::{copy, open_to_everybody, ordinary};
use crate::{peers, workspace};
use record::{Record, Row};
use rival::Rival;
use sample::Subject as Sampled;

/// What is measured.
#[derive(clap::Subcommand)]
pub(crate) enum Subject {
    /// `isobar run -- true` beside bwrap, nsjail, crun and runc, one by one and as a crowd.
    Namespace(Options),
}

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Runs of each program in each situation
    #[arg(long, default_value_t = 60)]
    runs: usize,
    /// Keep the figures and the chart in docs/bench
    #[arg(long)]
    record: bool,
    /// Only isobar, bwrap and the bare program, one by one
    #[arg(long)]
    brief: bool,
}

/// The gap before each run in the second pass: caches and the processor have gone cold by then.
const IDLE: Duration = Duration::from_millis(100);

/// How many at once, and how many one after the other.
const CROWD: usize = 200;
const SEQUENCE: usize = 1000;

pub(crate) fn run(subject: &Subject) -> Result<ExitCode> {
    match subject {
        Subject::Namespace(options) => namespace(options)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn namespace(options: &Options) -> Result<()> {
    let target = workspace::target_dir()?;
    // A directory that an ordinary user can read, wherever the checkout is.
    let dir = tempfile::Builder::new().prefix("isobar-bench-").tempdir_in("/var/tmp")?;
    let dist = dir.path().join("bin");
    copy(&build::build(Flavour::Release)?, &dist)?;
    let fetched = fetched(options.brief, &target.join("peers"), dir.path());
    open_to_everybody(dir.path())?;
    let mut record = Record::new(options.runs);
    for who in who()? {
        let rivals = rival::all(&who, &dist, &fetched, dir.path())?;
        one_by_one(options.runs, &who, &rivals, &mut record)?;
        if !options.brief {
            crowd::measure(CROWD, SEQUENCE, &who, &rivals, &mut record)?;
        }
        let ours = rivals.iter().find(|rival| rival.name == "isobar");
        let ours = ours.context("isobar is measured")?;
        record.phases.extend(phases::of(ours, &who, dir.path(), options.runs.min(30))?);
        record.resident.extend(resident::of(&dist, &who, dir.path())?);
    }
    record.print();
    record.write(&target.join("bench"))?;
    if options.record {
        record.write(&workspace::root().join("docs/bench"))?;
    }
    Ok(())
}

/// Who is measured.
pub(crate) struct Who {
    pub(crate) name: &'static str,
    /// The user to become, where it is not whoever called.
    pub(crate) uid: Option<u32>,
}

/// Whoever called, and for root an ordinary user.
fn who() -> Result<Vec<Who>> {
    if !workspace::is_root() {
        return Ok(vec![Who { name: "user", uid: None }]);
    }
    let user = Who { name: "user", uid: Some(ordinary::free_uid()?) };
    Ok(vec![Who { name: "root", uid: None }, user])
}

/// The peers that could be had, copied to where everybody can read them.
fn fetched(brief: bool, from: &Path, to: &Path) -> Vec<(&'static str, PathBuf)> {
    let wanted: &[peers::Peer] = if brief {
        &[peers::BWRAP]
    } else {
        &[peers::BWRAP, peers::NSJAIL, peers::CRUN, peers::RUNC]
    };
    let mut fetched = Vec::new();
    for peer in wanted {
        let copied = peer.fetched(from).and_then(|program| {
            let inside = program.strip_prefix(from).context("peers lie together")?.to_owned();
            copy(&from.join(peer.name), &to.join(peer.name))?;
            Ok(to.join(inside))
        });
        match copied {
            Ok(program) => fetched.push((peer.name, program)),
            Err(reason) => println!("{} is left out: {reason:#}", peer.name),
        }
    }
    fetched
}

/// Every rival, interleaved, back to back and after a gap. One that fails at its first run is
/// left out of this and of what follows, and its words are printed.
fn one_by_one(runs: usize, who: &Who, rivals: &[Rival], record: &mut Record) -> Result<()> {
    for idle in [Duration::ZERO, IDLE] {
        let mut sampled: Vec<(&Rival, Sampled)> = Vec::new();
        for rival in rivals {
            let mut subject = Sampled::new(rival, who.uid);
            match subject.run_once(Duration::ZERO) {
                Ok(()) => sampled.push((rival, Sampled::new(rival, who.uid))),
                Err(reason) if rival.is_ours => return Err(reason),
                Err(reason) => println!("{}: {} is left out: {reason:#}", who.name, rival.name),
            }
        }
        for _ in 0..runs {
            for (_, subject) in &mut sampled {
                subject.run_once(idle)?;
            }
        }
        for (rival, subject) in sampled {
            record.rows.push(Row::new(who.name, idle, rival, subject.figures()));
        }
    }
    Ok(())
}
