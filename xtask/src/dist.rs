//! `cargo xtask dist`: what users install. One release build, laid out twice: as a tarball that runs
//! where it is unpacked, and as a Debian package.
//!
//! Both hold the same files. Executables lie together (`isobar` finds its helpers beside itself),
//! man pages, completions and the AppArmor profile come from the command line's own definitions
//! (`crates/isobar/examples/pages.rs`). The same commit gives the same bytes: names are sorted, and
//! all times are the commit's.

mod clean_root;
mod deb;
mod layout;
mod tarball;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::build::{self, Flavour};
use crate::{process, workspace};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Install both into a clean root and use them there. Needs root.
    #[arg(long)]
    check: bool,
    /// Package what is not committed, too: never for a release.
    #[arg(long)]
    dirty: bool,
}

/// What a release is made from.
pub(crate) struct Release {
    /// The version of the workspace, `-dirty` behind it where something is not committed.
    pub(crate) version: String,
    /// The commit.
    pub(crate) commit: String,
    /// When it was made, seconds since 1970.
    pub(crate) seconds: String,
}

/// What was made.
pub(crate) struct Packages {
    pub(crate) tarball: PathBuf,
    pub(crate) deb: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let packages = if options.check {
        check(options.dirty)?
    } else {
        make(&Release::of_checkout(options.dirty)?)?
    };
    for path in [&packages.tarball, &packages.deb] {
        let bytes = std::fs::metadata(path)?.len();
        println!("{:>6} KiB  {}", bytes.div_ceil(1024), path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes both packages, then installs and uses them in a clean root.
pub(crate) fn check(dirty: bool) -> Result<Packages> {
    let release = Release::of_checkout(dirty)?;
    let packages = make(&release)?;
    clean_root::check(&release, &packages)?;
    Ok(packages)
}

/// Builds, lays out and packs.
fn make(release: &Release) -> Result<Packages> {
    let executables = build::build_of(Flavour::Release, Some(&release.commit))?;
    let directory = workspace::target_dir()?.join("packages");
    let layout = layout::Layout::make(&directory.join("layout"), &executables)?;
    Ok(Packages {
        tarball: tarball::make(release, &layout, &directory)?,
        deb: deb::make(release, &layout, &directory)?,
    })
}

impl Release {
    /// What is checked out. Refuses what is not committed, unless told otherwise.
    fn of_checkout(dirty: bool) -> Result<Self> {
        let git = |arguments: &[&str]| -> Result<String> {
            let mut command = process::command("git");
            let text = process::capture(command.args(arguments).current_dir(workspace::root()))?;
            Ok(text.trim().to_owned())
        };
        let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
        if changed && !dirty {
            bail!("something is not committed: commit it, or say --dirty");
        }
        let metadata = workspace::metadata()?;
        let isobar = metadata.workspace_packages().into_iter().find(|one| one.name == "isobar");
        let version = isobar.context("no package isobar")?.version.to_string();
        let commit = git(&["rev-parse", "HEAD"])?;
        Ok(Self {
            version: if changed { format!("{version}-dirty") } else { version },
            commit: if changed { format!("{commit}-dirty") } else { commit },
            seconds: git(&["log", "-1", "--format=%ct"])?,
        })
    }

    /// `x86_64` and so on, as the kernel calls the machine that we build for.
    pub(crate) const fn machine() -> &'static str {
        std::env::consts::ARCH
    }
}
