//! `cargo xtask demo`: the main job on a real program, from a bare checkout.
//!
//! Runs `examples/demo/generated.py` behind the namespace boundary as whoever called, root or not,
//! and shows the report of that very run.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::build::{self, Flavour};
use crate::{packages, process, workspace};

pub(crate) fn run() -> Result<ExitCode> {
    if process::on_path("python3").is_none() {
        packages::ensure(&packages::FOR_DEMO)?;
    }
    let dist = build::build(Flavour::Dev)?;
    let report = dist.join("demo-report.json");
    let demo = workspace::root().join("examples/demo");
    let mut isobar = process::command(dist.join("isobar"));
    isobar.current_dir(&demo);
    isobar.args(["run", "--workspace", ".", "--report"]).arg(&report);
    isobar.args(["--", "python3", "generated.py"]);
    if report.exists() {
        fs::remove_file(&report).context("cannot remove the report of the last run")?;
    }
    println!();
    let result = process::run(&mut isobar);
    // A run that fails has a report too, and it is the one that says why.
    if let Ok(text) = fs::read_to_string(&report) {
        println!("\nthe report of this run ({}):\n\n{text}", report.display());
    }
    result?;
    if !report.exists() {
        bail!("isobar wrote no report to {}", report.display());
    }
    Ok(ExitCode::SUCCESS)
}
