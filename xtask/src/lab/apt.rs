//! Debian packages of one suite, through the system's own package client with a configuration of
//! our own: what is installed on this machine, and where from, neither counts nor changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Where the packages of a suite come from.
pub(crate) struct Suite {
    /// Its name.
    pub(crate) name: &'static str,
    /// Lines of `sources.list`.
    sources: &'static [&'static str],
}

/// Debian 12, with its security updates, which carry both kernels.
pub(crate) const BOOKWORM: Suite = Suite {
    name: "bookworm",
    sources: &[
        "deb http://deb.debian.org/debian bookworm main",
        "deb http://deb.debian.org/debian bookworm-updates main",
        "deb http://deb.debian.org/debian-security bookworm-security main",
    ],
};

/// The package client, set up for one suite below a directory of its own.
pub(crate) struct Apt {
    home: PathBuf,
}

impl Apt {
    /// Sets it up and fetches the lists. `home` may be used again.
    pub(crate) fn new(suite: &Suite, home: &Path) -> Result<Self> {
        if process::on_path("apt-get").is_none() {
            bail!("the lab is made of Debian packages, and there is no apt-get here");
        }
        let apt = Self { home: home.join(suite.name) };
        for part in ["lists/partial", "archives/partial", "parts"] {
            fs::create_dir_all(apt.home.join(part))?;
        }
        // An empty status: all that a package needs is fetched, whatever this machine has.
        fs::write(apt.home.join("status"), "")?;
        fs::write(apt.sources(), suite.sources.join("\n") + "\n")?;
        process::run(apt.command("apt-get").args(["--quiet=2", "update"]))?;
        Ok(apt)
    }

    fn sources(&self) -> PathBuf {
        self.home.join("sources.list")
    }

    /// The `sources.list`, for whoever else reads one.
    pub(crate) fn sources_list(&self) -> Result<String> {
        fs::read_to_string(self.sources()).context("cannot read sources.list")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = process::command(program);
        let at = |name: &str| self.home.join(name).display().to_string();
        for (key, value) in [
            ("Dir::Etc::SourceList", at("sources.list")),
            ("Dir::Etc::SourceParts", at("parts")),
            ("Dir::State", at("")),
            ("Dir::State::status", at("status")),
            ("Dir::State::lists", at("lists")),
            ("Dir::Cache", at("")),
            ("Dir::Cache::archives", at("archives")),
            ("APT::Sandbox::User", "root".to_owned()),
            ("APT::Install-Recommends", "0".to_owned()),
            ("APT::Keep-Downloaded-Packages", "1".to_owned()),
        ] {
            command.arg("-o").arg(format!("{key}={value}"));
        }
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Fetches packages with all that they need; returns the files.
    pub(crate) fn closure(&self, packages: &[&str]) -> Result<Vec<PathBuf>> {
        let archives = self.home.join("archives");
        fs::remove_dir_all(&archives)?;
        fs::create_dir_all(archives.join("partial"))?;
        let words = ["--quiet=2", "--yes", "--download-only", "install"];
        process::run(self.command("apt-get").args(words).args(packages))?;
        debs(&archives)
    }

    /// Fetches one package alone. One that only names another (as `linux-image-cloud-amd64` names
    /// the kernel of the day) is followed.
    pub(crate) fn alone(&self, package: &str) -> Result<PathBuf> {
        let depends =
            process::capture(self.command("apt-cache").args(["depends", "--important", package]))?;
        let named = depends.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
        let named: Vec<&str> = named.filter(|name| name.starts_with("linux-image-")).collect();
        let package = match named[..] {
            [kernel] => kernel,
            _ => package,
        };
        let place = self.home.join("alone").join(package);
        fs::remove_dir_all(&place).or_else(absent)?;
        fs::create_dir_all(&place)?;
        let words = ["--quiet=2", "download", package];
        process::run(self.command("apt-get").args(words).current_dir(&place))?;
        debs(&place)?.pop().with_context(|| format!("{package} was not fetched"))
    }
}

/// A file that is not there is no error where it is to be removed.
pub(crate) fn absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn debs(place: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(place).with_context(|| format!("cannot list {}", place.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "deb"));
    files.sort();
    Ok(files)
}

/// Unpacks a package without installing it.
pub(crate) fn unpack(deb: &Path, place: &Path) -> Result<()> {
    process::capture(process::command("dpkg-deb").arg("--extract").arg(deb).arg(place)).map(drop)
}

/// `package=version=SHA256` of each file, sorted: what a cache is made of.
pub(crate) fn pins(files: &[PathBuf]) -> Result<Vec<String>> {
    let sums = process::capture(process::command("sha256sum").args(files))?;
    let mut pins = Vec::new();
    for line in sums.lines() {
        let (sum, path) = line.split_once("  ").context("sha256sum speaks another form")?;
        let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        pins.push(pin(name, sum).with_context(|| format!("{name} is no name of a package"))?);
    }
    pins.sort();
    Ok(pins)
}

/// Files of packages are named `package_version_architecture.deb`, with the colon as `%3a`.
fn pin(file: &str, sum: &str) -> Option<String> {
    let mut parts = file.split('_');
    let (package, version) = (parts.next()?, parts.next()?.replace("%3a", ":"));
    Some(format!("{package}={version}={sum}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_names_package_version_and_content() {
        let file = "qemu-system-x86_1%3a7.2+dfsg-7_amd64.deb";
        assert_eq!(pin(file, "ab12").unwrap(), "qemu-system-x86=1:7.2+dfsg-7=ab12");
        assert_eq!(pin("nonsense", "ab12"), None);
    }
}
