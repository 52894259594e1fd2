//! The engine: the boundaries of this build, the state directory, what is known of this host.
//!
//! One run goes [`Engine::prepare`] (touches the world, decides, changes nothing) and then
//! [`Engine::run`] (launches, supervises, cleans up). Both may be called from any thread, but a
//! sandbox lives no longer than the thread that runs it.

use std::path::PathBuf;

use isobar_boundary::{Boundary, Leftovers};
use isobar_os::state_dir::StateDir;
use isobar_policy::{BoundaryKind, Code, Diagnostic, HostFacts, Refusal, Report};

use crate::caller::Credentials;
use crate::facts_cache::FactsCache;
use crate::libexec::{self, LibexecError};
use crate::prepare::{self, Prepared};
use crate::resolve::OwnPaths;
use crate::run::{self, Io};
use crate::signals::Signals;
use crate::{Ask, Stop, boundaries};

/// How new facts about the host must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// What an earlier start of this boot learned will do.
    Cached,
    /// Learned now, by trying.
    Fresh,
}

/// Runs commands behind boundaries.
#[derive(Debug)]
pub struct Engine {
    pub(crate) boundaries: Vec<Box<dyn Boundary>>,
    /// Where `isobar-init` is, once it was found; `None` where the boundaries were handed in.
    libexec: Option<Result<PathBuf, LibexecError>>,
    pub(crate) credentials: Credentials,
    pub(crate) cache: FactsCache,
    pub(crate) own: OwnPaths,
}

impl Engine {
    /// An engine that finds the executables that face a guest in the directory that it was built
    /// for (`ISOBAR_LIBEXEC` of the build), else beside the running executable.
    ///
    /// Never fails: what is missing is said by the first call that needs it.
    #[must_use]
    pub fn new() -> Self {
        Self::in_libexec(libexec::directory())
    }

    /// An engine that finds them in `directory`.
    #[must_use]
    pub fn with_libexec(directory: PathBuf) -> Self {
        Self::in_libexec(Ok(directory))
    }

    /// An engine with these boundaries instead of the built-in ones, and its state in `state`:
    /// for tests and for callers that bring a boundary of their own.
    #[must_use]
    pub fn with_boundaries(boundaries: Vec<Box<dyn Boundary>>, state: PathBuf) -> Self {
        let credentials = Credentials::from_process();
        let cache = FactsCache::new(&state, &credentials);
        Self { boundaries, libexec: None, own: OwnPaths::new(state, None), credentials, cache }
    }

    fn in_libexec(directory: Result<PathBuf, LibexecError>) -> Self {
        let credentials = Credentials::from_process();
        let runtime = std::env::var_os("XDG_RUNTIME_DIR");
        let others = StateDir::locations(credentials.uid, runtime.clone());
        let state = StateDir::location(credentials.uid, runtime);
        let cache = FactsCache::new(&state, &credentials);
        let boundaries = boundaries::built(directory.as_deref().unwrap_or(&state));
        let own = OwnPaths::new(state, directory.as_ref().ok().cloned()).with_others(others);
        Self { boundaries, libexec: Some(directory), credentials, cache, own }
    }

    /// The boundaries that are built.
    #[must_use]
    pub fn kinds(&self) -> Vec<BoundaryKind> {
        self.boundaries.iter().map(|boundary| boundary.kind()).collect()
    }

    /// What this host can do for `kind`.
    ///
    /// # Errors
    /// [`Code::HostBoundaryMissing`] where the boundary is not built, [`Code::InitMissing`] or
    /// [`Code::InitOwner`] where what would have to be tried cannot be executed.
    pub fn facts(&self, kind: BoundaryKind, freshness: Freshness) -> Result<HostFacts, Diagnostic> {
        let boundary = self.boundary(kind).map_err(|refusal| Diagnostic::from(&refusal))?;
        self.check_libexec()?;
        Ok(self.facts_of(boundary, freshness).0)
    }

    /// Finds everything that the run needs and plans it: resolves paths and the program, learns
    /// what the host can do, binds every clause. A refusal that rests on cached facts is believed
    /// only after they were learned again.
    ///
    /// # Errors
    /// [`Stop`]; nothing was started and nothing is left.
    pub fn prepare(&self, ask: Ask) -> Result<Prepared, Stop> {
        prepare::prepare(self, ask)
    }

    /// Launches, supervises and cleans up. Every failure is in the report.
    #[must_use]
    pub fn run(&self, prepared: Prepared, io: Io<'_>, signals: Signals) -> Report {
        run::run(self, prepared, io, signals)
    }

    /// Removes what killed supervisors of this user have left: wherever a run, in this environment
    /// or in another, would have had its state. Living sandboxes are not touched. Every run does
    /// this for its own environment as it starts.
    ///
    /// # Errors
    /// [`Code::StateDirectory`]: a state directory cannot be used.
    pub fn collect(&self) -> Result<Leftovers, Diagnostic> {
        let mut found = Leftovers::default();
        for state in self.own.states().filter(|state| state.is_dir()) {
            for boundary in &self.boundaries {
                found += boundary.collect(state)?;
            }
        }
        Ok(found)
    }

    pub(crate) fn boundary(&self, kind: BoundaryKind) -> Result<&dyn Boundary, Refusal> {
        let found = self.boundaries.iter().find(|boundary| boundary.kind() == kind);
        found.map(AsRef::as_ref).ok_or_else(|| Refusal {
            code: Code::HostBoundaryMissing,
            clause: Some(isobar_policy::Clause::Boundary),
            why: format!("this build has no {kind} boundary"),
            remedy: match self.kinds().as_slice() {
                [] => "use a build of isobar that has it".to_owned(),
                kinds => {
                    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
                    format!("use one that is built: {}", names.join(", "))
                }
            },
            acceptable: None,
        })
    }

    pub(crate) fn check_libexec(&self) -> Result<(), Diagnostic> {
        match &self.libexec {
            None => Ok(()),
            Some(Err(error)) => Err(error.diagnostic()),
            Some(Ok(directory)) => {
                libexec::check(directory, self.credentials.uid).map_err(|error| error.diagnostic())
            }
        }
    }

    /// The facts, and how new they are: a cache that has none, or others than can be read now,
    /// probes.
    pub(crate) fn facts_of(
        &self,
        boundary: &dyn Boundary,
        freshness: Freshness,
    ) -> (HostFacts, Freshness) {
        let kind = boundary.kind();
        if freshness == Freshness::Cached
            && let Some(facts) = self.cache.load(kind)
            && boundary.still_holds(&facts)
        {
            return (facts, Freshness::Cached);
        }
        let facts = boundary.probe();
        self.cache.store(kind, &facts);
        (facts, Freshness::Fresh)
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}
