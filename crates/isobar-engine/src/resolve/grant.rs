//! Collecting what the guest will see of the host.
//!
//! Each grant keeps the descriptor that was opened for it, in a slot beside the request, so that
//! the boundary mounts what was looked at here and not what has the name later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use isobar_boundary::Descriptors;
use isobar_policy::{
    Access, Clause, Code, FileKind, Grant, GrantOrigin, GrantSpec, Protection, Refusal, Slot,
    WorkspaceMode, WorkspaceSpec, check_target,
};

use super::World;
use super::error::ResolveError;
use super::file_system;
use super::open::{self, Opened};
use super::{protected, socket_scan};

/// Each grant costs a mount, a rule and some lines of a report. A policy that needs more of them
/// grants a directory above.
pub(super) const MAX_GRANTS: usize = 256;

/// Places that are never granted, with what is below them: the guest has its own.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// The grants so far.
#[derive(Debug, Default)]
pub(super) struct Grants {
    pub(super) list: Vec<Grant>,
    pub(super) descriptors: Descriptors,
    pub(super) slots: BTreeMap<Slot, String>,
}

/// How one grant is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) access: Access,
    pub(super) origin: GrantOrigin,
}

/// What was found below a path.
struct Below {
    group_socket: Option<PathBuf>,
    protections: Vec<Protection>,
}

impl Terms {
    /// What belongs to the program is read-only.
    pub(super) const fn read_only(origin: GrantOrigin) -> Self {
        Self { access: Access::Ro, origin }
    }
}

impl Grants {
    /// Adds what the policy's `[fs]` section grants; collects every refusal.
    pub(super) fn add_policy(&mut self, world: &World<'_>, refusals: &mut Vec<Refusal>) {
        let fs = &world.policy.fs;
        for (clause, specs, access) in
            [(Clause::FsRo, &fs.ro, Access::Ro), (Clause::FsRw, &fs.rw, Access::Rw)]
        {
            for spec in specs {
                let terms = Terms { access, origin: GrantOrigin::Policy };
                if let Err(error) = self.add_spec(world, spec, terms) {
                    add_refusal(refusals, error.refusal(Some(clause)));
                }
            }
        }
        if let Some(workspace) = &fs.workspace
            && let Err(error) = self.add_workspace(world, workspace)
        {
            add_refusal(refusals, error.refusal(Some(Clause::FsWorkspace)));
        }
    }

    fn add_spec(
        &mut self,
        world: &World<'_>,
        spec: &GrantSpec,
        terms: Terms,
    ) -> Result<(), ResolveError> {
        let opened = open::without_links(&world.caller.cwd, Path::new(spec.path()))?;
        let target = spec.target().map(str::to_owned);
        self.add_lent(world, opened, target, terms)
    }

    fn add_workspace(
        &mut self,
        world: &World<'_>,
        spec: &WorkspaceSpec,
    ) -> Result<(), ResolveError> {
        let opened = open::without_links(&world.caller.cwd, Path::new(&spec.path))?;
        if opened.kind != FileKind::Directory {
            return Err(ResolveError::WorkspaceKind { path: opened.real });
        }
        let access = match spec.mode.unwrap_or(WorkspaceMode::Rw) {
            WorkspaceMode::Ro => Access::Ro,
            // `cow` was refused with the policy; until it is built it must not turn into `rw`.
            WorkspaceMode::Cow => Access::Ro,
            WorkspaceMode::Rw => Access::Rw,
        };
        let terms = Terms { access, origin: GrantOrigin::Workspace };
        self.add_lent(world, opened, spec.target.clone(), terms)
    }

