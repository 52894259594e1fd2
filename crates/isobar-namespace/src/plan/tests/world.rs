//! Hosts that lack one thing, and requests that set one clause.

use std::collections::BTreeMap;

use isobar_policy::{
    Acceptance, Access, Bytes, CgroupFact, CgroupVersion, Clause, Controller, Cpus, Fact, FileKind,
    Grant, GrantOrigin, GrantSpec, HostFacts, Layer, NetMode, Policy, Privilege, Program, Request,
    RootKind, Slot, Span, TmpfsSpec, ToolchainMode, WorkspaceExit, WorkspaceMode, WorkspaceSpec,
};

/// What a host lacks; everything else it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    Layer(Layer),
    Controller(Controller),
    /// The controller is there, on a file system that cannot be written.
    ReadOnly(Controller),
    /// Swap is on, and the memory controller does not bound it.
    SwapAccounting,
    /// Landlock works, in an ABI below the floor.
    LandlockAbi(u32),
}

impl Lack {
    pub(super) fn all() -> Vec<Self> {
        let layers = Layer::ALL.into_iter().map(Self::Layer);
        let controllers = Controller::ALL.into_iter().map(Self::Controller);
        let read_only = Controller::ALL.into_iter().map(Self::ReadOnly);
        let rest = [Self::SwapAccounting, Self::LandlockAbi(0), Self::LandlockAbi(1)];
        layers.chain(controllers).chain(read_only).chain(rest).collect()
    }

    /// The name of its column.
    pub(super) fn column(self) -> String {
        match self {
            Self::Layer(layer) => layer.name().replace(' ', "-"),
            Self::Controller(controller) => controller.name().to_owned(),
            Self::ReadOnly(controller) => format!("{}:ro", controller.name()),
            Self::SwapAccounting => "swap".to_owned(),
            Self::LandlockAbi(abi) => format!("abi{abi}"),
        }
    }
}

fn missing(what: &str) -> Fact {
    Fact::Missing { why: format!("{what} is missing"), remedy: format!("install {what}") }
}

/// A host that can do everything.
pub(super) fn capable_host(privilege: Privilege) -> HostFacts {
    let (uid, supplementary_groups) = match privilege {
        Privilege::Root => (0, vec![0]),
        Privilege::User => (1234, vec![27, 1234]),
    };
    let cgroup = |controller: Controller| {
        let directory = format!("/sys/fs/cgroup/{}/", controller.name());
        let version = Some(CgroupVersion::V1);
        (controller, CgroupFact { version, directory, scope: false, fact: Fact::Works })
    };
    HostFacts {
        kernel: "6.1.0".to_owned(),
        machine: "x86_64".to_owned(),
        privilege,
        uid,
        gid: uid,
        supplementary_groups,
        layers: Layer::ALL.into_iter().map(|layer| (layer, Fact::Works)).collect(),
        landlock_abi: 7,
        cgroups: Controller::ALL.into_iter().map(cgroup).collect(),
        swap: false,
        swap_accounting: true,
    }
}

/// The same host with its control groups by another interface.
pub(super) fn by(version: CgroupVersion, mut facts: HostFacts) -> HostFacts {
    facts.cgroups.values_mut().for_each(|group| group.version = Some(version));
    facts
}

/// A host that can do everything but one thing.
pub(super) fn host(privilege: Privilege, lack: Lack) -> HostFacts {
    let mut facts = capable_host(privilege);
    match lack {
        Lack::Layer(layer) => {
            facts.layers.insert(layer, missing(layer.name()));
        }
        Lack::Controller(controller) => {
            facts.cgroups.remove(&controller);
        }
        Lack::ReadOnly(controller) => {
            let fact = Fact::Missing {
                why: "the control group file system is read-only".to_owned(),
                remedy: "mount it read-write".to_owned(),
            };
            if let Some(cgroup) = facts.cgroups.get_mut(&controller) {
                cgroup.fact = fact;
            }
        }
        Lack::SwapAccounting => (facts.swap, facts.swap_accounting) = (true, false),
        Lack::LandlockAbi(abi) => facts.landlock_abi = abi,
    }
    facts
}

/// A host that can do nothing at all.
pub(super) fn bare_host(privilege: Privilege) -> HostFacts {
    let mut facts = capable_host(privilege);
    facts.layers = BTreeMap::new();
    facts.cgroups = BTreeMap::new();
    facts.landlock_abi = 0;
    facts
}

