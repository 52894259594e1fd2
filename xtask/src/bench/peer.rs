//! Peers: programs of others, fetched as packages and unpacked beside what we build.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;

/// bubblewrap's executable, from the distribution's package below `peers`.
pub(crate) fn bwrap(peers: &Path) -> Result<PathBuf> {
    let dir = peers.join("bubblewrap");
    let program = dir.join("usr/bin/bwrap");
    if !program.is_file() {
        fs::create_dir_all(&dir)?;
        process::run(
            process::command("apt-get").args(["download", "bubblewrap"]).current_dir(&dir),
        )?;
        let package = fs::read_dir(&dir)?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .context("apt-get has downloaded no package")?;
        process::run(process::command("dpkg").arg("--extract").arg(package).arg(&dir))?;
    }
    process::run(process::command(&program).arg("--version"))?;
    Ok(program)
}

/// The peer's command line: the namespaces and mounts that `isobar run -- true` makes.
///
/// It has no seccomp filter, no Landlock, no limits and no report; bwrap offers the first only for
/// a filter that the caller brings.
pub(crate) fn command(program: &Path) -> Vec<PathBuf> {
    let mut words = vec![program.to_owned()];
    let mut say = |more: &[&str]| words.extend(more.iter().map(PathBuf::from));
    say(&["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]);
    say(&["--setenv", "PATH", "/usr/bin:/bin"]);
    say(&["--ro-bind", "/usr", "/usr"]);
    for link in ["bin", "sbin", "lib", "lib64"] {
        say(&["--symlink", &format!("usr/{link}"), &format!("/{link}")]);
    }
    say(&["--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache"]);
    say(&["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/"]);
    say(&["--", "true"]);
    words
}