    /// Adds what a person lends: it is searched for sockets that only a group opens.
    fn add_lent(
        &mut self,
        world: &World<'_>,
        opened: Opened,
        target: Option<String>,
        terms: Terms,
    ) -> Result<(), ResolveError> {
        let target = match target {
            Some(target) => target,
            None => opened.text()?.to_owned(),
        };
        check_source(world, &opened, terms.access)?;
        let target = check_target(&target).map_err(ResolveError::Target)?;
        let socket = socket_scan::search(&opened, world.credentials)?;
        let protections = match terms.access {
            Access::Ro => Vec::new(),
            Access::Rw => protected::protections(&opened, &world.unprotected())?,
        };
        self.push(opened, target, terms, Below { group_socket: socket, protections })
    }

    /// Adds what belongs to the program, at `target`. What is there already stays.
    pub(super) fn add_own(
        &mut self,
        world: &World<'_>,
        opened: Opened,
        target: &Path,
        terms: Terms,
    ) -> Result<(), ResolveError> {
        check_source(world, &opened, terms.access)?;
        let target =
            target.to_str().ok_or_else(|| ResolveError::NotUtf8 { path: target.to_path_buf() })?;
        let target = check_target(target).map_err(ResolveError::Target)?;
        if self.list.iter().any(|grant| grant.target == target) {
            return Ok(());
        }
        let socket = socket_scan::search(&opened, world.credentials)?;
        let below = Below { group_socket: socket, protections: Vec::new() };
        self.push(opened, target, terms, below)
    }

    fn push(
        &mut self,
        opened: Opened,
        target: String,
        terms: Terms,
        below: Below,
    ) -> Result<(), ResolveError> {
        if let Some(taken) = self.list.iter().find(|grant| grant.target == target) {
            let by = taken.source.clone();
            return Err(ResolveError::TargetTaken { target, by });
        }
        if self.list.len() >= MAX_GRANTS {
            return Err(ResolveError::TooMany { limit: MAX_GRANTS });
        }
        let source = opened.text()?.to_owned();
        let access = match terms.access {
            Access::Ro => "ro",
            Access::Rw => "rw",
        };
        let slot = self.descriptors.push(opened.descriptor);
        self.slots.insert(slot, format!("{access} {source}"));
        self.list.push(Grant {
            slot,
            source,
            target,
            access: terms.access,
            origin: terms.origin,
            kind: opened.kind,
            device: opened.identity.device,
            inode: opened.identity.inode,
            uid: opened.uid,
            gid: opened.gid,
            file_system: opened.file_system,
            group_socket: below.group_socket.map(|path| path.to_string_lossy().into_owned()),
            protections: below.protections,
        });
        Ok(())
    }

    /// Puts each grant after those that its target lies below, so that mounts go from outside to
    /// inside.
    pub(super) fn sort(&mut self) {
        self.list.sort_by(|a, b| Path::new(&a.target).cmp(Path::new(&b.target)));
    }
}

/// Adds `refusal`. That there are too many grants is said once, not for each that is too many.
pub(super) fn add_refusal(refusals: &mut Vec<Refusal>, refusal: Refusal) {
    let same = |one: &Refusal| one.code == refusal.code;
    if refusal.code != Code::ResolveTooManyGrants || !refusals.iter().any(same) {
        refusals.push(refusal);
    }
}

/// Refuses what no clause may give to a guest.
fn check_source(world: &World<'_>, opened: &Opened, access: Access) -> Result<(), ResolveError> {
    let path = &opened.real;
    if path.parent().is_none() {
        let what = "is the host's whole file system";
        return Err(ResolveError::Kernel { path: path.clone(), what });
    }
    if KERNEL.iter().any(|root| path.starts_with(root)) {
        let what = "belongs to the host's kernel, and the guest has its own";
        return Err(ResolveError::Kernel { path: path.clone(), what });
    }
    if let Some(mount) = file_system::kernel_mount(world.mounts, path) {
        let (path, kind) = (path.clone(), mount.kind.clone());
        return Err(ResolveError::KernelMount { path, mount: PathBuf::from(&mount.point), kind });
    }
    world.own.check(opened, access)
}
