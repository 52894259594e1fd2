//! From a plan to the description of the jailed process.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use isobar_jail::{
    Bind, ClockOffsets, Confinement, Entry, Execution, Identity, JailSpec, LandlockRule,
    LandlockSpec, ResourceLimit, RootError, RootSpec,
};
use isobar_os::capability;
use isobar_os::cgroup::Entrance;
use isobar_os::landlock;
use isobar_os::namespaces::NamespaceKind;
use isobar_os::seccomp::{DeniedAnswer, Filter, FilterRequest, ProcessRule, assemble};
use isobar_policy::{Access, Hold, Privilege};
use rustix::process::{Resource, getrlimit};

use crate::payload::{CpuTimeLimit, MemoryLimit, PidsLimit, Planned, PlannedLimits, PlannedTmpfs};
use crate::range::Range;
use crate::system::{self, HARDENED, READ_ONLY};

/// The number that `isobar-init` has inside a root-run sandbox. The guest never has it: a policy's
/// numbers end at 65533, and 65534 is what the kernel shows for everybody who is not mapped.
const AGENT_ID: u32 = 65_536;
/// A file that only Landlock denies, so that its domain can be probed.
pub(crate) const CANARY: &str = "/.isobar";
/// A device on which only Landlock denies ioctl calls, with EACCES instead of ENOTTY.
const IOCTL_CANARY: &str = "/dev/full";
/// Where the agent speaks, and where it gets channels.
const AGENT_STREAM: i32 = 3;
const CHANNEL_SOCKET: i32 = 4;

/// What comes from outside the plan.
pub(crate) struct Ingredients {
    pub(crate) binds: Vec<Bind>,
    pub(crate) range: Option<Range>,
    pub(crate) entrance: Entrance,
    pub(crate) filter: Filter,
    pub(crate) program: OwnedFd,
    pub(crate) null: [OwnedFd; 3],
    pub(crate) stream: OwnedFd,
    pub(crate) channels: OwnedFd,
    pub(crate) home: String,
    pub(crate) clocks: Option<ClockOffsets>,
}

/// The filter for a plan. Where the agent shares the guest's number, calls on other processes'
/// limits and scheduling are denied, since the agent would be among them.
pub(crate) fn filter(planned: &Planned) -> Filter {
    let processes = match planned.privilege {
        Privilege::Root => ProcessRule::Any,
        Privilege::User => ProcessRule::SelfOnly,
    };
    assemble(&FilterRequest { processes, denied: DeniedAnswer::Errno })
}

/// Capabilities of the agent: what it needs to start the guest under its own number and to signal
/// it. Only a root-run sandbox has them.
pub(crate) const fn agent_capabilities(privilege: Privilege) -> u64 {
    match privilege {
        Privilege::Root => {
            capability::mask(capability::KILL)
                | capability::mask(capability::SETGID)
                | capability::mask(capability::SETUID)
                | capability::mask(capability::SETPCAP)
        }
        Privilege::User => 0,
    }
}

/// The identity maps as the kernel prints them back, in the order in which they are written.
pub(crate) fn map_texts(planned: &Planned, range: Option<Range>) -> (String, String) {
    match range {
        Some(range) => {
            let line = |inside: u32| {
                format!("{inside} {} 1, {AGENT_ID} {} 1", range.guest(), range.agent())
            };
            (line(planned.uid), line(planned.gid))
        }
        None => (
            format!("{} {} 1", planned.uid, planned.host_uid),
            format!("{} {} 1", planned.gid, planned.host_gid),
        ),
    }
}

fn identity(planned: &Planned, range: Option<Range>) -> Identity {
    if range.is_none() {
        let (host_uid, host_gid) = (planned.host_uid, planned.host_gid);
        return Identity::Own { uid: planned.uid, gid: planned.gid, host_uid, host_gid };
    }
    let (uid_map, gid_map) = map_texts(planned, range);
    let lines = |text: &str| format!("{}\n", text.replace(", ", "\n"));
    Identity::Mapped {
        uid_map: lines(&uid_map),
        gid_map: lines(&gid_map),
        uid: AGENT_ID,
        gid: AGENT_ID,
    }
}

/// Offsets with which the guest's clocks start near zero, so that they tell nothing of the host.
pub(crate) fn clocks(planned: &Planned) -> Option<ClockOffsets> {
    use rustix::time::{ClockId, clock_gettime};
    let from_zero = |clock| -clock_gettime(clock).tv_sec;
    let (monotonic, boottime) = (from_zero(ClockId::Monotonic), from_zero(ClockId::Boottime));
    planned.time_namespace.then_some(ClockOffsets { monotonic, boottime })
}

/// Namespaces beside user and process ones.
pub(crate) fn namespaces(planned: &Planned) -> Vec<NamespaceKind> {
    let mut kinds =
        vec![NamespaceKind::Mount, NamespaceKind::Net, NamespaceKind::Ipc, NamespaceKind::Uts];
    if planned.cgroup_namespace {
        kinds.push(NamespaceKind::Cgroup);
    }
    if planned.time_namespace {
        kinds.push(NamespaceKind::Time);
    }
    kinds
}

