//! What demo and tests need of the system, installed through its own package client.
//!
//! One table: package, proof that it is there, who needs it. Presence is judged by the file that is
//! used and not by the package database, so a distribution's own and a hand-made installation both
//! count. Root installs, after saying what and why; an ordinary user is told the one command.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{process, workspace};

/// A package of the distribution (Debian's names).
pub(crate) struct Package {
    name: &'static str,
    proof: Proof,
    needed_by: &'static str,
}

/// What shows that a package, or an equal of it, is installed.
enum Proof {
    /// This file is there.
    File(&'static str),
    /// The system's Python can import these modules.
    Python(&'static str),
}

impl Proof {
    fn holds(&self) -> bool {
        match self {
            Self::File(path) => Path::new(path).exists(),
            Self::Python(modules) => process::succeeds(
                process::command(SYSTEM_PYTHON).args(["-c", &format!("import {modules}")]),
            ),
        }
    }
}

/// The distribution's Python: unlike one below somebody's home, every user can read it.
pub(crate) const SYSTEM_PYTHON: &str = "/usr/bin/python3";

const fn package(name: &'static str, proof: Proof, needed_by: &'static str) -> Package {
    Package { name, proof, needed_by }
}

const fn with_file(name: &'static str, file: &'static str, needed_by: &'static str) -> Package {
    package(name, Proof::File(file), needed_by)
}

/// What `cargo xtask demo` needs.
pub(crate) const FOR_DEMO: [Package; 1] = [PYTHON];

const PYTHON: Package = with_file("python3", SYSTEM_PYTHON, "the demo; behaviour suite: CPython");

/// What `cargo xtask nightly` needs besides.
pub(crate) const FOR_NIGHTLY: [Package; 2] = [
    with_file("firejail", "/usr/bin/firejail", "the migration page: its pairs of firejail"),
    with_file("npm", "/usr/bin/npm", "the migration page: its pairs of srt"),
];

/// What `cargo xtask dist --check` needs.
pub(crate) const FOR_DIST_CHECK: [Package; 1] =
    [with_file("mmdebstrap", "/usr/bin/mmdebstrap", "a clean root to install the packages in")];

/// Everything that `cargo xtask test` needs.
pub(crate) const FOR_TESTS: [Package; 8] = [
    PYTHON,
    package(
        "python3-venv",
        Proof::Python("ensurepip, venv"),
        "behaviour suite: virtual environment with numpy",
    ),
    with_file("nodejs", "/usr/bin/node", "behaviour suite: worker_threads"),
    with_file("gcc", "/usr/bin/gcc", "behaviour suite: compile and run"),
    with_file("libc6-dev", "/usr/include/stdio.h", "gcc, and static linking of our executables"),
    with_file("git", "/usr/bin/git", "behaviour suite: init, commit, clone"),
    with_file("bash", "/bin/bash", "behaviour suite: pipelines"),
    with_file("util-linux", "/usr/bin/setpriv", "running the tests again as an ordinary user"),
];

/// Makes sure that the packages are there, or says how to get them.
pub(crate) fn ensure(packages: &[Package]) -> Result<()> {
    let missing: Vec<&Package> = packages.iter().filter(|package| !package.proof.holds()).collect();
    if missing.is_empty() {
        println!("all packages that are needed are installed");
        return Ok(());
    }
    println!("missing packages:");
    for package in &missing {
        println!("  {:<14} for {}", package.name, package.needed_by);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    if process::on_path("apt-get").is_none() {
        bail!("no apt-get here: install what corresponds to {}", names.join(" "));
    }
    if !workspace::is_root() {
        bail!("run once: sudo apt-get install --yes --no-install-recommends {}", names.join(" "));
    }
    apt(&["update", "--quiet"])?;
    apt(&[&["install", "--yes", "--no-install-recommends"], names.as_slice()].concat())
}

/// Runs apt-get without questions.
pub(crate) fn apt(arguments: &[&str]) -> Result<()> {
    process::run(
        process::command("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_says_why() {
        for package in &FOR_TESTS {
            assert!(!package.needed_by.is_empty(), "{} has no reason", package.name);
        }
    }

    #[test]
    fn what_is_there_needs_no_package_client() {
        assert!(ensure(&[with_file("root-directory", "/", "this test")]).is_ok());
    }

    #[test]
    fn a_missing_file_or_module_is_noticed() {
        assert!(!Proof::File("/nonexistent/file").holds());
        assert!(!Proof::Python("isobar_no_such_module").holds());
    }
}
