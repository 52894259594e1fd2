//! The policy's one contact with the world: paths become descriptors with known identities, the
//! program and what it needs are found, the environment and the working directory are decided.
//!
//! Order: what the policy grants, then the program and its installation, then the script that an
//! interpreter was asked to run, the working directory, the environment. Later steps ask what the
//! earlier ones made visible ([`view::View`]). Nothing is changed on the host.

mod access;
mod argument;
mod bounds;
mod environment;
mod error;
mod file_system;
#[cfg(test)]
mod fuzz;
mod grant;
mod interpreter;
mod lent;
mod open;
mod own_paths;
mod prefix;
mod program;
pub(crate) mod protected;
mod pyenv;
mod script;
mod socket_scan;
mod steering;
#[cfg(test)]
mod tests;
mod text_file;
mod toolchain;
mod view;
mod virtualenv;
mod workdir;

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use isobar_boundary::{Descriptors, ProcessSpec, WindowSize};
use isobar_os::mountinfo::{self, Mount};
use isobar_policy::{
    FileKind, GrantOrigin, Policy, Program, Refusal, Request, ToolchainMode, check_target,
};

use self::error::ResolveError;
use self::grant::{Grants, Terms};
use self::open::Opened;
pub(crate) use self::own_paths::OwnPaths;
use self::toolchain::Installation;
use self::view::{Seen, View};
use crate::ask::Ask;
use crate::caller::{Caller, Credentials};
use crate::report::shown_command;

/// What a boundary plans from, and what travels beside it.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) request: Request,
    pub(crate) descriptors: Descriptors,
    pub(crate) spec: ProcessSpec,
    /// The host paths of `fs.unprotect`, absolute.
    pub(crate) unprotect: Vec<PathBuf>,
}

/// What the steps look at.
pub(super) struct World<'a> {
    pub(super) policy: &'a Policy,
    pub(super) caller: &'a Caller,
    pub(super) credentials: &'a Credentials,
    pub(super) own: &'a OwnPaths,
    /// What is mounted on the host.
    pub(super) mounts: &'a [Mount],
}

impl World<'_> {
    /// What the policy leaves writable although the host would execute it.
    fn unprotected(&self) -> Vec<PathBuf> {
        let paths = self.policy.fs.unprotect.iter();
        paths.map(|path| open::normalised(&self.caller.cwd.join(path))).collect()
    }

    fn finds_toolchain(&self) -> bool {
        self.policy.fs.toolchain.unwrap_or(ToolchainMode::Auto) == ToolchainMode::Auto
    }
}

