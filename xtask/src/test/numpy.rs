//! The virtual environment with numpy: a C extension that is not part of CPython.
//!
//! Made from the system's Python, so that an ordinary user can read what its links point to, and
//! kept in the target directory under the name of what is in it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::packages::SYSTEM_PYTHON;
use crate::{process, workspace};

/// One version with wheels for every CPython from 3.10 to 3.13.
const REQUIREMENT: &str = "numpy==2.2.6";

/// Returns the environment, making it on the first call.
pub(crate) fn environment() -> Result<PathBuf> {
    let dir = workspace::target_dir()?.join("test-venv").join(REQUIREMENT);
    let python = dir.join("bin/python");
    let works = || process::succeeds(process::command(&python).args(["-c", "import numpy"]));
    if works() {
        println!("{REQUIREMENT} is in {}", dir.display());
        return Ok(dir);
    }
    println!("installing {REQUIREMENT} for the behaviour suite, into {}", dir.display());
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    process::run(process::command(SYSTEM_PYTHON).args(["-m", "venv"]).arg(&dir))?;
    process::run(process::command(&python).args([
        "-m",
        "pip",
        "--quiet",
        "install",
        "--only-binary=:all:",
        REQUIREMENT,
    ]))?;
    process::run(process::command(&python).args(["-c", "import numpy"]))?;
    Ok(dir)
}
