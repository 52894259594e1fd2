//! `cargo xtask build`: one `cargo build -p` per executable, static and within budget.
//!
//! A workspace build would unify features over all executables, so each is built alone. The results
//! are gathered in `target/dist/{dev,release,fault}`: `isobar` finds its helpers beside itself, so
//! one directory is one complete installation. The fault build is the only one that holds
//! off-switches; it is kept in a target directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Message, Metadata};

use crate::budget::{EXECUTABLES, Executable, foreign_crates};
use crate::{elf, process, workspace};

/// Sets the cfg of the fault build. `target.'cfg(…)'.rustflags` is the only way that joins with the
/// `+crt-static` of `.cargo/config.toml`; RUSTFLAGS in the environment would replace it.
pub(crate) const FAULT_CONFIG: &str = r#"target."cfg(all())".rustflags=["--cfg","isobar_fault"]"#;

/// The variable that selects faults: its name is a string in the fault build and in no other.
const OFF_SWITCH: &[u8] = b"ISOBAR_FAULT";

/// The executable that reads [`OFF_SWITCH`]; it passes the faults on to the others.
const HOLDS_OFF_SWITCH: &str = "isobar";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Optimise for release, and hold the sizes against their budgets.
    #[arg(long)]
    release: bool,
    /// Build the fault build: layers can be switched off at run time. For tests only.
    #[arg(long, conflicts_with = "release")]
    fault: bool,
}

/// What is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// The development profile; tests run against it.
    Dev,
    /// What users get.
    Release,
    /// The development profile with `--cfg isobar_fault`.
    Fault,
}

