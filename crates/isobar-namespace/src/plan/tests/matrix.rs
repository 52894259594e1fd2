//! The matrix: clause × what the host lacks × who runs it × version of the control groups.
//!
//! One character a cell:
//!
//! - `=` bound exactly as on a host that lacks nothing;
//! - `o` bound by the other mechanism that [`OTHER`] names;
//! - `a` the missing layer is left out, as accepted, and nothing is refused;
//! - `C` refused, by the clause alone, with the code of [`clause_code`];
//! - `F` refused, by the floor alone, with the code of [`floor_code`];
//! - `n` refused on every host, since it is not built yet;
//! - `N` refused as not built, and by the floor.

use std::collections::BTreeMap;

use isobar_policy::{
    Acceptance, Binding, CgroupVersion, Clause, Code, Controller, HostFacts, Layer, Plan,
    Privilege, Refusal,
};

use super::super::plan;
use super::world::{Lack, by, capable_host, host, request};

/// Hosts have their controllers by either interface; what is refused is the same.
const VERSIONS: [CgroupVersion; 2] = [CgroupVersion::V1, CgroupVersion::V2];

/// The columns, in the order of the characters. Blanks between groups count for nothing.
const COLUMNS: &str = "
    user-namespace pid-namespace mount-namespace network-namespace ipc-namespace
    uts-namespace cgroup-namespace time-namespace seccomp-filter Landlock
    process-limit-by-user-namespace idmapped-mounts
    memory pids cpu cpuacct
    memory:ro pids:ro cpu:ro cpuacct:ro
    swap abi0 abi1
";

const ROOT: &str = "
    boundary             FFFFFFFFFF == ==== ==== =FF
    fs.root              FFFFFFFFFF == ==== ==== =FF
    fs.ro                FFFFFFFFFF =C ==== ==== =FF
    fs.rw                FFFFFFFFFF =C ==== ==== =FF
    fs.cow               NNNNNNNNNN nn nnnn nnnn nNN
    fs.tmpfs             FFFFFFFFFF == ==== ==== =FF
    fs.workspace         FFFFFFFFFF =C ==== ==== =FF
    fs.workspace-exit    NNNNNNNNNN nn nnnn nnnn nNN
    fs.toolchain         FFFFFFFFFF == ==== ==== =FF
    fs.unprotect         FFFFFFFFFF == ==== ==== =FF
    env                  FFFFFFFFFF == ==== ==== =FF
    net                  FFFFFFFFFF == ==== ==== =FF
    limits.memory        FFFFFFFFFF == C=== C=== CFF
    limits.cpus          FFFFFFFFFF == ==C= ==C= =FF
    limits.cpu-time      FFFFFFFFFF == ===C ===C =FF
    limits.wall-time     FFFFFFFFFF == ==== ==== =FF
    limits.pids          FFFFFFFFFF == =o== =o== =FF
    limits.open-files    FFFFFFFFFF == ==== ==== =FF
    limits.file-size     FFFFFFFFFF == ==== ==== =FF
    limits.tmp-bytes     FFFFFFFFFF == ==== ==== =FF
    limits.tmp-inodes    FFFFFFFFFF == ==== ==== =FF
    limits.output-bytes  FFFFFFFFFF == ==== ==== =FF
    identity.uid         FFFFFFFFFF == ==== ==== =FF
    identity.gid         FFFFFFFFFF == ==== ==== =FF
    identity.hostname    FFFFFFFFFF == ==== ==== =FF
    accept               FFFFFFaaFa == ==== ==== =aa
";

