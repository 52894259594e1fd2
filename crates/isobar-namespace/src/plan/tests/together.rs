//! Everything at a time: all refusals at once, and what holds of every plan.

use isobar_policy::{
    Acceptance, Access, BoundaryKind, Clause, Code, FileKind, GrantOrigin, HostFacts, Layer, Plan,
    Privilege, Refusal, Request,
};

use super::super::plan;
use super::world::{Lack, bare_host, capable_host, empty_request, grant, host, request, set};
use crate::payload::{PayloadError, Planned};

const BOTH: [Privilege; 2] = [Privilege::Root, Privilege::User];

/// A request that sets every clause that this build has.
fn full_request() -> Request {
    let mut request = empty_request();
    let not_built = [Clause::FsCow, Clause::FsWorkspaceExit, Clause::Accept];
    for clause in Clause::ALL.iter().filter(|clause| !not_built.contains(clause)) {
        set(&mut request, *clause);
    }
    request
}

fn refused(refusals: &[Refusal]) -> Vec<(Option<Clause>, Code)> {
    refusals.iter().map(|one| (one.clause, one.code)).collect()
}

#[test]
fn all_refusals_come_at_once() {
    for privilege in BOTH {
        let refusals = plan(&full_request(), &bare_host(privilege)).expect_err("it can do nothing");
        let mut expected = vec![
            (Some(Clause::Memory), Code::HostCgroupMissing),
            (Some(Clause::Cpus), Code::HostCgroupMissing),
            (Some(Clause::CpuTime), Code::HostCgroupMissing),
            (Some(Clause::Pids), Code::HostProcessLimit),
            (None, Code::HostUserNamespaces),
            (None, Code::HostLandlockMissing),
        ];
        // pid, mount, net, ipc, uts, cgroup, time, seccomp.
        expected.extend([(None, Code::HostLayerMissing); 8]);
        if privilege == Privilege::Root {
            let idmapped = [Clause::FsRo, Clause::FsRw, Clause::FsWorkspace];
            expected.extend(idmapped.map(|clause| (Some(clause), Code::HostIdmap)));
        }
        let mut found = refused(&refusals);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{privilege:?}: a user mends everything in one go");
        let whys: std::collections::BTreeSet<_> = refusals.iter().map(|one| &one.why).collect();
        assert_eq!(whys.len(), refusals.len(), "each says what it is about");
    }
}

#[test]
fn the_same_refusal_is_said_once() {
    let mut request = request(Clause::FsRo);
    set(&mut request, Clause::FsRo);
    let refusals = plan(&request, &host(Privilege::Root, Lack::Layer(Layer::IdmappedMounts)))
        .expect_err("owners cannot be mapped");
    let idmap = refusals.iter().filter(|one| one.code == Code::HostIdmap).count();
    assert_eq!(idmap, 1, "the path stands there twice, the cause is one: {refusals:?}");
}

/// Every plan that the tables make, with the host that it is for.
fn plans() -> Vec<(Request, Plan, Privilege)> {
    let mut all = Vec::new();
    for privilege in BOTH {
        let mut requests: Vec<Request> = Clause::ALL.iter().map(|one| request(*one)).collect();
        requests.push(full_request());
        requests.push(Request {
            policy: isobar_policy::profile("strict").expect("a built-in profile"),
            ..empty_request()
        });
        for request in requests {
            if let Ok(plan) = plan(&request, &capable_host(privilege)) {
                all.push((request, plan, privilege));
            }
        }
    }
    assert!(all.len() > 40, "most of the requests are planned");
    all
}

#[test]
fn planning_is_deterministic_and_plans_survive_being_written_down() {
    for (request, made, privilege) in plans() {
        let again = plan(&request, &capable_host(privilege)).expect("it was planned before");
        assert_eq!(made, again, "the same request on the same host is the same plan");
        let text = serde_json::to_string(&made).expect("a plan is plain data");
        let read: Plan = serde_json::from_str(&text).expect("and is read back");
        assert_eq!(read, made, "a supervisor that gets it as text launches the same");
        let (before, after) = (Planned::unseal(&made), Planned::unseal(&read));
        let (before, after) = (before.expect("our own payload"), after.expect("our own payload"));
        assert_eq!(before, after, "the boundary's own part too");
    }
}

#[test]
fn a_payload_of_another_version_or_form_is_not_read() {
    let mut plan = plan(&empty_request(), &capable_host(Privilege::User)).expect("a plan");
    plan.payload.version += 1;
    let error = Planned::unseal(&plan).expect_err("another version may mean anything");
    assert!(matches!(error, PayloadError::Version { found: 2 }), "it is named: {error}");
    plan.payload.version -= 1;
    plan.payload.data = serde_json::json!({ "privilege": "root" });
    let error = Planned::unseal(&plan).expect_err("half a payload is none");
    assert!(matches!(error, PayloadError::Form(_)), "it is named: {error}");
}