impl Flavour {
    const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
            Self::Fault => "fault",
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let flavour = match (options.release, options.fault) {
        (true, _) => Flavour::Release,
        (_, true) => Flavour::Fault,
        (false, false) => Flavour::Dev,
    };
    println!("executables in {}", build(flavour)?.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds and checks every executable; returns the directory that holds them.
pub(crate) fn build(flavour: Flavour) -> Result<PathBuf> {
    build_of(flavour, None)
}

/// As [`build`], with the commit as a part of the build's identity, by which the executables of
/// one release know each other.
pub(crate) fn build_of(flavour: Flavour, commit: Option<&str>) -> Result<PathBuf> {
    let metadata = workspace::metadata()?;
    let dist = metadata.target_directory.join("dist").join(flavour.name()).into_std_path_buf();
    fs::create_dir_all(&dist).with_context(|| format!("cannot create {}", dist.display()))?;
    let mut over = Vec::new();
    for executable in &EXECUTABLES {
        let built = cargo_build(executable.name, flavour, commit, &metadata)?;
        let image = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
        elf::must_be_static(&image).with_context(|| executable.name)?;
        check_off_switch(executable.name, &image, flavour)?;
        over.extend(over_budget(executable, image.len() as u64, flavour)?);
        install(&built, &dist.join(executable.name))?;
    }
    if !over.is_empty() {
        bail!("over budget (xtask/src/budget.rs):\n  {}", over.join("\n  "));
    }
    Ok(dist)
}

/// Builds one executable and returns where cargo has put it.
fn cargo_build(
    package: &str,
    flavour: Flavour,
    commit: Option<&str>,
    metadata: &Metadata,
) -> Result<PathBuf> {
    let mut cargo = process::cargo();
    if let Some(commit) = commit {
        cargo.env("ISOBAR_COMMIT", commit);
    }
    cargo.args(["build", "--package", package, "--message-format=json-render-diagnostics"]);
    match flavour {
        Flavour::Dev => {}
        Flavour::Release => {
            cargo.arg("--release");
        }
        Flavour::Fault => {
            let target = metadata.target_directory.join("fault");
            cargo.args(["--config", FAULT_CONFIG]).arg("--target-dir").arg(target);
        }
    }
    println!("$ {}", process::line_of(&cargo));
    let messages = process::capture(cargo.stdin(Stdio::null()))?;
    let artifact = Message::parse_stream(messages.as_bytes()).find_map(|message| {
        let Ok(Message::CompilerArtifact(artifact)) = message else { return None };
        artifact.executable.filter(|_| artifact.target.name == package)
    });
    Ok(artifact.with_context(|| format!("{package} built no executable"))?.into_std_path_buf())
}

/// Checks that the fault build can be told to leave a layer out, and that no other build can.
fn check_off_switch(name: &str, image: &[u8], flavour: Flavour) -> Result<()> {
    let found = image.windows(OFF_SWITCH.len() + 1).any(|window| {
        // A longer name is another variable, such as the one that tells tests where things are.
        window.strip_prefix(OFF_SWITCH).is_some_and(|next| next != b"_")
    });
    match flavour {
        Flavour::Dev | Flavour::Release if found => {
            bail!("{name} holds the off-switch of the fault build");
        }
        Flavour::Fault if !found && name == HOLDS_OFF_SWITCH => {
            bail!("{name} of the fault build holds no off-switch: the cfg was lost");
        }
        Flavour::Dev | Flavour::Release | Flavour::Fault => Ok(()),
    }
}

/// Prints one line on an executable and returns what is over its budget.
fn over_budget(executable: &Executable, bytes: u64, flavour: Flavour) -> Result<Vec<String>> {
    let foreign = foreign_crates(executable.name)?;
    println!(
        "  {:<12} {:>8} KiB {} (release budget {} KiB), {} foreign crates (budget {})",
        executable.name,
        bytes.div_ceil(1024),
        flavour.name(),
        executable.release_bytes / 1024,
        foreign.len(),
        executable.foreign_crates
    );
    let mut over = Vec::new();
    if flavour == Flavour::Release && bytes > executable.release_bytes {
        over.push(format!(
            "{}: {bytes} bytes, budget {}: {}",
            executable.name, executable.release_bytes, executable.reason
        ));
    }
    if foreign.len() > executable.foreign_crates {
        over.push(format!(
            "{}: {} foreign crates, budget {}: {}: {}",
            executable.name,
            foreign.len(),
            executable.foreign_crates,
            executable.reason,
            foreign.join(" ")
        ));
    }
    Ok(over)
}

/// Puts a copy of `from` at `to` by rename, so that a running `to` is never written to.
fn install(from: &Path, to: &Path) -> Result<()> {
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh)
        .and_then(|_| fs::rename(&fresh, to))
        .with_context(|| format!("cannot install {} as {}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_over_budget_is_named_in_release_only() {
        let tiny =
            Executable { name: "isobar", release_bytes: 1, foreign_crates: 999, reason: "r" };
        assert_eq!(over_budget(&tiny, 2, Flavour::Release).unwrap().len(), 1);
        assert!(over_budget(&tiny, 2, Flavour::Dev).unwrap().is_empty());
    }

    #[test]
    fn an_off_switch_outside_the_fault_build_is_caught_and_a_lost_cfg_too() {
        let with: &[u8] = b"..ISOBAR_FAULT..";
        let without: &[u8] = b"..ISOBAR_FAULT_BIN_DIR..";
        for flavour in [Flavour::Dev, Flavour::Release] {
            assert!(check_off_switch("isobar", with, flavour).is_err());
            assert!(check_off_switch("isobar", without, flavour).is_ok());
        }
        assert!(check_off_switch("isobar", with, Flavour::Fault).is_ok());
        assert!(check_off_switch("isobar", without, Flavour::Fault).is_err());
    }

    #[test]
    fn too_many_foreign_crates_are_named_in_every_flavour() {
        let lean = Executable { name: "xtask", release_bytes: 1, foreign_crates: 0, reason: "r" };
        let over = over_budget(&lean, 0, Flavour::Dev).unwrap();
        assert!(over.iter().any(|line| line.contains("clap")), "the crates are named: {over:?}");
    }
}