const USER: &str = "
    boundary             FFFFFFFFFF == ==== ==== =FF
    fs.root              FFFFFFFFFF == ==== ==== =FF
    fs.ro                FFFFFFFFFF == ==== ==== =FF
    fs.rw                FFFFFFFFFF == ==== ==== =FF
    fs.cow               NNNNNNNNNN nn nnnn nnnn nNN
    fs.tmpfs             FFFFFFFFFF == ==== ==== =FF
    fs.workspace         FFFFFFFFFF == ==== ==== =FF
    fs.workspace-exit    NNNNNNNNNN nn nnnn nnnn nNN
    fs.toolchain         FFFFFFFFFF == ==== ==== =FF
    fs.unprotect         FFFFFFFFFF == ==== ==== =FF
    env                  FFFFFFFFFF == ==== ==== =FF
    net                  FFFFFFFFFF == ==== ==== =FF
    limits.memory        FFFFFFFFFF == C=== C=== CFF
    limits.cpus          FFFFFFFFFF == ==C= ==C= =FF
    limits.cpu-time      FFFFFFFFFF == ===C ===C =FF
    limits.wall-time     FFFFFFFFFF == ==== ==== =FF
    limits.pids          FFFFFFFFFF == =o== =o== =FF
    limits.open-files    FFFFFFFFFF == ==== ==== =FF
    limits.file-size     FFFFFFFFFF == ==== ==== =FF
    limits.tmp-bytes     FFFFFFFFFF == ==== ==== =FF
    limits.tmp-inodes    FFFFFFFFFF == ==== ==== =FF
    limits.output-bytes  FFFFFFFFFF == ==== ==== =FF
    identity.uid         FFFFFFFFFF == ==== ==== =FF
    identity.gid         FFFFFFFFFF == ==== ==== =FF
    identity.hostname    FFFFFFFFFF == ==== ==== =FF
    accept               FFFFFFaaFa == ==== ==== =aa
";

/// Clauses whose mechanism is another one where the first is missing.
const OTHER: [(Clause, &str); 1] = [(Clause::Pids, "RLIMIT_NPROC, counted for the user namespace")];

/// Rows by clause, each a cell for each lack. Fails where one is missing or twice.
fn read(text: &str) -> BTreeMap<&str, Vec<char>> {
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, cells) = line.trim().split_once(' ').expect("a name and its cells");
        let cells: Vec<char> = cells.chars().filter(|cell| *cell != ' ').collect();
        assert!(rows.insert(name, cells).is_none(), "{name} has two rows");
    }
    rows
}

/// The code and the way out of a missing layer of the floor.
fn floor_code(lack: Lack) -> (Code, Option<Acceptance>) {
    match lack {
        Lack::Layer(Layer::UserNamespace) => (Code::HostUserNamespaces, None),
        Lack::Layer(Layer::CgroupNamespace) => {
            (Code::HostLayerMissing, Some(Acceptance::CgroupNamespaceAbsent))
        }
        Lack::Layer(Layer::TimeNamespace) => {
            (Code::HostLayerMissing, Some(Acceptance::TimeNamespaceAbsent))
        }
        Lack::Layer(Layer::Landlock) | Lack::LandlockAbi(_) => {
            (Code::HostLandlockMissing, Some(Acceptance::LandlockAbsent))
        }
        _ => (Code::HostLayerMissing, None),
    }
}

/// The code and the way out of a clause that this host cannot hold.
fn clause_code(clause: Clause, lack: Lack) -> (Code, Option<Acceptance>) {
    let acceptable = match clause {
        Clause::Memory => Some(Acceptance::MemoryPerProcess),
        Clause::CpuTime => Some(Acceptance::CpuTimePerProcess),
        _ => None,
    };
    let code = match lack {
        Lack::Controller(_) => Code::HostCgroupMissing,
        Lack::ReadOnly(_) => Code::HostCgroupReadOnly,
        Lack::SwapAccounting => Code::HostSwap,
        Lack::Layer(Layer::IdmappedMounts) => Code::HostIdmap,
        other => panic!("no clause is refused for want of {other:?}"),
    };
    (code, acceptable)
}

/// What is compared of a refusal.
type Expected = (Option<Clause>, Code, Option<Acceptance>);

fn expected_refusals(cell: char, clause: Clause, lack: Lack) -> Vec<Expected> {
    let floor = || {
        let (code, acceptable) = floor_code(lack);
        (None, code, acceptable)
    };
    let not_built = (Some(clause), Code::PolicyNotBuilt, None);
    match cell {
        '=' | 'o' | 'a' => vec![],
        'C' => {
            let (code, acceptable) = clause_code(clause, lack);
            vec![(Some(clause), code, acceptable)]
        }
        'F' => vec![floor()],
        'n' => vec![not_built],
        'N' => vec![not_built, floor()],
        other => panic!("{other:?} is no cell"),
    }
}

