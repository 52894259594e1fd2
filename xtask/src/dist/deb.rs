//! The Debian package: the same files below `/usr`, no maintainer scripts, no dependencies.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::Release;
use super::layout::Layout;
use crate::process;

/// Packs `isobar_VERSION_ARCHITECTURE.deb` into `directory`.
pub(crate) fn make(release: &Release, layout: &Layout, directory: &Path) -> Result<PathBuf> {
    let architecture = match Release::machine() {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("Debian has no name for {other} here"),
    };
    let root = directory.join("deb");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    fs::create_dir_all(root.join("DEBIAN"))?;
    process::run(process::command("cp").arg("--archive").arg(&layout.usr).arg(root.join("usr")))?;
    let bytes: u64 =
        layout.files()?.iter().map(|path| Ok(fs::metadata(path)?.len())).sum::<Result<u64>>()?;
    let control = control(&release.version, architecture, bytes.div_ceil(1024));
    fs::write(root.join("DEBIAN/control"), control)?;
    let path = directory.join(format!("isobar_{}_{architecture}.deb", release.version));
    let mut pack = process::command("dpkg-deb");
    pack.args(["--build", "--root-owner-group", "-Zgzip"]).arg(&root).arg(&path);
    process::run(pack.env("SOURCE_DATE_EPOCH", &release.seconds))?;
    Ok(path)
}

/// The package's description of itself (Debian Policy 5.3). A hyphen in the version would begin a
/// Debian revision, so a tilde stands in its place.
fn control(version: &str, architecture: &str, kibibytes: u64) -> String {
    let version = version.replace('-', "~");
    format!(
        "Package: isobar\n\
         Version: {version}\n\
         Architecture: {architecture}\n\
         Maintainer: The isobar developers <developers@isobar.invalid>\n\
         Installed-Size: {kibibytes}\n\
         Section: utils\n\
         Priority: optional\n\
         Description: run untrusted code behind an isolation boundary\n \
         isobar runs an agent's program, a customer's script or a model's answer\n \
         behind a boundary that you choose. Every clause of the policy is enforced\n \
         or refused, and every run can show what was on.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_has_the_form_of_the_policy_manual() {
        let text = control("0.1.0-dirty", "amd64", 7);
        assert!(text.contains("Version: 0.1.0~dirty\n"), "a hyphen would begin a revision");
        let (_, long) = text.split_once("Description: ").unwrap();
        assert!(long.lines().skip(1).all(|line| line.starts_with(' ')), "continued lines: {text}");
        assert!(text.ends_with('\n'), "the file ends with a line feed");
    }
}
