//! No guest runs without the evidence that its plan names.

use isobar_policy::{Code, Evidence, Grade};

use super::*;
use crate::double::{Failing, observed};

fn stopped(script: Script) -> (Report, u32, u32) {
    let bench = Bench::new(script);
    let (report, stdout, _) = bench.shell("echo it ran");
    assert_eq!(stdout, b"", "nothing of the guest is passed on");
    let log = bench.double.log.borrow();
    (report, log.spawns, log.destroyed)
}

#[test]
fn a_contradiction_of_the_sandbox_spawns_nothing() {
    let script = Script { evidence: vec![observed("double.wall", false)], ..Script::new() };
    let (report, spawns, destroyed) = stopped(script);
    let diagnostic = failure(&report);
    assert_eq!(diagnostic.code, Code::BoundaryFailed, "what was observed is not what was planned");
    assert!(diagnostic.causes[0].contains("double.wall"), "it names which: {diagnostic:?}");
    assert_eq!((spawns, destroyed), (0, 1), "nothing was started, and the sandbox is gone");
    assert!(!report.lines[0].evidence[0].holds, "the report shows the observation");
}

#[test]
fn a_contradiction_of_the_process_ends_it() {
    let evidence = vec![observed("double.process", false)];
    let (report, _, destroyed) = stopped(Script { of_process: evidence, ..Script::new() });
    assert_eq!(failure(&report).code, Code::BoundaryFailed, "the second wall");
    assert_eq!(destroyed, 1, "the sandbox is gone");
}

#[test]
fn an_observation_that_was_not_made_counts_as_none() {
    let claimed = Evidence { grade: Grade::GuestClaimed, ..observed("double.process", true) };
    for evidence in [Vec::new(), vec![observed("double.other", true)], vec![claimed]] {
        let script = Script { of_process: evidence.clone(), ..Script::new() };
        let (report, ..) = stopped(script);
        let diagnostic = failure(&report);
        assert_eq!(diagnostic.code, Code::EvidenceMissing, "{evidence:?} proves nothing");
        let expected = "env: double.process was not observed";
        assert_eq!(diagnostic.causes, [expected], "the clause and the key are named");
    }
}

/// One of the snapshots that the command line's suite keeps for each code.
#[test]
fn what_is_told_of_a_missing_observation() {
    let (report, ..) = stopped(Script { of_process: Vec::new(), ..Script::new() });
    insta::with_settings!({
        prepend_module_to_snapshot => false,
        omit_expression => true,
        snapshot_path => "../../../../isobar/tests/cli/snapshots",
    }, {
        insta::assert_snapshot!(Code::EvidenceMissing.as_str(), failure(&report).render(false));
    });
}

#[test]
fn a_launch_that_contradicts_the_plan_shows_what_it_saw() {
    let script = Script { failing: Some(Failing::Contradicted), ..Script::new() };
    let (report, spawns, _) = stopped(script);
    assert_eq!(failure(&report).code, Code::BoundaryFailed, "the launch itself said so");
    assert_eq!(report.lines[0].evidence.len(), 1, "the observation is in the report");
    assert_eq!(spawns, 0, "and nothing was started");
}