#[test]
fn every_bound_line_is_proven_or_says_why_not() {
    for (_, plan, privilege) in plans() {
        for one in &plan.bindings {
            let proven = !one.evidence.is_empty() || one.weak_evidence_reason.is_some();
            let nothing = one.mechanisms.is_empty();
            assert!(proven || nothing, "{privilege:?}: {one:?}");
            assert!(!one.asked.is_empty(), "a line of the report says what was asked: {one:?}");
        }
        let clauses: Vec<_> = plan.bindings.iter().filter_map(|one| one.clause).collect();
        let floor = plan.bindings.iter().skip(clauses.len()).all(|one| one.clause.is_none());
        assert!(floor, "clauses come first, then the floor");
        assert_eq!(clauses.len(), Clause::ALL.len(), "one line each: {clauses:?}");
    }
}

#[test]
fn what_is_shared_is_said() {
    let shared = |privilege| {
        plan(&empty_request(), &capable_host(privilege)).expect("a plan").shared.join("\n")
    };
    for privilege in BOTH {
        assert!(shared(privilege).contains("kernel"), "a namespace shares the host's kernel");
    }
    assert!(
        shared(Privilege::User).contains("supplementary groups 27 stay"),
        "they cannot be dropped"
    );
    assert!(!shared(Privilege::Root).contains("supplementary"), "root drops them");
}

#[test]
fn grants_that_cannot_be_are_refused_by_name() {
    let facts = capable_host(Privilege::User);
    let mut special = empty_request();
    grant(&mut special, "/srv/fifo", Access::Ro, GrantOrigin::Policy);
    special.grants[0].kind = FileKind::Other;
    let refusals = plan(&special, &facts).expect_err("a fifo is no grant");
    assert_eq!(refused(&refusals), [(Some(Clause::FsRo), Code::ResolveSpecialFile)], "a fifo");

    let mut socket = empty_request();
    grant(&mut socket, "/srv/run", Access::Rw, GrantOrigin::Workspace);
    socket.grants[0].group_socket = Some("/srv/run/docker.sock".to_owned());
    let refusals = plan(&socket, &facts).expect_err("the group stays in force");
    assert_eq!(
        refused(&refusals),
        [(Some(Clause::FsWorkspace), Code::HostGroupSocket)],
        "a socket"
    );
    assert!(refusals[0].why.contains("docker.sock"), "the socket is named: {refusals:?}");
}

#[test]
fn another_boundary_is_not_planned_here() {
    let mut request = empty_request();
    request.policy.boundary = Some(BoundaryKind::Wasm);
    let refusals = plan(&request, &capable_host(Privilege::User)).expect_err("not this one");
    let expected = [(Some(Clause::Boundary), Code::HostBoundaryMissing)];
    assert_eq!(refused(&refusals), expected, "a policy never silently gets another boundary");
}

#[test]
fn parents_are_mounted_before_what_lies_below_them() {
    let mut request = empty_request();
    for path in ["/data/out", "/data", "/data-2", "/data/out/deep"] {
        grant(&mut request, path, Access::Ro, GrantOrigin::Policy);
    }
    let plan = plan(&request, &capable_host(Privilege::User)).expect("nested grants are fine");
    let planned = Planned::unseal(&plan).expect("our own payload");
    let targets: Vec<_> = planned.grants.iter().map(|one| one.target.as_str()).collect();
    let place = |path| targets.iter().position(|one| *one == path).expect("it was granted");
    assert!(place("/data") < place("/data/out"), "else the parent would hide it: {targets:?}");
    assert!(place("/data/out") < place("/data/out/deep"), "at every depth");
    assert_eq!(plan.slots.len(), 4, "each has its descriptor");
}

#[test]
fn weaker_limits_round_up_and_say_so() {
    let mut request = request(Clause::CpuTime);
    request.policy.accept = vec![Acceptance::CpuTimePerProcess];
    let facts = host(Privilege::User, Lack::Controller(isobar_policy::Controller::Cpuacct));
    let plan = plan(&request, &facts).expect("accepted");
    let one = super::matrix::binding_of(&plan, Clause::CpuTime);
    assert_eq!(one.asked, "2s for each process", "RLIMIT_CPU has whole seconds: 1.5s becomes 2s");
}

#[test]
fn another_architecture_is_refused() {
    let facts = HostFacts { machine: "aarch64".to_owned(), ..capable_host(Privilege::User) };
    let refusals = plan(&request(Clause::Net), &facts).expect_err("there is no filter for it");
    let codes: Vec<_> = refusals.iter().map(|refusal| refusal.code).collect();
    assert_eq!(codes, [Code::HostMachine], "and that is all that is wrong");
}
