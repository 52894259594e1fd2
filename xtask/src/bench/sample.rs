//! One program that is started again and again, and the times that it took.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::rival::Rival;
use crate::process;

/// A program under measurement.
pub(crate) struct Subject<'a> {
    rival: &'a Rival,
    uid: Option<u32>,
    times: Vec<Duration>,
}

/// Median, ninetieth percentile and least in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Figures {
    pub(crate) median_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) least_ms: f64,
}

/// A command of these words as `uid`, with nothing to read and nobody who reads.
pub(crate) fn command(words: &[OsString], uid: Option<u32>) -> Result<Command> {
    let (program, arguments) = words.split_first().context("empty command")?;
    let mut command = process::command(program);
    command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    if let Some(uid) = uid {
        // std also clears the supplementary groups when root changes the uid.
        command.uid(uid).gid(uid).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/");
    }
    Ok(command)
}

impl<'a> Subject<'a> {
    pub(crate) const fn new(rival: &'a Rival, uid: Option<u32>) -> Self {
        Self { rival, uid, times: Vec::new() }
    }

    /// Runs the program once after a gap. The time is from before the fork until it is reaped.
    pub(crate) fn run_once(&mut self, idle: Duration) -> Result<()> {
        let words = self.rival.words_of(self.times.len());
        let mut command = command(&words, self.uid)?;
        std::thread::sleep(idle);
        let start = Instant::now();
        let status = command.status().context("cannot start")?;
        let took = start.elapsed();
        if !status.success() {
            bail!("{status}: {}", process::line_of(&command));
        }
        self.times.push(took);
        Ok(())
    }

    pub(crate) fn figures(self) -> Figures {
        Figures::of(self.times)
    }
}

impl Figures {
    /// The figures of some times.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |tenths: usize| {
            let index = (times.len() * tenths / 10).min(times.len().saturating_sub(1));
            let time = times.get(index).copied().unwrap_or_default();
            round(time.as_secs_f64() * 1000.0)
        };
        Self { median_ms: at(5), p90_ms: at(9), least_ms: at(0) }
    }
}

/// To three digits after the point: the clock gives no more.
pub(crate) fn round(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} / {:.2}", self.median_ms, self.p90_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_p90_are_of_the_sorted_times() {
        let times = [9, 1, 8, 2, 7, 3, 6, 4, 5, 100].map(Duration::from_millis).to_vec();
        let figures = Figures::of(times);
        assert_eq!(figures.to_string(), "6.00 / 100.00");
        assert!((figures.least_ms - 1.0).abs() < f64::EPSILON, "the least is the first");
    }

    #[test]
    fn a_program_that_fails_is_not_a_figure() {
        let rival = Rival {
            name: "false",
            words: vec!["/bin/false".into()],
            is_ours: true,
            numbered: false,
        };
        let mut subject = Subject::new(&rival, None);
        assert!(subject.run_once(Duration::ZERO).is_err(), "a quick failure is no quick start");
    }
}
