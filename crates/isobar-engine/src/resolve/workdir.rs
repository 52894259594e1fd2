//! The guest's working directory.
//!
//! In this order: the one asked for; the workspace, at the caller's own place in it; the caller's
//! working directory, where the guest has it; HOME as the policy sets it; `/tmp`.

use std::path::{Component, Path, PathBuf};

use isobar_policy::{Grant, GrantOrigin};

use super::World;
use super::error::ResolveError;
use super::open::normalised;
use super::view::View;

/// Where the guest starts. `asked` is the caller's wish, as the guest sees it; `script` a file
/// that will be granted, which makes the directories above it.
pub(super) fn choose(
    world: &World<'_>,
    asked: Option<&str>,
    view: View<'_>,
    script: Option<&Path>,
) -> Result<PathBuf, ResolveError> {
    let workspace = view.grants.iter().find(|grant| grant.origin == GrantOrigin::Workspace);
    if let Some(asked) = asked {
        return asked_for(Path::new(asked), workspace, view);
    }
    let cwd = &world.caller.cwd;
    if let Some(Grant { source, target, .. }) = workspace {
        return Ok(match cwd.strip_prefix(source) {
            Ok(rest) if !rest.as_os_str().is_empty() => Path::new(target).join(rest),
            _ => PathBuf::from(target),
        });
    }
    let made_for_script = script.is_some_and(|script| script.starts_with(cwd));
    if cwd.is_absolute() && (made_for_script || view.has_directory(cwd)) {
        return Ok(cwd.clone());
    }
    let home = world.policy.env.set.get("HOME").map(PathBuf::from);
    let usable = home.filter(|home| home.is_absolute() && view.has_directory(home));
    Ok(usable.unwrap_or_else(|| PathBuf::from("/tmp")))
}

fn asked_for(
    asked: &Path,
    workspace: Option<&Grant>,
    view: View<'_>,
) -> Result<PathBuf, ResolveError> {
    if asked.components().any(|part| part == Component::ParentDir) {
        return Err(ResolveError::Climbs { path: asked.to_path_buf() });
    }
    let path = match workspace {
        _ if asked.is_absolute() => normalised(asked),
        Some(workspace) => normalised(&Path::new(&workspace.target).join(asked)),
        None => return Err(ResolveError::WorkdirRelative { path: asked.to_path_buf() }),
    };
    if view.has_directory(&path) { Ok(path) } else { Err(ResolveError::WorkdirMissing { path }) }
}
