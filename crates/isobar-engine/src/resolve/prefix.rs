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

/// The installation of the program `real`, which has no links in its path: the store that it lies
/// in, or PREFIX of PREFIX/bin/NAME, where that looks like one.
pub(super) fn of_program(real: &Path, cwd: &Path, home: Option<&Path>) -> Option<PathBuf> {
    if let Some(store) = store_of(real).filter(|store| !is_private(store, home)) {
        return Some(store);
    }
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

/// The characters of a hash in a store's names (Nix manual, "Store Path": base 32 without e, o, u
/// and t), of which there are [`HASH_LENGTH`].
const HASH: &str = "0123456789abcdfghijklmnpqrsvwxyz";
const HASH_LENGTH: usize = 32;

/// The store of Nix or Guix that holds `real`: /nix/store of /nix/store/HASH-NAME/bin/PROGRAM, or
/// one elsewhere. What lies in a store names all that it needs by such paths, its loader and
/// libraries included, and runs only beside them. A store is readable by everybody by design.
fn store_of(real: &Path) -> Option<PathBuf> {
    let is_object = |path: &&Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let in_store = path.parent().and_then(Path::file_name).is_some_and(|name| name == "store");
        let hashed = name.split_once('-').is_some_and(|(hash, rest)| {
            hash.len() == HASH_LENGTH && hash.chars().all(|c| HASH.contains(c)) && !rest.is_empty()
        });
        in_store && hashed
    };
    real.ancestors().skip(1).find(is_object)?.parent().map(Path::to_path_buf)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_known_by_the_names_in_it() {
        let hash = "0123456789abcdfghijklmnpqrsvwxyz";
        for (path, store) in [
            (format!("/nix/store/{hash}-hello-2.12/bin/hello"), Some("/nix/store")),
            (format!("/gnu/store/{hash}-guile/bin/guile"), Some("/gnu/store")),
            (format!("/home/a/root/store/{hash}-x/y"), Some("/home/a/root/store")),
            (format!("/nix/store/{hash}-/bin/hello"), None),
            (format!("/nix/store/{hash}/bin/hello"), None),
            (format!("/nix/store/{hash}e-hello/bin/hello"), None),
            (format!("/srv/shop/{hash}-hello/bin/hello"), None),
            ("/var/store/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee-x/bin/y".to_owned(), None),
            ("/".to_owned(), None),
        ] {
            assert_eq!(store_of(Path::new(&path)).as_deref(), store.map(Path::new), "{path}");
        }
    }
}
