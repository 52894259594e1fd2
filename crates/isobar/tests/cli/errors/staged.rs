//! Surroundings of isobar that a test stages: another user, namespaces round it, an installation of
//! its own.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use crate::harness::{Isobar, is_root};

/// Nobody's number, and a group that is nobody's either.
pub(super) const USER: u32 = 31_779;
pub(super) const GROUP: u32 = 31_780;

/// isobar from a copy of `bin`, with a state directory of its own.
fn installed(bin: &Path) -> Isobar {
    let isobar = Isobar::new();
    let scratch = isobar.scratch().to_owned();
    fs::create_dir(scratch.join("bin")).unwrap();
    for name in ["isobar", "isobar-init"] {
        fs::copy(bin.join(name), scratch.join("bin").join(name)).unwrap();
    }
    isobar.program_in(&scratch.join("bin")).env("XDG_RUNTIME_DIR", &scratch).env("HOME", &scratch)
}

/// isobar as an ordinary user, whoever runs the tests; with `groups`, which only root can give, as
/// a member of [`GROUP`].
pub(super) fn ordinary(bin: &Path, groups: bool) -> Isobar {
    let isobar = installed(bin);
    if !is_root() {
        return isobar;
    }
    for path in [isobar.scratch().to_owned(), isobar.scratch().join("bin")] {
        chown(&path, Some(USER), Some(USER)).unwrap();
    }
    for name in ["isobar", "isobar-init"] {
        chown(isobar.scratch().join("bin").join(name), Some(USER), Some(USER)).unwrap();
    }
    let groups = if groups { format!("--groups={GROUP}") } else { "--clear-groups".to_owned() };
    let who = [format!("--reuid={USER}"), format!("--regid={USER}"), groups];
    isobar.under(["setpriv"]).under(who).under(["--inh-caps=-all", "--"])
}

/// isobar as an ordinary user inside user and mount namespaces in which `script` ran as their root.
pub(super) fn staged(bin: &Path, script: &str) -> Isobar {
    let ordinary_again = "exec unshare --user --map-user=1000 --map-group=1000 \"$0\" \"$@\"";
    let script = format!("set -e; {script}; {ordinary_again}");
    let unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"];
    ordinary(bin, false).under(unshare).under([&script])
}

/// isobar as root in a mount namespace in which `script` ran, with a state directory that is empty
/// there.
pub(crate) fn staged_as_root(script: &str) -> Isobar {
    let empty = "mkdir -p -m 700 /run/isobar; mount -t tmpfs -o mode=700 none /run/isobar";
    let script = format!("set -e; {empty}; {script}; exec \"$0\" \"$@\"");
    Isobar::new().under(["unshare", "--mount", "sh", "-c", &script])
}
