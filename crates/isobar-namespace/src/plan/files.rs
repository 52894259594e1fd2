//! Files: the root, grants, tmpfs, workspace.

use isobar_policy::{
    Access, Clause, Code, Fact, FileKind, Grant, GrantOrigin, Hold, Layer, Privilege, Protection,
    RootKind,
};

use super::Draft;
use super::floor::has_landlock;
use crate::payload::{PlannedGrant, PlannedTmpfs};

/// The guest's /tmp where the policy sets no cap. A tmpfs always has one (half of memory is the
/// kernel's own default), so saying none would hide a number; the report prints this one.
const TMP_BYTES: u64 = 1 << 30;
const TMP_INODES: u64 = 262_144;
/// One inode for each page, the kernel's own ratio.
const BYTES_FOR_INODE: u64 = 4096;

pub(super) struct PlannedFiles {
    pub(super) grants: Vec<PlannedGrant>,
    pub(super) tmpfs: Vec<PlannedTmpfs>,
    pub(super) tmp: PlannedTmpfs,
}

pub(super) fn plan(draft: &mut Draft<'_>) -> PlannedFiles {
    root(draft);
    let request = draft.request;
    let mut grants: Vec<_> =
        request.grants.iter().filter_map(|grant| plan_grant(draft, grant)).collect();
    // Parents before what lies below them.
    grants.sort_by(|a, b| a.target.cmp(&b.target));
    report_grants(draft);
    let tmpfs = plan_tmpfs(draft);
    let tmp = plan_tmp(draft);
    workspace_exit(draft);
    PlannedFiles { grants, tmpfs, tmp }
}

fn root(draft: &mut Draft<'_>) {
    match draft.request.policy.fs.root {
        None | Some(RootKind::Host) => {
            let mechanisms = walled(draft, &["read-only bind mounts"]);
            draft.bind(
                Clause::FsRoot,
                "host: /usr and parts of /etc, read-only",
                &mechanisms,
                &["mount:/usr"],
            );
        }
        // Refused by name in `Policy::validate`.
        Some(RootKind::Image) => {}
    }
}

/// The mechanisms, and Landlock where its absence was not accepted.
fn walled(draft: &Draft<'_>, mechanisms: &[&'static str]) -> Vec<&'static str> {
    let landlock = has_landlock(draft).then_some("Landlock");
    mechanisms.iter().copied().chain(landlock).collect()
}

fn clause_of(grant: &Grant) -> Clause {
    match (grant.origin, grant.access) {
        (GrantOrigin::Workspace, _) => Clause::FsWorkspace,
        (GrantOrigin::Toolchain | GrantOrigin::Program, _) => Clause::FsToolchain,
        (GrantOrigin::Policy, Access::Ro) => Clause::FsRo,
        (GrantOrigin::Policy, Access::Rw) => Clause::FsRw,
    }
}

fn plan_grant(draft: &mut Draft<'_>, grant: &Grant) -> Option<PlannedGrant> {
    let clause = clause_of(grant);
    if grant.kind == FileKind::Other {
        draft.refuse(
            Code::ResolveSpecialFile,
            clause,
            format!("{} is neither a directory nor a regular file", grant.source),
            "grant a directory or a file",
        );
        return None;
    }
    if let Some(socket) = &grant.group_socket {
        draft.refuse(
            Code::HostGroupSocket,
            clause,
            format!("{socket} is a socket that your supplementary groups may connect to"),
            "grant a directory without it, or run isobar from a login without that group",
        );
    }
    let map_owner = owner_mapping(draft, grant, clause);
    Some(PlannedGrant {
        slot: grant.slot,
        source: grant.source.clone(),
        target: grant.target.clone(),
        access: grant.access,
        directory: grant.kind == FileKind::Directory,
        device: grant.device,
        inode: grant.inode,
        map_owner,
        protections: protections(draft, grant),
    })
}

