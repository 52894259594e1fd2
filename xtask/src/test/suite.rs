//! Test executables: built by cargo, described by its messages, run by us.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use cargo_metadata::{Artifact, Message, TargetKind};

use super::{Arena, Tally};
use crate::{process, workspace};

/// How long one test executable may run.
pub(crate) const LIMIT: Duration = Duration::from_secs(8 * 60);

/// One executable full of tests.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    pub(crate) package: String,
    pub(crate) target: String,
    /// Below `tests/` of its package.
    pub(crate) integration: bool,
    pub(crate) executable: PathBuf,
    /// Directory of the package, relative to the root of the checkout.
    pub(crate) package_dir: PathBuf,
    /// How many moments of a run it goes through, for a suite that sweeps.
    pub(crate) moments: Option<u32>,
}

impl Suite {
    fn of_artifact(artifact: &Artifact) -> Option<Self> {
        let executable = artifact.executable.clone().filter(|_| artifact.profile.test)?;
        let package_dir = artifact.manifest_path.parent()?.strip_prefix(workspace::root()).ok()?;
        Some(Self {
            package: package_dir.file_name()?.to_owned(),
            target: artifact.target.name.clone(),
            integration: artifact.target.kind.contains(&TargetKind::Test),
            executable: executable.into_std_path_buf(),
            package_dir: package_dir.to_owned().into_std_path_buf(),
            moments: None,
        })
    }

    /// Name for people and for files: package, and the target where that is another.
    pub(crate) fn name(&self) -> String {
        if self.integration {
            format!("{}-tests-{}", self.package, self.target)
        } else if self.target.replace('_', "-") == self.package {
            self.package.clone()
        } else {
            format!("{}-{}", self.package, self.target)
        }
    }

    pub(crate) fn is_integration_of(&self, package: &str) -> bool {
        self.integration && self.package == package
    }
}

/// Builds all tests of the workspace; returns one suite per executable, in order of name.
pub(crate) fn build() -> Result<Vec<Suite>> {
    build_some(&[])
}

/// Builds the integration tests of these names, or all tests where there are none. The features are
/// those of the whole workspace either way, so that nothing is compiled twice.
pub(crate) fn build_some(targets: &[&str]) -> Result<Vec<Suite>> {
    let mut cargo = process::cargo();
    cargo.args(["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    for target in targets {
        cargo.args(["--test", target]);
    }
    println!("$ {}", process::line_of(&cargo));
    let messages = process::capture(cargo.stdin(Stdio::null()))?;
    let mut suites = Vec::new();
    for message in Message::parse_stream(messages.as_bytes()) {
        if let Message::CompilerArtifact(artifact) = message.context("unreadable cargo message")? {
            suites.extend(Suite::of_artifact(&artifact));
        }
    }
    suites.sort_by_key(Suite::name);
    println!("{} test executables", suites.len());
    Ok(suites)
}

/// Runs the examples in doc comments. Only cargo can: they are compiled one by one.
pub(crate) fn doc_tests(arena: &Arena) -> Result<Tally> {
    let mut cargo = process::cargo();
    cargo.args(["test", "--workspace", "--doc"]);
    arena.run(&mut cargo, "doc-tests")
}

/// The fixtures of the source tree at `root`, if it has any.
pub(crate) fn fixtures(root: &Path) -> Option<PathBuf> {
    Some(root.join("tests/fixtures")).filter(|dir| dir.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(package: &str, target: &str, integration: bool) -> Suite {
        let (executable, package_dir) = (PathBuf::new(), PathBuf::new());
        let (package, target) = (package.to_owned(), target.to_owned());
        Suite { package, target, integration, executable, package_dir, moments: None }
    }

    #[test]
    fn names_are_distinct_for_the_targets_of_one_package() {
        assert_eq!(suite("isobar-os", "isobar_os", false).name(), "isobar-os");
        assert_eq!(suite("isobar", "isobar", true).name(), "isobar-tests-isobar");
        assert_eq!(suite("isobar", "run", true).name(), "isobar-tests-run");
    }

    #[test]
    fn only_integration_tests_are_the_behaviour_suite() {
        assert!(suite("isobar", "run", true).is_integration_of("isobar"));
        assert!(!suite("isobar", "isobar", false).is_integration_of("isobar"));
    }
}
