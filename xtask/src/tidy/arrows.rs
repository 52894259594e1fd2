//! Rule: a crate knows only those that this table gives it.
//!
//! The table is the picture of the workspace in ARCHITECTURE.md. An edge that is not in it fails,
//! and so does a crate that is not in it. Tests may also use what their crate reaches indirectly.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, Package};

use super::Finding;

/// Each crate of ours with those that it may depend on.
const ARROWS: [(&str, &[&str]); 11] = [
    ("isobar-policy", &[]),
    ("isobar-boundary", &["isobar-policy"]),
    ("isobar-os", &["isobar-policy"]),
    ("isobar-jail", &["isobar-os", "isobar-policy"]),
    ("isobar-init", &["isobar-boundary"]),
    ("isobar-namespace", &["isobar-boundary", "isobar-jail", "isobar-os", "isobar-policy"]),
    ("isobar-engine", &["isobar-boundary", "isobar-namespace", "isobar-os", "isobar-policy"]),
    ("isobar-attack-payload", &[]),
    ("isobar-attack", &["isobar-engine", "isobar-policy"]),
    ("isobar", &["isobar-attack", "isobar-engine", "isobar-os", "isobar-policy"]),
    ("xtask", &[]),
];

/// Dependencies that must be taken without default features, since the dependent has no std.
const WITHOUT_DEFAULT_FEATURES: [(&str, &str); 1] = [("isobar-init", "isobar-boundary")];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let packages = metadata.workspace_packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    packages.iter().flat_map(|package| check_package(package, &ours)).collect()
}

fn check_package(package: &Package, ours: &BTreeSet<&str>) -> Vec<Finding> {
    let name = package.name.as_str();
    let mut messages = Vec::new();
    for dependency in package.dependencies.iter().filter(|d| ours.contains(d.name.as_str())) {
        let to = dependency.name.as_str();
        messages.extend(forbidden(name, to, dependency.kind == DependencyKind::Development));
        messages.extend(needs_std(name, to, dependency.uses_default_features));
    }
    if allowed(name).is_none() {
        messages.push(format!("{name} is not in the table of xtask/src/tidy/arrows.rs"));
    }
    let manifest = package.manifest_path.as_std_path();
    messages.into_iter().map(|message| Finding::new(manifest, 0, message)).collect()
}

fn allowed(package: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(name, _)| *name == package).map(|(_, allowed)| *allowed)
}

/// Says why the edge is forbidden, if it is.
fn forbidden(from: &str, to: &str, for_tests: bool) -> Option<String> {
    let fine = if for_tests { reaches(from, to) } else { allowed(from)?.contains(&to) };
    (!fine).then(|| format!("{from} -> {to} is not an arrow of xtask/src/tidy/arrows.rs"))
}

/// Says that default features may not be taken, if they are.
fn needs_std(from: &str, to: &str, default_features: bool) -> Option<String> {
    let bad = default_features && WITHOUT_DEFAULT_FEATURES.contains(&(from, to));
    bad.then(|| format!("{from} -> {to} must have default-features = false"))
}

/// Whether `to` lies to the right of `from`.
fn reaches(from: &str, to: &str) -> bool {
    allowed(from).unwrap_or_default().iter().any(|next| *next == to || reaches(next, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_outside_the_table_is_caught() {
        assert!(forbidden("isobar-policy", "isobar-os", false).is_some(), "against the arrow");
        assert!(forbidden("isobar", "isobar-namespace", false).is_some(), "past the engine");
        assert!(forbidden("isobar", "isobar-engine", false).is_none());
    }

    #[test]
    fn tests_may_use_what_is_reached_but_never_turn_an_arrow_round() {
        assert!(forbidden("isobar-attack", "isobar-jail", true).is_none());
        assert!(forbidden("isobar-jail", "isobar-attack", true).is_some());
    }

    #[test]
    fn the_table_knows_every_crate_it_names_and_has_no_cycle() {
        for (name, targets) in ARROWS {
            assert!(!reaches(name, name), "{name} reaches itself");
            assert!(targets.iter().all(|target| allowed(target).is_some()), "row of {name}");
        }
    }

    #[test]
    fn an_unknown_crate_is_caught() {
        let metadata = crate::workspace::metadata().unwrap();
        let mut stranger = metadata.workspace_packages()[0].clone();
        stranger.name = "isobar-utils".parse().unwrap();
        stranger.dependencies.clear();
        assert_eq!(check_package(&stranger, &BTreeSet::new()).len(), 1);
    }

    #[test]
    fn default_features_are_caught_where_the_dependent_has_no_std() {
        assert!(needs_std("isobar-init", "isobar-boundary", true).is_some());
        assert!(needs_std("isobar-init", "isobar-boundary", false).is_none());
        assert!(needs_std("isobar-namespace", "isobar-boundary", true).is_none());
    }
}
