//! The proof of a release: both packages installed and used in a root that has never seen them.
//!
//! The root is a minimal Debian (mmdebstrap, from the host's own package sources), kept for the next
//! check. It is entered in mount and process namespaces of its own, as root and as an ordinary
//! user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Packages, Release};
use crate::{packages, process, workspace};

/// The ordinary user inside.
const USER: &str = "1234";

/// The release that the root is of: the host's own would be whatever it is.
const SUITE: &str = "bookworm";

pub(crate) fn check(release: &Release, made: &Packages) -> Result<()> {
    if !workspace::is_root() {
        bail!("a root can only be entered by root: sudo cargo xtask dist --check");
    }
    let root = Root::fresh()?;
    root.bring(&made.deb, "isobar.deb")?;
    root.bring(&made.tarball, "isobar.tar.gz")?;

    println!("\nthe package, installed");
    root.run(None, "dpkg --install /srv/isobar.deb")?;
    root.run(None, "test -z \"$(dpkg --verify isobar)\"")?;
    used(&root, "/usr/bin/isobar", release)?;
    root.run(None, "bash -n /usr/share/bash-completion/completions/isobar")?;
    root.run(None, "test -s /usr/share/man/man1/isobar-run.1")?;
    root.run(None, "grep -q /usr/libexec/isobar/isobar /usr/share/isobar/apparmor/isobar")?;
    root.run(None, "dpkg --purge isobar")?;
    root.run(
        None,
        "test -z \"$(find / -xdev -iname '*isobar*' -not -path '/srv/*' \
                    -not -path '/proc/*' -not -path '/var/log/*')\"",
    )?;

    println!("\nthe tarball, unpacked");
    root.run(
        None,
        "mkdir /opt/isobar && tar --extract --file /srv/isobar.tar.gz \
                    --directory /opt/isobar --strip-components 1",
    )?;
    used(&root, "/opt/isobar/bin/isobar", release)
}

/// What a newcomer does first, as root and as an ordinary user.
fn used(root: &Root, isobar: &str, release: &Release) -> Result<()> {
    let version = release.version.split('-').next().unwrap_or_default();
    for user in [None, Some(USER)] {
        root.run(user, &format!("{isobar} --version | grep -F 'isobar {version} (build '"))?;
        root.run(user, &format!("{isobar} doctor"))?;
        root.run(user, &format!("test \"$({isobar} run -- sh -c 'echo $((6 * 7))')\" = 42"))?;
        // Its own exit code, and a guest that cannot see what is outside.
        root.run(user, &format!("{isobar} run -- sh -c 'exit 3'; test $? = 3"))?;
        root.run(user, &format!("{isobar} run -- test ! -e /srv/isobar.deb"))?;
        root.run(user, &format!("{isobar} attack"))?;
    }
    Ok(())
}

/// A minimal Debian in a directory of its own, removed when dropped.
struct Root {
    directory: PathBuf,
    /// Owns the directory above.
    _above: tempfile::TempDir,
}

impl Root {
    /// Unpacks the kept root, making it first if there is none.
    fn fresh() -> Result<Self> {
        let kept = workspace::target_dir()?.join("clean-root").join(format!("{SUITE}.tar"));
        if !kept.is_file() {
            packages::ensure(&packages::FOR_DIST_CHECK)?;
            fs::create_dir_all(kept.parent().context("a file lies in a directory")?)?;
            let fresh = kept.with_extension("new.tar");
            let mut make = process::command("mmdebstrap");
            make.args(["--variant=essential", "--mode=root", "--include=util-linux,mount", SUITE]);
            process::run(make.arg(&fresh).env("TMPDIR", "/var/tmp"))?;
            fs::rename(&fresh, &kept)?;
        }
        // Not below a home or a checkout: an ordinary user must reach it.
        let above = tempfile::Builder::new().prefix("isobar-root-").tempdir_in("/var/tmp")?;
        process::run(process::command("chmod").arg("755").arg(above.path()))?;
        let directory = above.path().join("root");
        fs::create_dir(&directory)?;
        let mut unpack = process::command("tar");
        unpack.arg("--extract").arg("--file").arg(&kept).arg("--directory").arg(&directory);
        process::run(unpack.args(["--numeric-owner", "--exclude=./dev/*"]))?;
        Ok(Self { directory, _above: above })
    }

    fn bring(&self, file: &Path, name: &str) -> Result<()> {
        fs::copy(file, self.directory.join("srv").join(name))
            .with_context(|| format!("cannot bring {}", file.display()))?;
        Ok(())
    }

    /// Runs a line of shell inside, with the devices and kernel file systems of a host.
    fn run(&self, user: Option<&str>, line: &str) -> Result<()> {
        println!("  as {}: {line}", user.map_or("root", |_| "an ordinary user"));
        let output = self.command(user, line).output().context("cannot start unshare")?;
        if !output.status.success() {
            bail!(
                "{}: {line}\n{}{}",
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    fn command(&self, user: Option<&str>, line: &str) -> Command {
        // The kernel's file systems as a booted host has them: all of the host's control groups,
        // its own processes, a device directory. A chroot would not do: the kernel gives no user
        // namespace inside one (user_namespaces(7)).
        const ENTER: &str = "mount --bind \"$1\" \"$1\" && cd \"$1\" && \
             mount --rbind /sys sys && mount --rbind /dev dev && \
             mount -t proc proc proc && mount -t tmpfs -o mode=755 run run && \
             mount -t tmpfs -o mode=1777 tmp tmp && pivot_root . . && umount -l . && cd / && \
             exec setpriv $3 env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
             LANG=C.UTF-8 sh -c \"$2\"";
        let mut enter = process::command("unshare");
        enter.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"]);
        enter.arg(&self.directory).arg(line);
        enter.arg(user.map_or_else(
            || "--keep-groups".to_owned(),
            |user| format!("--reuid {user} --regid {user} --clear-groups"),
        ));
        enter
    }
}