/// What of `grant` the guest sees and may not have: another grant may lie over it.
fn protections(draft: &Draft<'_>, grant: &Grant) -> Vec<Protection> {
    let below = |path: &str, above: &str| {
        path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let covered = |protection: &&Protection| {
        let place = place_of(grant, protection);
        let others = draft.request.grants.iter().map(|other| other.target.as_str());
        let tmpfs = draft.request.policy.fs.tmpfs.iter().map(|tmpfs| tmpfs.target.as_str());
        !others.chain(tmpfs).any(|other| {
            other != grant.target && below(other, &grant.target) && below(&place, other)
        })
    };
    grant.protections.iter().filter(covered).cloned().collect()
}

/// Where the guest sees it.
fn place_of(grant: &Grant, protection: &Protection) -> String {
    format!("{}/{}", grant.target, protection.path)
}

/// Root's sandbox runs under numbers of its own, so what a policy grants is mapped to them. The
/// program's own installation is read as everybody may read it.
fn owner_mapping(draft: &mut Draft<'_>, grant: &Grant, clause: Clause) -> Option<(u32, u32)> {
    let maps = match grant.origin {
        GrantOrigin::Policy | GrantOrigin::Workspace => true,
        GrantOrigin::Toolchain | GrantOrigin::Program => false,
    };
    if draft.facts.privilege != Privilege::Root || !maps {
        return None;
    }
    if let Fact::Missing { why, remedy } = draft.facts.layer(Layer::IdmappedMounts) {
        draft.refuse(
            Code::HostIdmap,
            clause,
            format!("{} cannot be mounted with mapped owners: {why}", grant.source),
            remedy,
        );
    }
    Some((grant.uid, grant.gid))
}

/// One line for each clause that grants something, naming what.
fn report_grants(draft: &mut Draft<'_>) {
    for clause in [Clause::FsRo, Clause::FsRw, Clause::FsWorkspace, Clause::FsToolchain] {
        let grants: Vec<_> =
            draft.request.grants.iter().filter(|grant| clause_of(grant) == clause).collect();
        if grants.is_empty() {
            let in_system = clause == Clause::FsToolchain;
            let meaning = if in_system { "in the system's directories" } else { "nothing" };
            draft.unset(clause, meaning);
            continue;
        }
        let asked: Vec<_> = grants.iter().map(|grant| describe(grant)).collect();
        let mut keys: Vec<_> =
            grants.iter().map(|grant| format!("mount:{}", grant.target)).collect();
        for grant in &grants {
            let held = protections(draft, grant);
            keys.extend(held.iter().map(|one| format!("mount:{}", place_of(grant, one))));
        }
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let mut mechanisms = vec!["bind mounts"];
        if draft.facts.privilege == Privilege::Root && clause != Clause::FsToolchain {
            mechanisms.push("idmapped to the guest");
        }
        let mechanisms = walled(draft, &mechanisms);
        draft.bind(clause, asked.join(", "), &mechanisms, &keys);
    }
    // Refused by name in `Policy::validate` where they are set.
    draft.unset(Clause::FsCow, "nothing");
    unprotected(draft);
}

/// Says what stays writable although the host would execute it.
fn unprotected(draft: &mut Draft<'_>) {
    let paths = draft.request.policy.fs.unprotect.join(", ");
    if paths.is_empty() {
        draft.unset(Clause::FsUnprotect, "nothing");
    } else {
        let reason = "it takes a protection away, and nothing can be observed of that";
        draft.bind_supervised(Clause::FsUnprotect, paths, "no read-only mount", reason);
    }
}

fn describe(grant: &Grant) -> String {
    let access = match grant.access {
        Access::Ro => "ro",
        Access::Rw => "rw",
    };
    let held = grant.protections.iter().filter(|one| one.hold == Hold::ReadOnly).count();
    let held = if held == 0 { String::new() } else { format!(", {held} protected") };
    if grant.source == grant.target {
        format!("{access} {}{held}", grant.source)
    } else {
        format!("{access} {} at {}{held}", grant.source, grant.target)
    }
}

fn plan_tmpfs(draft: &mut Draft<'_>) -> Vec<PlannedTmpfs> {
    let specs = &draft.request.policy.fs.tmpfs;
    if specs.is_empty() {
        draft.unset(Clause::FsTmpfs, "nothing");
        return Vec::new();
    }
    let planned: Vec<_> = specs
        .iter()
        .map(|spec| PlannedTmpfs {
            target: spec.target.clone(),
            bytes: spec.size.0,
            inodes: spec.inodes.unwrap_or_else(|| spec.size.0.div_ceil(BYTES_FOR_INODE).max(16)),
        })
        .collect();
    let asked: Vec<_> =
        specs.iter().map(|spec| format!("{} of {}", spec.target, spec.size)).collect();
    let keys: Vec<_> = specs.iter().map(|spec| format!("mount:{}", spec.target)).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    draft.bind(Clause::FsTmpfs, asked.join(", "), &["tmpfs with size and nr_inodes"], &keys);
    planned
}

/// The guest's own /tmp. No grant can take its place: `isobar_policy::check_target` reserves it.
fn plan_tmp(draft: &mut Draft<'_>) -> PlannedTmpfs {
    let limits = &draft.request.policy.limits;
    let (bytes, inodes) = (limits.tmp_bytes, limits.tmp_inodes);
    let own = PlannedTmpfs {
        target: "/tmp".to_owned(),
        bytes: bytes.map_or(TMP_BYTES, |bytes| bytes.0),
        // One more for the directory that the guest sees as /dev/shm.
        inodes: inodes.unwrap_or(TMP_INODES).saturating_add(1),
    };
    let asked =
        bytes.map_or_else(|| "1G, the boundary's own bound".to_owned(), |bytes| bytes.to_string());
    draft.bind(Clause::TmpBytes, asked, &["tmpfs size"], &["mount:/tmp", "mount:/dev/shm"]);
    let asked = inodes.map_or_else(
        || format!("{TMP_INODES}, the boundary's own bound"),
        |inodes| inodes.to_string(),
    );
    draft.bind(Clause::TmpInodes, asked, &["tmpfs nr_inodes"], &["mount:/tmp", "mount:/dev/shm"]);
    own
}

/// Every value is refused by name in `Policy::validate` while no workspace is `cow`.
fn workspace_exit(draft: &mut Draft<'_>) {
    draft.unset(Clause::FsWorkspaceExit, "changes of an rw workspace stay");
}