/// Puts everything together.
pub(crate) fn build(planned: &Planned, mut with: Ingredients) -> Result<JailSpec, RootError> {
    let binds = std::mem::take(&mut with.binds);
    let mut rules = Vec::new();
    let root = root(planned, binds, &with.home, &mut rules)?;
    let landlock = planned.landlock_abi.map(|abi| LandlockSpec { abi, rules });
    let [null_in, null_out, null_err] = with.null;
    Ok(JailSpec {
        identity: identity(planned, with.range),
        namespaces: namespaces(planned),
        root,
        clocks: with.clocks,
        hostname: CString::new(planned.hostname.as_str()).ok(),
        groups: with.entrance.tasks,
        unified_group: with.entrance.unified,
        limits: resource_limits(&planned.limits, planned.privilege),
        late: Confinement {
            enforce: true,
            keep_capabilities: agent_capabilities(planned.privilege),
            landlock,
            filter: Some(with.filter),
        },
        descriptors: vec![
            (null_in, 0),
            (null_out, 1),
            (null_err, 2),
            (with.stream, AGENT_STREAM),
            (with.channels, CHANNEL_SOCKET),
        ],
        announce: AGENT_STREAM,
        execution: Execution {
            program: with.program,
            argv: vec![c"isobar-init".to_owned()],
            envp: Vec::new(),
        },
    })
}

fn root(
    planned: &Planned,
    binds: Vec<Bind>,
    home: &str,
    rules: &mut Vec<LandlockRule>,
) -> Result<RootSpec, RootError> {
    let mut root = RootSpec::new();
    let mut rule = |path: &str, access: u64| {
        if let Ok(path) = CString::new(path) {
            rules.push(LandlockRule { path, access, optional: false });
        }
    };
    let own = system::place(&mut root)?;
    for path in std::iter::once("/usr").chain(own) {
        rule(path, landlock::READ_ONLY);
    }
    for (path, content) in crate::etc::files(planned.uid, planned.gid, &planned.hostname, home) {
        root.place(path, Entry::File { mode: 0o644, content })?;
    }
    rule("/etc", landlock::READ_FILE);
    // Listing the root tells nothing that was not put there for the guest; reading is granted
    // directory by directory, and never for the canary.
    rule("/", landlock::READ_DIR);
    root.place(CANARY, Entry::File { mode: 0o644, content: Vec::new() })?;
    system::place_devices(&mut root)?;
    let terminal = planned.terminal.then_some(system::TERMINAL);
    if let Some(device) = terminal {
        system::place_device(&mut root, device)?;
    }
    for (path, _) in system::DEVICES.into_iter().chain(terminal) {
        // One device that has no ioctl calls is left without the right, so that the agent can see
        // that the ruleset handles it.
        let ioctl = if path == IOCTL_CANARY { 0 } else { landlock::IOCTL_DEV };
        rule(path, landlock::READ_FILE | landlock::WRITE_FILE | landlock::TRUNCATE | ioctl);
    }
    rule("/dev/pts", landlock::READ_FILE | landlock::WRITE_FILE | landlock::IOCTL_DEV);
    system::place_proc(&mut root)?;
    rule("/proc", landlock::READ_FILE | landlock::WRITE_FILE);
    for (target, access, entry) in asked_for(planned, binds)? {
        rule(target, access);
        root.place(target, entry)?;
    }
    for (target, entry) in protected(planned) {
        root.place(&target, entry)?;
    }
    // After what was asked for, which may stand in their place.
    for path in ["/run", "/home", "/root", "/srv", "/opt", "/var"] {
        if !root.has(path) {
            root.place(path, Entry::Directory { mode: 0o755 })?;
        }
    }
    // A lent /var has one of its own, or none: nothing of ours is made inside a host directory.
    let lent = planned.grants.iter().any(|grant| grant.target == "/var");
    if !lent && !root.has("/var/tmp") {
        root.place("/var/tmp", Entry::Link { target: c"/tmp".to_owned() })?;
    }
    Ok(root)
}

/// `/tmp`, the policy's own tmpfs, `/dev/shm`, which is a part of `/tmp` so that one bound holds both,
/// and the grants: each before what lies below it, so that file systems in memory and host
/// directories nest either way.
fn asked_for(planned: &Planned, binds: Vec<Bind>) -> Result<Vec<(&str, u64, Entry)>, RootError> {
    let tmp = &planned.tmp;
    let mut all = vec![(tmp.target.as_str(), landlock::READ_WRITE, tmpfs(tmp)?)];
    all.push(("/tmp/.shm", landlock::READ_WRITE, Entry::Directory { mode: 0o1777 }));
    for one in &planned.tmpfs {
        all.push((one.target.as_str(), landlock::READ_WRITE, tmpfs(one)?));
    }
    for (bind, grant) in binds.into_iter().zip(&planned.grants) {
        let access = match grant.access {
            Access::Ro => landlock::READ_ONLY,
            Access::Rw => landlock::READ_WRITE,
        };
        all.push((grant.target.as_str(), access, Entry::Bind(bind)));
    }
    // A path sorts before every path that it begins.
    all.sort_by_key(|(target, _, _)| *target);
    let shm = Entry::Alias { of: c"tmp/.shm".to_owned(), attributes: HARDENED };
    all.push(("/dev/shm", landlock::READ_WRITE, shm));
    Ok(all)
}

