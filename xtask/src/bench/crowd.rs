//! Many at once, and many one after the other: throughput, and that none fails.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Who;
use super::record::{Crowd, Record};
use super::rival::Rival;
use super::sample::{self, Figures};

/// Rounds of the crowd, interleaved; the median counts.
const ROUNDS: usize = 5;

/// Those that are measured as a crowd: the others are an order of magnitude behind.
const MEASURED: [&str; 2] = ["isobar", "bwrap"];

/// `many` at once in some rounds, then isobar `long` times in sequence.
pub(crate) fn measure(
    many: usize,
    long: usize,
    who: &Who,
    rivals: &[Rival],
    record: &mut Record,
) -> Result<()> {
    let measured: Vec<&Rival> = rivals.iter().filter(|one| MEASURED.contains(&one.name)).collect();
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); measured.len()];
    let mut failed = vec![0; measured.len()];
    for _ in 0..ROUNDS {
        for ((rival, times), failed) in measured.iter().zip(&mut times).zip(&mut failed) {
            let start = Instant::now();
            *failed += at_once(rival, many, who)?;
            times.push(start.elapsed());
        }
    }
    for ((rival, times), failed) in measured.iter().zip(times).zip(failed) {
        let round = Figures::of(times);
        record.crowds.push(Crowd::new(who.name, rival.name, many, round.median_ms, failed));
    }
    let ours = rivals.iter().find(|one| one.name == "isobar").context("isobar is measured")?;
    let start = Instant::now();
    let mut failed = 0;
    for number in 0..long {
        let status = sample::command(&ours.words_of(number), who.uid)?.status()?;
        failed += usize::from(!status.success());
    }
    let took = start.elapsed().as_secs_f64() * 1000.0;
    record.sequences.push(Crowd::new(who.name, ours.name, long, took, failed));
    Ok(())
}

/// Starts all, then waits for all; returns how many failed.
fn at_once(rival: &Rival, many: usize, who: &Who) -> Result<usize> {
    let children: Vec<_> = (0..many)
        .map(|number| Ok(sample::command(&rival.words_of(number), who.uid)?.spawn()?))
        .collect::<Result<_>>()?;
    let mut failed = 0;
    for mut child in children {
        failed += usize::from(!child.wait()?.success());
    }
    Ok(failed)
}