fn check_refusals(refusals: &[Refusal], expected: &[Expected], place: &str) {
    let found: Vec<Expected> =
        refusals.iter().map(|one| (one.clause, one.code, one.acceptable)).collect();
    assert_eq!(found, expected, "{place}: {refusals:?}");
    for one in refusals {
        let told = !one.why.is_empty() && !one.remedy.is_empty() && !one.remedy.contains('\n');
        assert!(told, "{place}: a refusal says why, and what to do in one line: {one:?}");
    }
}

pub(super) fn binding_of(plan: &Plan, clause: Clause) -> &Binding {
    let mut found = plan.bindings.iter().filter(|one| one.clause == Some(clause));
    let one = found.next().unwrap_or_else(|| panic!("{clause} has no line"));
    assert_eq!(found.next(), None, "{clause} has two lines");
    one
}

fn check_plan(plan: &Plan, cell: char, clause: Clause, lack: Lack, facts: &HostFacts, place: &str) {
    let version = facts.cgroups.values().find_map(|group| group.version);
    let capable = by(version.unwrap_or(CgroupVersion::V1), capable_host(facts.privilege));
    let capable = super::super::plan(&request(clause), &capable)
        .unwrap_or_else(|refusals| panic!("{place}: a capable host refuses {refusals:?}"));
    let (found, usual) = (binding_of(plan, clause), binding_of(&capable, clause));
    let accepted: Vec<_> = plan.bindings.iter().filter_map(|one| one.accepted).collect();
    match cell {
        '=' => assert_eq!(found, usual, "{place}: it does not concern this clause"),
        'o' => {
            let (_, other) =
                OTHER.iter().find(|(of, _)| *of == clause).expect("`o` needs a row in OTHER");
            let names: Vec<_> = found.mechanisms.iter().map(|one| one.0.as_str()).collect();
            assert_eq!(names, [*other], "{place}: another mechanism of the same strength");
        }
        _ => {
            let (_, acceptable) = floor_code(lack);
            assert_eq!(accepted, Vec::from_iter(acceptable), "{place}: exactly what is absent");
            return;
        }
    }
    assert_eq!(accepted, [], "{place}: nobody accepted anything");
}