/// Resolves `ask`.
///
/// # Errors
/// Every refusal of the first step that has any; grants and program count as one step.
pub(crate) fn resolve(
    ask: Ask,
    credentials: &Credentials,
    own: &OwnPaths,
) -> Result<Resolved, Vec<Refusal>> {
    let one = |error: ResolveError| vec![error.refusal(error.clause())];
    let Ask { policy, mut argv, code, cwd, terminal, caller } = ask;
    let command = shown_command(&argv);
    bounds::arguments(&argv).map_err(one)?;
    let mounts = mounts().map_err(one)?;
    let world = World { policy: &policy, caller: &caller, credentials, own, mounts: &mounts };
    let tmpfs = tmpfs_targets(&policy).map_err(one)?;
    let mut refusals = Vec::new();
    let mut grants = Grants::default();
    grants.add_policy(&world, &mut refusals);
    let installation = find_program(&world, (&argv, cwd.as_deref()), &mut grants, &tmpfs)
        .map_err(|error| grant::add_refusal(&mut refusals, error.refusal(error.clause())));
    let Ok(installation) = installation else { return Err(refusals) };
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let program = installation.program.clone();
    rename_program(&mut argv, &program);
    // Source text that stands on the command line is no file, whatever it looks like.
    let script = if code.is_some() || !world.finds_toolchain() {
        None
    } else {
        script::find(&world, &program, &argv)
    };
    let view = View { grants: &grants.list, tmpfs: &tmpfs };
    let place = script.as_ref().map(|script| script.written.as_path());
    let cwd = workdir::choose(&world, cwd.as_deref(), view, place).map_err(one)?;
    if let Some(script) = script {
        script.settle(&world, &mut grants, &tmpfs, &cwd, &mut argv).map_err(one)?;
    }
    grants.sort();
    let view = View { grants: &grants.list, tmpfs: &tmpfs };
    let environment =
        environment::build(&policy.env, &caller, &installation.bins, view).map_err(one)?;
    let argv = bounds::arguments(&argv).map_err(one)?;
    bounds::environment(&argv, &environment.strings).map_err(one)?;
    let spec = ProcessSpec {
        program: c_path(&program).map_err(one)?,
        argv,
        env: environment.strings,
        cwd: c_path(&cwd).map_err(one)?,
        // Its size is the caller's when the process starts.
        terminal: terminal.then(WindowSize::default),
    };
    let unprotect = world.unprotected();
    let request = Request {
        program: Program { path: utf8(&program).map_err(one)?, command },
        cwd: utf8(&cwd).map_err(one)?,
        env_names: environment.names,
        terminal,
        slots: grants.slots,
        grants: grants.list,
        policy,
    };
    Ok(Resolved { request, descriptors: grants.descriptors, spec, unprotect })
}

/// What is mounted now. Without knowing that, nothing can be lent.
fn mounts() -> Result<Vec<Mount>, ResolveError> {
    let path = Path::new("/proc/self/mountinfo");
    let text = std::fs::read(path)
        .map_err(|source| ResolveError::PathDenied { path: path.to_path_buf(), source })?;
    Ok(mountinfo::parse(&String::from_utf8_lossy(&text)))
}

/// The targets of the policy's own tmpfs.
fn tmpfs_targets(policy: &Policy) -> Result<Vec<String>, ResolveError> {
    let targets = policy.fs.tmpfs.iter().map(|tmpfs| check_target(&tmpfs.target));
    targets.collect::<Result<_, _>>().map_err(ResolveError::Target)
}

/// Finds the program and grants what it needs. Beside the command stands the working directory that
/// was asked for.
fn find_program(
    world: &World<'_>,
    (argv, asked): (&[OsString], Option<&str>),
    grants: &mut Grants,
    tmpfs: &[String],
) -> Result<Installation, ResolveError> {
    let (name, arguments) = argv.split_first().ok_or(ResolveError::NoCommand)?;
    // What the guest will see at that path is meant before what the host has there.
    let lent = lent::find(name, asked, grants, tmpfs)?;
    let found = match &lent {
        Some(lent) => lent.host.clone(),
        None => program::find(name, world.caller)?,
    };
    let mut needs = toolchain::locate(world.caller, &found, arguments)?;
    if let Some(lent) = lent {
        needs.program = lent.place;
        needs.lone = None;
        needs.prefixes.retain(|shared| !shared.source.starts_with(&lent.source));
    }
    let view = View { grants: &grants.list, tmpfs };
    // A program that is lent is executed where it was lent.
    if let Some(place) = needs.lone.as_ref().and_then(|real| view.place_of(real)) {
        needs.program = place;
        needs.lone = None;
    }
    if world.finds_toolchain() {
        steering::check(&grants.list, &needs)?;
        grant_installation(world, &needs, grants, tmpfs)?;
    }
    let view = View { grants: &grants.list, tmpfs };
    match view.at(&needs.program) {
        Seen::System => Ok(needs),
        Seen::Granted(host) => {
            check_program(world, grants, &needs.program, &host)?;
            Ok(needs)
        }
        Seen::Directory | Seen::Absent => Err(ResolveError::ToolchainOff { path: needs.program }),
    }
}

