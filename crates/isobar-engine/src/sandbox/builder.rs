//! From calls to a policy. Nothing is judged here: what is wrong is refused when a command is
//! planned, all of it at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use isobar_policy::{
    Acceptance, BoundaryKind, Bytes, Cpus, GrantPath, GrantSpec, Policy, Span, TmpfsSpec,
    WorkspaceMode, WorkspaceSpec, profile,
};

use crate::{Engine, Sandbox};

/// Builds a [`Sandbox`]. Each call sets the clause of its name; the last one wins for a single
/// value, grants and variables add up.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until build() is called"]
pub struct SandboxBuilder {
    policy: Policy,
    libexec: Option<PathBuf>,
}

impl SandboxBuilder {
    #[expect(clippy::expect_used, reason = "an empty policy in its place would be a looser one")]
    pub(super) fn new() -> Self {
        let policy = profile("default").expect("compiled in, and parsed by the tests of its crate");
        Self { policy, libexec: None }
    }

    /// Starts over from `policy` alone, without a profile below it: what it does not set binds
    /// nothing. `profile("strict")` of [`isobar_policy`] gives one to start from, and
    /// [`Policy::overlaid`] lays a parsed file over it.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The boundary to run behind; `namespace` where never set.
    pub fn boundary(mut self, kind: BoundaryKind) -> Self {
        self.policy.boundary = Some(kind);
        self
    }

    /// Lends a host directory, which becomes the working directory; the guest sees it at `target`,
    /// or at its own path.
    pub fn workspace<'t>(
        mut self,
        path: impl AsRef<Path>,
        target: impl Into<Option<&'t str>>,
        mode: WorkspaceMode,
    ) -> Self {
        self.policy.fs.workspace = Some(WorkspaceSpec {
            path: text(path.as_ref()),
            target: target.into().map(str::to_owned),
            mode: Some(mode),
        });
        self
    }

    /// Lets the guest read a host path, seen at `target`, or at its own path.
    pub fn ro<'t>(mut self, path: impl AsRef<Path>, target: impl Into<Option<&'t str>>) -> Self {
        self.policy.fs.ro.push(grant(path.as_ref(), target.into()));
        self
    }

    /// Lets the guest change a host path, seen at `target`, or at its own path.
    pub fn rw<'t>(mut self, path: impl AsRef<Path>, target: impl Into<Option<&'t str>>) -> Self {
        self.policy.fs.rw.push(grant(path.as_ref(), target.into()));
        self
    }

    /// An empty file system in memory at `target` that holds at most `size` bytes.
    pub fn tmpfs(mut self, target: impl Into<String>, size: Bytes) -> Self {
        self.policy.fs.tmpfs.push(TmpfsSpec { target: target.into(), size, inodes: None });
        self
    }

    /// Sets a variable of the guest's environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.policy.env.set.insert(name.into(), value.into());
        self
    }

    /// Passes a variable of the caller's on; a trailing `*` matches a prefix.
    pub fn env_allow(mut self, name: impl Into<String>) -> Self {
        self.policy.env.allow.push(name.into());
        self
    }

    /// Time from the program's start until the sandbox is killed, to the millisecond.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.policy.limits.wall_time = Some(span(time));
        self
    }

    /// Processor time of the whole sandbox, user and system, to the millisecond.
    pub fn cpu_time(mut self, time: Duration) -> Self {
        self.policy.limits.cpu_time = Some(span(time));
        self
    }

    /// Bytes of memory of the whole sandbox, swap included.
    pub fn memory(mut self, bytes: Bytes) -> Self {
        self.policy.limits.memory = Some(bytes);
        self
    }

    /// Processors at a time.
    pub fn cpus(mut self, cpus: Cpus) -> Self {
        self.policy.limits.cpus = Some(cpus);
        self
    }

    /// Processes and threads of the guest at a time.
    pub fn pids(mut self, count: u32) -> Self {
        self.policy.limits.pids = Some(count);
        self
    }

    /// Accepts a weaker form of a clause, by name; each report repeats it.
    pub fn accept(mut self, one: Acceptance) -> Self {
        if !self.policy.accepts(one) {
            self.policy.accept.push(one);
        }
        self
    }

    /// The directory that holds `isobar-init` and whatever else faces a guest. Where never set: the
    /// one compiled in (`ISOBAR_LIBEXEC` of the build), else the directory of the running program.
    pub fn libexec(mut self, directory: impl Into<PathBuf>) -> Self {
        self.libexec = Some(directory.into());
        self
    }

    /// The sandbox. Touches nothing: what is wrong is in the report of the first command.
    #[must_use]
    pub fn build(self) -> Sandbox {
        let engine = self.libexec.map_or_else(Engine::new, Engine::with_libexec);
        Sandbox { engine, policy: self.policy }
    }
}

fn grant(path: &Path, target: Option<&str>) -> GrantSpec {
    GrantSpec::Full(GrantPath { path: text(path), target: target.map(str::to_owned), size: None })
}

/// Policies are text. A path that is none gets the replacement character, names nothing that is
/// there, and is refused with its clause.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Whole milliseconds, a part of one counted as one: only zero is zero, and that is refused.
fn span(time: Duration) -> Span {
    let millis = time.as_nanos().div_ceil(1_000_000);
    Span::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_never_rounded_to_nothing() {
        assert_eq!(span(Duration::ZERO).millis(), 0, "a zero is the caller's, and refused");
        assert_eq!(span(Duration::from_nanos(1)).millis(), 1, "no limit becomes a zero by itself");
        assert_eq!(span(Duration::from_millis(1500)).millis(), 1500);
        assert_eq!(span(Duration::MAX).millis(), u64::MAX, "and none wraps round");
    }

    #[test]
    fn a_path_with_a_colon_stays_one_path() {
        let GrantSpec::Full(grant) = grant(Path::new("/a:b"), None) else {
            panic!("a text would be cut at the colon")
        };
        assert_eq!((grant.path.as_str(), grant.target), ("/a:b", None));
    }
}
