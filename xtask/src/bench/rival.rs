//! The command lines of the peers that are measured.

use std::path::{Path, PathBuf};

/// bubblewrap: the namespaces and mounts that `isobar run -- true` makes.
///
/// It has no seccomp filter, no Landlock, no limits and no report; bwrap offers the first only for
/// a filter that the caller brings.
pub(crate) fn bwrap(program: &Path) -> Vec<PathBuf> {
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