fn grant_installation(
    world: &World<'_>,
    needs: &Installation,
    grants: &mut Grants,
    tmpfs: &[String],
) -> Result<(), ResolveError> {
    // Outer directories first: what they hold needs no grant of its own.
    let mut prefixes: Vec<_> = needs.prefixes.iter().collect();
    prefixes.sort_by_key(|shared| shared.target.components().count());
    for shared in prefixes {
        if sees(grants, tmpfs, &shared.target, &shared.source) {
            continue;
        }
        let opened = open::without_links(Path::new("/"), &shared.source)?;
        if opened.kind == FileKind::Directory && closed(world, &opened, 0o5) {
            let Opened { real: path, mode, .. } = opened;
            return Err(ResolveError::ToolchainClosed { path, mode });
        }
        let terms = Terms::read_only(GrantOrigin::Toolchain);
        grants.add_own(world, opened, &shared.target, terms)?;
    }
    let lone = needs.lone.iter().map(|real| (real, &needs.program));
    let files = needs.files.iter().map(|shared| (&shared.source, &shared.target));
    for (source, target) in lone.chain(files) {
        if !sees(grants, tmpfs, target, source) {
            let opened = open::without_links(Path::new("/"), source)?;
            grants.add_own(world, opened, target, Terms::read_only(GrantOrigin::Program))?;
        }
    }
    Ok(())
}

/// Whether the guest already sees the host's `source` at `target`, links inside grants included.
fn sees(grants: &Grants, tmpfs: &[String], target: &Path, source: &Path) -> bool {
    let host = match (View { grants: &grants.list, tmpfs }).at(target) {
        Seen::System => target.to_path_buf(),
        Seen::Granted(host) => host,
        Seen::Directory | Seen::Absent => return false,
    };
    let identity = open::identity(source);
    identity.is_some() && open::identity(&host) == identity
}

/// Whether `opened` lacks the permission bits `wanted` for others, where that matters: as root,
/// the guest is another user, and what belongs to the program is not given to it.
fn closed(world: &World<'_>, opened: &Opened, wanted: u32) -> bool {
    world.credentials.is_root() && opened.mode & wanted != wanted
}

/// Refuses a program of an installation that the guest could not execute.
fn check_program(
    world: &World<'_>,
    grants: &Grants,
    program: &Path,
    host: &Path,
) -> Result<(), ResolveError> {
    let holder = grants
        .list
        .iter()
        .filter(|grant| program.starts_with(&grant.target))
        .max_by_key(|grant| grant.target.len());
    // What a person lends is given to the guest, whoever owns it.
    let lent = holder
        .is_some_and(|grant| matches!(grant.origin, GrantOrigin::Policy | GrantOrigin::Workspace));
    let Ok(real) = std::fs::canonicalize(host) else { return Ok(()) };
    if lent || view::in_system(&real) {
        return Ok(());
    }
    let opened = open::without_links(Path::new("/"), &real)?;
    let (wanted, verb) =
        if interpreter::of_file(&real).is_some() { (0o5, "read") } else { (0o1, "execute") };
    if closed(world, &opened, wanted) {
        let Opened { real: path, mode, .. } = opened;
        return Err(ResolveError::ProgramClosed { path, verb, mode });
    }
    Ok(())
}

/// Lets the program know its own path, where that is none that it could find again: interpreters
/// look for their library beside it. A name that means something to the program stays.
fn rename_program(argv: &mut [OsString], program: &Path) {
    let Some(first) = argv.first_mut() else { return };
    let same_name = Path::new(first).file_name() == program.file_name();
    if !view::in_system(program) && same_name {
        *first = program.as_os_str().to_owned();
    }
}

fn c_path(path: &Path) -> Result<CString, ResolveError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| ResolveError::NotUtf8 { path: path.to_path_buf() })
}

fn utf8(path: &Path) -> Result<String, ResolveError> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| ResolveError::NotUtf8 { path: PathBuf::from(path) })
}