/// What the host would execute, each after the directories that hold it in its place.
fn protected(planned: &Planned) -> Vec<(String, Entry)> {
    let mut all: Vec<_> = planned
        .grants
        .iter()
        .flat_map(|grant| grant.protections.iter().map(move |one| (grant, one)))
        .map(|(grant, one)| {
            let attributes = match one.hold {
                Hold::ReadOnly => READ_ONLY,
                Hold::InPlace => HARDENED,
            };
            (format!("{}/{}", grant.target, one.path), Entry::Protect { attributes })
        })
        .collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

fn tmpfs(one: &PlannedTmpfs) -> Result<Entry, RootError> {
    let decimal = |number: u64| {
        CString::new(number.to_string())
            .map_err(|_| RootError::Target { target: one.target.clone() })
    };
    Ok(Entry::Tmpfs {
        size: decimal(one.bytes)?,
        inodes: decimal(one.inodes)?,
        mode: c"1777".to_owned(),
        attributes: HARDENED,
    })
}

/// Resource limits: those of the floor, and what the policy bound to one.
pub(crate) fn resource_limits(limits: &PlannedLimits, privilege: Privilege) -> Vec<ResourceLimit> {
    /// `RLIMIT_*` (asm-generic/resource.h).
    const CPU: u32 = 0;
    const FSIZE: u32 = 1;
    const DATA: u32 = 2;
    const CORE: u32 = 4;
    const NPROC: u32 = 6;
    const NOFILE: u32 = 7;
    const MEMLOCK: u32 = 8;
    const SIGPENDING: u32 = 11;
    const MSGQUEUE: u32 = 12;
    const RTPRIO: u32 = 14;
    let same = |resource, line, value| ResourceLimit { resource, line, soft: value, hard: value };
    let mut all = vec![
        same(CORE, "Max core file size", core_limit()),
        same(RTPRIO, "Max realtime priority", 0),
        lowered(SIGPENDING, "Max pending signals", Resource::Sigpending, MOST_SIGNALS),
        lowered(MSGQUEUE, "Max msgqueue size", Resource::Msgqueue, MOST_QUEUE_BYTES),
        lowered(MEMLOCK, "Max locked memory", Resource::Memlock, MOST_LOCKED_BYTES),
    ];
    if let Some(files) = limits.open_files {
        all.push(same(NOFILE, "Max open files", files));
    }
    if let Some(bytes) = limits.file_bytes {
        all.push(same(FSIZE, "Max file size", bytes));
    }
    if let Some(MemoryLimit::PerProcess(bytes)) = limits.memory {
        all.push(same(DATA, "Max data size", bytes));
    }
    if let Some(CpuTimeLimit::PerProcess(millis)) = limits.cpu_time {
        let seconds = millis.div_ceil(1000);
        // SIGXCPU at the soft limit tells it apart from any other SIGKILL.
        all.push(ResourceLimit {
            resource: CPU,
            line: "Max cpu time",
            soft: seconds,
            hard: seconds + 1,
        });
    }
    if let Some(PidsLimit::UserNamespace(tasks)) = limits.pids {
        // An ordinary user's agent has the guest's number and counts too.
        let agent = u64::from(privilege == Privilege::User);
        all.push(same(NPROC, "Max processes", u64::from(tasks) + agent));
    }
    all
}

/// Queued signals and timers of a whole sandbox. What it queues counts for its caller's user, too,
/// none of whose programs could queue one any more (getrlimit(2), RLIMIT_SIGPENDING).
const MOST_SIGNALS: u64 = 1024;
/// POSIX message queues, in bytes: the kernel's own default (linux/mqueue.h, MQ_BYTES_MAX).
const MOST_QUEUE_BYTES: u64 = 819_200;
/// Locked memory, in bytes: the kernel's own default since 5.16 (linux/resource.h, MLOCK_LIMIT).
const MOST_LOCKED_BYTES: u64 = 8 << 20;

/// A limit of the floor that never raises what the caller has.
fn lowered(resource: u32, line: &'static str, own: Resource, most: u64) -> ResourceLimit {
    let own = getrlimit(own);
    let at_most = |value: Option<u64>| value.map_or(most, |value| value.min(most));
    ResourceLimit { resource, line, soft: at_most(own.current), hard: at_most(own.maximum) }
}

/// 1 byte, not 0: no core file is that small, and it is the one value that also keeps the kernel from
/// starting a `core_pattern` program, which would run as the host's root on the guest's behalf
/// (core(5), fs/coredump.c). A caller whose own hard limit is 0 cannot raise it.
fn core_limit() -> u64 {
    getrlimit(Resource::Core).maximum.map_or(1, |most| most.min(1))
}
