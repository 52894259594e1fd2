//! Grants of a root-run sandbox: detached mounts that the supervisor prepares, with owners mapped.
//!
//! An ordinary user's supervisor may not mount; there the stage clones the path itself and checks
//! that it is still the same file.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use isobar_boundary::{Descriptors, LaunchError};
use isobar_jail::{Bind, BindSource};
use isobar_os::Errno;
use isobar_os::idmap::{OwnerMap, user_namespace};
use isobar_os::mount;
use isobar_policy::{Access, Clause, Code, Diagnostic, Privilege, Refusal};

use crate::errors::failed;
use crate::payload::{Planned, PlannedGrant};
use crate::range::Range;
use crate::system::{HARDENED, READ_ONLY};

/// The bind mounts of all grants, in the plan's order.
pub(crate) fn binds(
    planned: &Planned,
    descriptors: &Descriptors,
    range: Option<Range>,
) -> Result<Vec<Bind>, LaunchError> {
    let mut maps = Maps::default();
    planned
        .grants
        .iter()
        .map(|grant| {
            let source = match (planned.privilege, range) {
                (Privilege::Root, Some(range)) => {
                    BindSource::Detached(detached(grant, descriptors, range, &mut maps)?)
                }
                _ => resolved(grant)?,
            };
            Ok(Bind { source, attributes: attributes(grant), directory: grant.directory })
        })
        .collect()
}

const fn attributes(grant: &PlannedGrant) -> isobar_os::raw::MountAttributes {
    match grant.access {
        Access::Ro => READ_ONLY,
        Access::Rw => HARDENED,
    }
}

fn resolved(grant: &PlannedGrant) -> Result<BindSource, LaunchError> {
    let path = CString::new(grant.source.as_str()).map_err(|_| missing(grant))?;
    Ok(BindSource::Resolved { path, device: grant.device, inode: grant.inode })
}

fn missing(grant: &PlannedGrant) -> LaunchError {
    LaunchError::Failed(Diagnostic {
        code: Code::LaunchStep,
        summary: format!("no descriptor came for {}", grant.source),
        causes: Vec::new(),
        remedy: "report this as a bug of isobar".to_owned(),
    })
}

fn detached(
    grant: &PlannedGrant,
    descriptors: &Descriptors,
    range: Range,
    maps: &mut Maps,
) -> Result<OwnedFd, LaunchError> {
    let source = descriptors.get(grant.slot).ok_or_else(|| missing(grant))?;
    let step = |errno: Errno| {
        let error = GrantError { source_path: grant.source.clone(), errno };
        failed(Code::LaunchStep, &error, "check that the path can be bind-mounted")
    };
    let clone = mount::clone_detached(source.as_fd(), grant.directory).map_err(step)?;
    mount::set_attributes(clone.as_fd(), attributes(grant), grant.directory).map_err(step)?;
    if let Some(owner) = grant.map_owner {
        let userns = maps.namespace(owner, range)?;
        mount::map_owners(clone.as_fd(), userns.as_fd())
            .map_err(|errno| unmappable(grant, errno))?;
    }
    Ok(clone)
}

fn unmappable(grant: &PlannedGrant, errno: Errno) -> LaunchError {
    let clause = match grant.access {
        Access::Ro => Clause::FsRo,
        Access::Rw => Clause::FsRw,
    };
    LaunchError::Refused(vec![Refusal {
        code: Code::HostIdmap,
        clause: Some(clause),
        why: format!("the file system of {} cannot map owners ({errno})", grant.source),
        remedy: "copy it to ext4, xfs, btrfs or tmpfs, or run isobar as the owner of the files"
            .to_owned(),
        acceptable: None,
    }])
}

#[derive(Debug, thiserror::Error)]
#[error("cannot prepare the mount of {source_path}")]
struct GrantError {
    source_path: String,
    #[source]
    errno: Errno,
}

/// One user namespace for each owner, since making one costs a process.
#[derive(Debug, Default)]
struct Maps {
    namespaces: BTreeMap<(u32, u32), OwnedFd>,
}

impl Maps {
    fn namespace(&mut self, owner: (u32, u32), range: Range) -> Result<&OwnedFd, LaunchError> {
        use std::collections::btree_map::Entry;
        match self.namespaces.entry(owner) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let (disk_uid, disk_gid) = owner;
                let (host_uid, host_gid) = (range.guest(), range.guest());
                let map = OwnerMap { disk_uid, disk_gid, host_uid, host_gid };
                let made = user_namespace(map).map_err(|error| {
                    failed(
                        Code::LaunchStep,
                        &error,
                        "run `isobar doctor` to see what this host offers",
                    )
                })?;
                Ok(entry.insert(made))
            }
        }
    }
}
