//! Programs of others that checks run: installed by cargo below the target directory, never on the
//! machine.

use std::path::PathBuf;

use anyhow::Result;

use crate::{process, workspace};

/// A program that is a crate of its name, in the version that was tried.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

impl Tool {
    /// The program's path; installs it where it is not there yet.
    pub(crate) fn get(&self) -> Result<PathBuf> {
        let tools = workspace::target_dir()?.join("tools");
        let program = tools.join("bin").join(self.name);
        if !program.is_file() {
            let mut install = process::cargo();
            install.args(["install", self.name, "--version", self.version, "--locked"]);
            install.arg("--root").arg(&tools).arg("--target-dir").arg(tools.join("build"));
            process::run(&mut install)?;
        }
        Ok(program)
    }
}