#[test]
fn every_clause_meets_every_host_that_lacks_one_thing() {
    let columns: Vec<&str> = COLUMNS.split_whitespace().collect();
    let lacks = Lack::all();
    let names: Vec<String> = lacks.iter().map(|lack| lack.column()).collect();
    assert_eq!(columns, names, "every layer and controller has its column");
    let mut cells = 0;
    for (privilege, text) in [(Privilege::Root, ROOT), (Privilege::User, USER)] {
        let rows = read(text);
        assert_eq!(rows.len(), Clause::ALL.len(), "every clause has its row, and nothing else");
        for clause in Clause::ALL {
            let row = rows.get(clause.name()).unwrap_or_else(|| panic!("no row for {clause}"));
            assert_eq!(row.len(), lacks.len(), "{clause}: every column has its cell");
            let cells_of = |version| lacks.iter().zip(row).map(move |cell| (version, cell));
            for (version, (lack, cell)) in VERSIONS.into_iter().flat_map(cells_of) {
                let facts = by(version, host(privilege, *lack));
                let place =
                    format!("{clause}, {privilege:?}, {version:?} without {}", lack.column());
                let expected = expected_refusals(*cell, *clause, *lack);
                match plan(&request(*clause), &facts) {
                    Ok(plan) => {
                        assert_eq!(expected, [], "{place} must be refused");
                        check_plan(&plan, *cell, *clause, *lack, &facts, &place);
                    }
                    Err(refusals) => check_refusals(&refusals, &expected, &place),
                }
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 2 * 2 * Clause::ALL.len() * lacks.len(), "the whole product was walked");
}

/// What a clause is bound to on a host that lacks nothing, by who runs it: the reviewed table.
#[test]
fn mechanisms_on_a_capable_host_are_these() {
    let uid = |privilege| match privilege {
        Privilege::Root => "user namespace with a host range of the sandbox's own",
        Privilege::User => "user namespace with the caller's own number",
    };
    for privilege in [Privilege::Root, Privilege::User] {
        for clause in Clause::ALL {
            let granted = match privilege {
                Privilege::Root => vec!["bind mounts", "idmapped to the guest", "Landlock"],
                Privilege::User => vec!["bind mounts", "Landlock"],
            };
            let expected = match clause {
                Clause::Boundary => vec!["every layer of the floor"],
                Clause::FsRoot => vec!["read-only bind mounts", "Landlock"],
                Clause::FsRo | Clause::FsRw | Clause::FsWorkspace => granted,
                // An installation is read as everybody may read it: no owner is mapped.
                Clause::FsToolchain => vec!["bind mounts", "Landlock"],
                Clause::FsTmpfs => vec!["tmpfs with size and nr_inodes"],
                Clause::Env => vec!["environment made by the supervisor"],
                Clause::Net => vec!["network namespace with loopback only"],
                Clause::Memory => vec!["cgroup v1 memory.limit_in_bytes"],
                Clause::Cpus => vec!["cgroup v1 cpu.cfs_quota_us"],
                Clause::CpuTime => vec!["cgroup v1 cpuacct.usage, read by the supervisor"],
                Clause::WallTime => vec!["supervisor's clock, SIGKILL to PID 1"],
                Clause::Pids => vec!["cgroup v1 pids.max"],
                Clause::OpenFiles => vec!["RLIMIT_NOFILE"],
                Clause::FileSize => vec!["RLIMIT_FSIZE"],
                Clause::TmpBytes => vec!["tmpfs size"],
                Clause::TmpInodes => vec!["tmpfs nr_inodes"],
                Clause::OutputBytes => vec!["supervisor counts what it passes on"],
                Clause::Uid | Clause::Gid => vec![uid(privilege)],
                Clause::Hostname => vec!["uts namespace"],
                Clause::FsUnprotect => vec!["no read-only mount"],
                // Refused on every host, or a list that binds nothing by itself.
                Clause::FsCow | Clause::FsWorkspaceExit | Clause::Accept => continue,
            };
            let plan = plan(&request(*clause), &capable_host(privilege))
                .unwrap_or_else(|refusals| panic!("{clause}: {refusals:?}"));
            let one = binding_of(&plan, *clause);
            let found: Vec<_> = one.mechanisms.iter().map(|one| one.0.as_str()).collect();
            assert_eq!(found, expected, "{clause} as {privilege:?}");
            let proven = !one.evidence.is_empty() || one.weak_evidence_reason.is_some();
            assert!(proven, "{clause}: bound without evidence needs a stated reason: {one:?}");
        }
    }
}

/// What the clauses with a control group are bound to where that is of version 2, with the evidence
/// that must be there: the reviewed table.
#[test]
fn mechanisms_of_the_unified_hierarchy_are_these() {
    let table: [(Clause, &str, &[&str]); 4] = [
        (
            Clause::Memory,
            "cgroup v2 memory.max",
            &[
                "cgroup.memory.limit",
                "cgroup.memory.member",
                "cgroup.memory.whole",
                "cgroup.memory.swap",
            ],
        ),
        (Clause::Cpus, "cgroup v2 cpu.max", &["cgroup.cpu.limit", "cgroup.cpu.member"]),
        (Clause::CpuTime, "cgroup v2 cpu.stat, read by the supervisor", &["cgroup.cpuacct.member"]),
        (Clause::Pids, "cgroup v2 pids.max", &["cgroup.pids.limit", "cgroup.pids.member"]),
    ];
    for privilege in [Privilege::Root, Privilege::User] {
        let facts = by(CgroupVersion::V2, capable_host(privilege));
        for (clause, mechanism, evidence) in table {
            let plan = plan(&request(clause), &facts)
                .unwrap_or_else(|refusals| panic!("{clause}: {refusals:?}"));
            let one = binding_of(&plan, clause);
            let found: Vec<_> = one.mechanisms.iter().map(|one| one.0.as_str()).collect();
            assert_eq!(found, [mechanism], "{clause} as {privilege:?}");
            assert_eq!(one.evidence, evidence, "{clause} as {privilege:?}");
        }
    }
}

/// A quota of processor time means nothing without its period, and a limit of memory nothing where the
/// rest can be swapped: both are read back of version 1, too.
#[test]
fn what_version_1_keeps_in_two_files_is_proven_by_both() {
    let table: [(Clause, &[&str]); 2] = [
        (
            Clause::Memory,
            &["cgroup.memory.limit", "cgroup.memory.member", "cgroup.memory.swap-limit"],
        ),
        (Clause::Cpus, &["cgroup.cpu.limit", "cgroup.cpu.member", "cgroup.cpu.period"]),
    ];
    for privilege in [Privilege::Root, Privilege::User] {
        let facts = by(CgroupVersion::V1, capable_host(privilege));
        for (clause, evidence) in table {
            let plan = plan(&request(clause), &facts)
                .unwrap_or_else(|refusals| panic!("{clause}: {refusals:?}"));
            assert_eq!(binding_of(&plan, clause).evidence, evidence, "{clause} as {privilege:?}");
        }
    }
}

/// A scope costs time, so what needs none does not ask for one.
#[test]
fn a_scope_is_not_taken_for_the_number_of_tasks_alone() {
    let mut facts = by(CgroupVersion::V2, capable_host(Privilege::User));
    facts.cgroups.values_mut().for_each(|group| group.scope = true);
    let mechanism = |request: &_, facts: &HostFacts| {
        let plan = plan(request, facts).expect("either holds it");
        binding_of(&plan, Clause::Pids).mechanisms[0].0.clone()
    };
    let mut request = request(Clause::Pids);
    let [(_, other)] = OTHER;
    assert_eq!(mechanism(&request, &facts), other, "alone");
    super::world::set(&mut request, Clause::Memory);
    assert_eq!(mechanism(&request, &facts), "cgroup v2 pids.max", "the scope is there anyway");
    let mut request = super::world::request(Clause::Pids);
    request.policy.limits.memory = None;
    facts.layers.remove(&Layer::ProcessLimit);
    assert_eq!(mechanism(&request, &facts), "cgroup v2 pids.max", "nothing else holds it");
}

/// A kernel without swap accounting has no file for it, and without swap it needs none.
#[test]
fn swap_is_proven_bounded_where_the_kernel_can_bound_it() {
    for version in [CgroupVersion::V1, CgroupVersion::V2] {
        let mut facts = by(version, capable_host(Privilege::Root));
        facts.swap_accounting = false;
        let plan = plan(&request(Clause::Memory), &facts).expect("there is no swap");
        let keys = &binding_of(&plan, Clause::Memory).evidence;
        let read = keys.iter().any(|key| key.starts_with("cgroup.memory.swap"));
        assert!(!read, "nothing to read back: {keys:?}");
    }
}

#[test]
fn a_process_limit_without_any_mechanism_is_refused() {
    for privilege in [Privilege::Root, Privilege::User] {
        let mut facts = host(privilege, Lack::Controller(Controller::Pids));
        facts.layers.remove(&Layer::ProcessLimit);
        let refusals = plan(&request(Clause::Pids), &facts).expect_err("nothing counts tasks");
        let expected = [(Some(Clause::Pids), Code::HostProcessLimit, None)];
        check_refusals(&refusals, &expected, "neither group nor rlimit");
    }
}

#[test]
fn roots_limit_of_one_needs_the_control_group() {
    let facts = host(Privilege::Root, Lack::Controller(Controller::Pids));
    let mut one = request(Clause::Pids);
    one.policy.limits.pids = Some(1);
    let refusals = plan(&one, &facts).expect_err("the agent could not start the guest");
    let expected = [(Some(Clause::Pids), Code::HostProcessLimit, None)];
    check_refusals(&refusals, &expected, "one task, by RLIMIT_NPROC");
    let facts = host(Privilege::User, Lack::Controller(Controller::Pids));
    plan(&one, &facts).expect("an ordinary user's agent is added to the number");
    plan(&one, &capable_host(Privilege::Root)).expect("and a group counts what it should");
}
