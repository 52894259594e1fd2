//! Whether something that a guest can change chose what is lent to the next one.
//!
//! A program's installation is found by following links, first lines and `pyvenv.cfg`. Where one of
//! those lies in a workspace or a writable grant, an earlier guest may have written it. What it
//! leads to is granted only if a person granted it, or every guest sees it.

use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};

use isobar_policy::{Access, Grant, GrantOrigin};

use super::error::ResolveError;
use super::open::identity;
use super::toolchain::Installation;
use super::view::in_system;

/// How many links the kernel follows (path_resolution(7), MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// Refuses an installation of which a part is neither lent nor the system's, where a lent file
/// chose it. `grants` are those of the policy.
pub(super) fn check(grants: &[Grant], needs: &Installation) -> Result<(), ResolveError> {
    let lone = needs.lone.iter();
    let files = needs.files.iter().map(|shared| &shared.source);
    let prefixes = needs.prefixes.iter().map(|shared| &shared.source);
    let stray = prefixes.chain(files).chain(lone).filter_map(|source| {
        let real = std::fs::canonicalize(source).unwrap_or_else(|_| source.clone());
        let given = in_system(&real) || grants.iter().any(|grant| holds(grant, &real));
        (!given).then_some(real)
    });
    let paths = outermost(stray);
    if paths.is_empty() {
        return Ok(());
    }
    let changeable = |path: &PathBuf| {
        grants.iter().any(|grant| {
            let lent = grant.access == Access::Rw || grant.origin == GrantOrigin::Workspace;
            lent && holds(grant, path)
        })
    };
    match needs.consulted.iter().flat_map(|one| trail(one)).find(changeable) {
        Some(by) => Err(ResolveError::Steered { paths, by }),
        None => Ok(()),
    }
}

/// Those of `paths` that lie in no other, so that granting them grants all.
fn outermost(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut outer: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !outer.iter().any(|one| path.starts_with(one)) {
            outer.retain(|one| !one.starts_with(&path));
            outer.push(path);
        }
    }
    outer
}

/// Whether `real` is, or lies in, what `grant` lends; another mount of it counts too.
fn holds(grant: &Grant, real: &Path) -> bool {
    let same = |path: &Path| {
        identity(path).is_some_and(|one| one.device == grant.device && one.inode == grant.inode)
    };
    real.starts_with(&grant.source) || real.ancestors().any(same)
}

/// Every link that leads from `path` to its file, at its real place, and the file itself.
fn trail(path: &Path) -> Vec<PathBuf> {
    let (mut found, mut links) = (Vec::new(), 0);
    let mut here = PathBuf::from("/");
    let names = |path: &Path| path.components().map(|one| one.as_os_str().to_owned()).collect();
    let mut left: VecDeque<_> = names(path);
    while let Some(name) = left.pop_front() {
        match Path::new(&name).components().next() {
            Some(Component::RootDir) => here = PathBuf::from("/"),
            Some(Component::ParentDir) => drop(here.pop()),
            Some(Component::Normal(_)) => {
                let next = here.join(&name);
                match std::fs::read_link(&next) {
                    Ok(leads) if links < MAX_LINKS => {
                        links += 1;
                        found.push(next);
                        let mut ahead: VecDeque<_> = names(&leads);
                        ahead.append(&mut left);
                        left = ahead;
                    }
                    _ => here = next,
                }
            }
            Some(Component::CurDir | Component::Prefix(_)) | None => {}
        }
    }
    found.push(here);
    found
}