/// A request that asks for nothing.
pub(super) fn empty_request() -> Request {
    Request {
        policy: Policy::empty(),
        grants: Vec::new(),
        program: Program { path: "/usr/bin/true".to_owned(), command: vec!["true".to_owned()] },
        cwd: "/tmp".to_owned(),
        env_names: Vec::new(),
        terminal: false,
        slots: BTreeMap::new(),
    }
}

/// A request that sets exactly one clause.
pub(super) fn request(clause: Clause) -> Request {
    let mut request = empty_request();
    set(&mut request, clause);
    request
}

/// A resolved path.
pub(super) fn grant(request: &mut Request, path: &str, access: Access, origin: GrantOrigin) {
    let slot = Slot(u32::try_from(request.grants.len()).expect("few grants"));
    request.slots.insert(slot, path.to_owned());
    request.grants.push(Grant {
        slot,
        source: path.to_owned(),
        target: path.to_owned(),
        access,
        origin,
        kind: FileKind::Directory,
        device: 2049,
        inode: 4711,
        uid: 1234,
        gid: 1234,
        file_system: "ext4".to_owned(),
        group_socket: None,
        protections: Vec::new(),
    });
}

/// Sets `clause` to something that a user could ask for.
pub(super) fn set(request: &mut Request, clause: Clause) {
    let text = |path: &str| GrantSpec::Text(path.to_owned());
    match clause {
        Clause::FsRo => {
            request.policy.fs.ro.push(text("/srv/ro"));
            grant(request, "/srv/ro", Access::Ro, GrantOrigin::Policy);
        }
        Clause::FsRw => {
            request.policy.fs.rw.push(text("/srv/rw"));
            grant(request, "/srv/rw", Access::Rw, GrantOrigin::Policy);
        }
        Clause::FsWorkspace => {
            let (path, mode) = ("/srv/work".to_owned(), Some(WorkspaceMode::Rw));
            request.policy.fs.workspace = Some(WorkspaceSpec { path, target: None, mode });
            grant(request, "/srv/work", Access::Rw, GrantOrigin::Workspace);
        }
        Clause::FsToolchain => {
            request.policy.fs.toolchain = Some(ToolchainMode::Auto);
            grant(request, "/opt/python", Access::Ro, GrantOrigin::Toolchain);
        }
        Clause::Env => {
            request.policy.env.allow.push("LANG".to_owned());
            request.env_names.push("LANG".to_owned());
        }
        plain => set_plain(&mut request.policy, plain),
    }
}

/// Clauses that need nothing resolved.
fn set_plain(policy: &mut Policy, clause: Clause) {
    let limits = &mut policy.limits;
    match clause {
        Clause::Boundary => policy.boundary = Some(isobar_policy::BoundaryKind::Namespace),
        Clause::FsRoot => policy.fs.root = Some(RootKind::Host),
        Clause::FsCow => policy.fs.cow.push(GrantSpec::Text("/srv/cow".to_owned())),
        Clause::FsTmpfs => policy.fs.tmpfs.push(TmpfsSpec {
            target: "/scratch".to_owned(),
            size: Bytes(1 << 20),
            inodes: None,
        }),
        Clause::FsWorkspaceExit => policy.fs.workspace_exit = Some(WorkspaceExit::Discard),
        Clause::FsUnprotect => policy.fs.unprotect.push("/srv/rw/.github".to_owned()),
        Clause::Net => policy.net.mode = Some(NetMode::None),
        Clause::Memory => limits.memory = Some(Bytes(64 << 20)),
        Clause::Cpus => limits.cpus = Some(Cpus::from_millis(500)),
        Clause::CpuTime => limits.cpu_time = Some(Span::from_millis(1500)),
        Clause::WallTime => limits.wall_time = Some(Span::from_millis(3000)),
        Clause::Pids => limits.pids = Some(32),
        Clause::OpenFiles => limits.open_files = Some(64),
        Clause::FileSize => limits.file_size = Some(Bytes(1 << 20)),
        Clause::TmpBytes => limits.tmp_bytes = Some(Bytes(1 << 20)),
        Clause::TmpInodes => limits.tmp_inodes = Some(100),
        Clause::OutputBytes => limits.output_bytes = Some(Bytes(4096)),
        Clause::Uid => policy.identity.uid = Some(65_533),
        Clause::Gid => policy.identity.gid = Some(65_533),
        Clause::Hostname => policy.identity.hostname = Some("guest".to_owned()),
        Clause::Accept => policy.accept = Acceptance::ALL.to_vec(),
        Clause::FsRo | Clause::FsRw | Clause::FsWorkspace | Clause::FsToolchain | Clause::Env => {
            panic!("{clause} is set by `set`");
        }
    }
}
