//! Weaker forms: accepted by name they replace exactly their refusal, and nothing else changes.

use isobar_policy::{
    Acceptance, Binding, Clause, Controller, HostFacts, Layer, Mechanism, Plan, Privilege, Request,
};

use super::super::plan;
use super::world::{Lack, capable_host, empty_request, host, set};

/// What must be missing for the weaker form to be of use, and the clause that it weakens.
fn about(one: Acceptance) -> (Vec<Lack>, Option<Clause>) {
    match one {
        Acceptance::MemoryPerProcess => (
            vec![
                Lack::Controller(Controller::Memory),
                Lack::ReadOnly(Controller::Memory),
                Lack::SwapAccounting,
            ],
            Some(Clause::Memory),
        ),
        Acceptance::CpuTimePerProcess => (
            vec![Lack::Controller(Controller::Cpuacct), Lack::ReadOnly(Controller::Cpuacct)],
            Some(Clause::CpuTime),
        ),
        Acceptance::LandlockAbsent => {
            (vec![Lack::Layer(Layer::Landlock), Lack::LandlockAbi(0), Lack::LandlockAbi(1)], None)
        }
        Acceptance::TimeNamespaceAbsent => (vec![Lack::Layer(Layer::TimeNamespace)], None),
        Acceptance::CgroupNamespaceAbsent => (vec![Lack::Layer(Layer::CgroupNamespace)], None),
        other => panic!("{other} has no row"),
    }
}

/// Both clauses that a weaker form exists for, and a grant, which Landlock guards.
fn full_request(accept: Vec<Acceptance>) -> Request {
    let mut request = empty_request();
    for clause in [Clause::Memory, Clause::CpuTime, Clause::Pids, Clause::FsRw] {
        set(&mut request, clause);
    }
    request.policy.accept = accept;
    request
}

fn planned(request: &Request, facts: &HostFacts, place: &str) -> Plan {
    plan(request, facts).unwrap_or_else(|refusals| panic!("{place}: {refusals:?}"))
}

/// The line as it would be without the second wall.
fn without_landlock(mut one: Binding) -> Binding {
    one.mechanisms.retain(|mechanism| *mechanism != Mechanism("Landlock".to_owned()));
    one
}

#[test]
fn an_acceptance_turns_exactly_its_refusal_into_a_marked_binding() {
    for accepted in Acceptance::ALL {
        let (lacks, clause) = about(accepted);
        for (privilege, lack) in [Privilege::Root, Privilege::User]
            .into_iter()
            .flat_map(|one| lacks.iter().map(move |lack| (one, *lack)))
        {
            let facts = host(privilege, lack);
            let place = format!("{accepted}, {privilege:?} without {}", lack.column());
            let refusals = plan(&full_request(vec![]), &facts).expect_err("nobody accepted it");
            let found: Vec<_> = refusals.iter().map(|one| (one.clause, one.acceptable)).collect();
            assert_eq!(found, [(clause, Some(accepted))], "{place}: the way out is named");

            let weaker = planned(&full_request(vec![accepted]), &facts, &place);
            let usual = planned(&full_request(vec![]), &capable_host(privilege), &place);
            check_lines(&weaker, &usual, accepted, clause, &place);
        }
    }
}

fn check_lines(
    weaker: &Plan,
    usual: &Plan,
    accepted: Acceptance,
    clause: Option<Clause>,
    place: &str,
) {
    assert_eq!(weaker.bindings.len(), usual.bindings.len(), "{place}: no line is dropped or added");
    let mut marked = 0;
    for (weak, strong) in weaker.bindings.iter().zip(&usual.bindings) {
        if weak.accepted.is_some() {
            marked += 1;
            assert_eq!(weak.accepted, Some(accepted), "{place}: marked with what was accepted");
            assert_eq!(weak.clause, clause, "{place}: and only the line that it is about");
            assert_ne!(weak.mechanisms, strong.mechanisms, "{place}: it is weaker");
        } else if weak.clause == Some(Clause::Accept) {
            assert_eq!(weak.asked, accepted.name(), "{place}: the report repeats it");
        } else if accepted == Acceptance::LandlockAbsent {
            let strong = without_landlock(strong.clone());
            assert_eq!(*weak, strong, "{place}: a wall that is not there is not reported");
        } else {
            assert_eq!(weak, strong, "{place}: everything else stays");
        }
    }
    assert_eq!(marked, 1, "{place}: one line carries it");
}

#[test]
fn an_acceptance_that_is_not_needed_weakens_nothing() {
    for privilege in [Privilege::Root, Privilege::User] {
        let facts = capable_host(privilege);
        let with = planned(&full_request(Acceptance::ALL.to_vec()), &facts, "all accepted");
        let without = planned(&full_request(vec![]), &facts, "nothing accepted");
        let lines = |plan: &Plan| -> Vec<Binding> {
            let lines = plan.bindings.iter().filter(|one| one.clause != Some(Clause::Accept));
            lines.cloned().collect()
        };
        assert_eq!(lines(&with), lines(&without), "the stronger mechanism is there");
        assert_eq!(with.payload, without.payload, "and is what will be launched");
    }
}
