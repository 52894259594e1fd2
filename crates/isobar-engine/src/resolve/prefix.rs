//! Whether a program lies in an installation of its own, such as `/opt/node-22`, whose directory
//! can be granted without granting somebody's private files.

use std::path::{Path, PathBuf};

/// Directories in which people keep what is theirs, or which hold many things that do not belong
/// together. What is directly in them may be an installation; they themselves are none.
const COLLECTIONS: [&str; 12] = [
    "/", "/home", "/root", "/opt", "/tmp", "/var", "/var/tmp", "/srv", "/mnt", "/media", "/run",
    "/etc",
];

/// What an installation has beside `bin`.
const BESIDE: [&str; 5] = ["lib", "lib64", "libexec", "share", "include"];

/// The installation of the program `real`, which has no links in its path: PREFIX of
/// PREFIX/bin/NAME, where that looks like one.
pub(super) fn of_program(real: &Path, cwd: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let bin = real.parent()?;
    if !bin.file_name().is_some_and(|name| name == "bin" || name == "sbin") {
        return None;
    }
    let prefix = bin.parent()?;
    let complete = BESIDE.iter().any(|name| prefix.join(name).is_dir());
    // A checkout, or the directory that the caller works in, has a `bin` and a `lib` too. Lending
    // it is the caller's to say.
    let worked_in = cwd.starts_with(prefix) || prefix.join(".git").exists();
    (complete && !worked_in && !is_private(prefix, home)).then(|| prefix.to_path_buf())
}

/// Whether `prefix` holds what is nobody else's business: a home, what lies above one, the parts
/// of one that programs share with keys and histories, and collections of many things.
pub(super) fn is_private(prefix: &Path, home: Option<&Path>) -> bool {
    let holds = |home: &Path| home.starts_with(prefix);
    let home_of_somebody = prefix.parent() == Some(Path::new("/home"));
    // Also of somebody whose HOME is unknown.
    let local = prefix.file_name().is_some_and(|name| name == ".local");
    let named = COLLECTIONS.iter().any(|one| prefix == Path::new(one));
    let real_home = home.and_then(|home| std::fs::canonicalize(home).ok());
    named
        || local
        || home_of_somebody
        || home.is_some_and(holds)
        || real_home.as_deref().is_some_and(holds)
}
