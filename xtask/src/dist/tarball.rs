//! The tarball: runs from wherever it is unpacked, needs nothing of the host but its kernel.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Release;
use super::layout::Layout;
use crate::process;

/// Packs `isobar-VERSION-MACHINE-linux.tar.gz` into `directory`.
///
/// GNU tar with sorted names, fixed owner and time, and gzip without a name give the same bytes for
/// the same commit (reproducible-builds.org, "Archive metadata").
pub(crate) fn make(release: &Release, layout: &Layout, directory: &Path) -> Result<PathBuf> {
    let stem = format!("isobar-{}-{}-linux", release.version, Release::machine());
    let path = directory.join(format!("{stem}.tar.gz"));
    let parent = layout.usr.parent().context("usr lies in a directory")?;
    let mut tar = process::command("tar");
    tar.arg("--create").arg("--file").arg(&path).arg("--directory").arg(parent);
    tar.args(["--use-compress-program", "gzip -9n", "--sort=name", "--format=gnu"]);
    tar.args(["--owner=0", "--group=0", "--numeric-owner", "--mode=go-w"]);
    tar.arg(format!("--mtime=@{}", release.seconds));
    tar.arg(format!("--transform=flags=r;s,^usr,{stem},")).arg("usr");
    process::run(&mut tar)?;
    Ok(path)
}
