//! `cargo xtask demo`: the main job on a real program, from a bare checkout.
//!
//! Runs `examples/demo/generated.py` behind the namespace boundary as whoever called, root or not,
//! and shows the report of that very run.

use std::process::ExitCode;

use anyhow::Result;

use crate::build::{self, Flavour};
use crate::{packages, process, workspace};

pub(crate) fn run() -> Result<ExitCode> {
    if process::on_path("python3").is_none() {
        packages::ensure(&packages::FOR_DEMO)?;
    }
    let dist = build::build(Flavour::Dev)?;
    let mut isobar = process::command(dist.join("isobar"));
    isobar.current_dir(workspace::root().join("examples/demo"));
    isobar.args(["run", "--report", "-", "--", "python3", "generated.py"]);
    println!();
    process::run(&mut isobar)?;
    Ok(ExitCode::SUCCESS)
}
