//! What was measured: printed for a person, written as JSON and as a chart.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use super::chart;
use super::rival::Rival;
use super::sample::{self, Figures};
use crate::process;

/// Everything that one run of the benchmark measured.
#[derive(Serialize)]
pub(crate) struct Record {
    date: String,
    kernel: String,
    runs: usize,
    pub(crate) rows: Vec<Row>,
    pub(crate) crowds: Vec<Crowd>,
    pub(crate) sequences: Vec<Crowd>,
    pub(crate) phases: Vec<PhaseRow>,
    pub(crate) resident: Vec<Resident>,
}

/// One program in one situation.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) who: &'static str,
    pub(crate) idle_ms: u128,
    pub(crate) name: &'static str,
    pub(crate) figures: Figures,
    command: String,
}

/// Many runs of one program, at once or in sequence.
#[derive(Serialize)]
pub(crate) struct Crowd {
    who: &'static str,
    name: &'static str,
    count: usize,
    took_ms: f64,
    per_second: f64,
    failed: usize,
}

/// One phase of isobar's own.
#[derive(Serialize)]
pub(crate) struct PhaseRow {
    pub(crate) who: &'static str,
    pub(crate) name: String,
    pub(crate) median_us: f64,
}

/// The memory of one process of isobar's.
#[derive(Serialize)]
pub(crate) struct Resident {
    pub(crate) who: &'static str,
    pub(crate) process: String,
    pub(crate) kib: u64,
}

impl Row {
    pub(crate) fn new(who: &'static str, idle: Duration, rival: &Rival, figures: Figures) -> Self {
        let command = rival.line();
        Self { who, idle_ms: idle.as_millis(), name: rival.name, figures, command }
    }
}

impl Crowd {
    pub(crate) fn new(
        who: &'static str,
        name: &'static str,
        count: usize,
        took_ms: f64,
        failed: usize,
    ) -> Self {
        // A few hundred runs: far below what a float counts exactly.
        let number = u32::try_from(count).map_or(f64::MAX, f64::from);
        let per_second = sample::round(number * 1000.0 / took_ms);
        Self { who, name, count, took_ms: sample::round(took_ms), per_second, failed }
    }
}

impl Record {
    pub(crate) fn new(runs: usize) -> Self {
        let word = |command: &mut std::process::Command| {
            process::capture(command).map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        Self {
            date: word(process::command("date").args(["--utc", "+%Y-%m-%d"])),
            kernel: word(process::command("uname").arg("--kernel-release")),
            runs,
            rows: Vec::new(),
            crowds: Vec::new(),
            sequences: Vec::new(),
            phases: Vec::new(),
            resident: Vec::new(),
        }
    }

    /// The median of `name` in the situation of `row`.
    fn beside(&self, row: &Row, name: &str) -> Option<f64> {
        let same = |other: &&Row| {
            other.who == row.who && other.idle_ms == row.idle_ms && other.name == name
        };
        self.rows.iter().find(same).map(|other| other.figures.median_ms)
    }

    pub(crate) fn print(&self) {
        println!("\nLinux {}, {}, {} runs each\n", self.kernel, self.date, self.runs);
        let mut told: Vec<&str> = Vec::new();
        for row in self.rows.iter().filter(|row| row.idle_ms == 0) {
            if !told.contains(&row.command.as_str()) {
                println!("{:<7} {}", row.name, row.command);
                told.push(&row.command);
            }
        }
        println!(
            "\n{:<5} {:>7} {:<7} {:>15} {:>8} {:>13}",
            "who", "idle ms", "program", "median / p90 ms", "least", "isobar / it"
        );
        for row in &self.rows {
            let ours = self.beside(row, "isobar").unwrap_or_default();
            println!(
                "{:<5} {:>7} {:<7} {:>15} {:>8.2} {:>13.2}",
                row.who,
                row.idle_ms,
                row.name,
                row.figures.to_string(),
                row.figures.least_ms,
                ours / row.figures.median_ms
            );
        }
        for (title, crowds) in [("at once", &self.crowds), ("in sequence", &self.sequences)] {
            for one in crowds {
                println!(
                    "{:<5} {} {title}: {} {:.0} a second, {} failed",
                    one.who, one.count, one.name, one.per_second, one.failed
                );
            }
        }
        for (index, phase) in self.phases.iter().enumerate() {
            if index == 0 || self.phases.get(index - 1).is_some_and(|last| last.who != phase.who) {
                println!("\nphases of isobar, {}, median us", phase.who);
            }
            println!("  {:<32} {:>8.0}", phase.name, phase.median_us);
        }
        println!();
        for who in ["root", "user"] {
            let of_who = self.resident.iter().filter(|one| one.who == who);
            let parts: Vec<String> =
                of_who.clone().map(|one| format!("{} {} KiB", one.process, one.kib)).collect();
            let sum: u64 = of_who.map(|one| one.kib).sum();
            if !parts.is_empty() {
                println!("memory of one sandbox, {who}: {sum} KiB ({})", parts.join(", "));
            }
        }
    }

    /// Writes `namespace.json` and `namespace.svg`.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory)?;
        let file = directory.join("namespace.json");
        fs::write(&file, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
        chart::write(&self.rows, &directory.join("namespace.svg"))?;
        println!("figures and chart in {}", directory.display());
        Ok(())
    }
}
