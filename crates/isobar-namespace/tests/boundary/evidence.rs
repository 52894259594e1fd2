//! What a plan promises to observe is observed, for the fullest policy that this host can hold.

use std::collections::BTreeSet;

use isobar_boundary::{Boundary, Descriptors, LaunchError};
use isobar_policy::{Access, Bytes, Code, Controller, Cpus, Grade, Span, TmpfsSpec};

use crate::harness::{Scene, boundary, end_of, shell, spawn};

/// Sets every clause that this host has a mechanism for.
fn fill(scene: &mut Scene) {
    let (ro, rw) = (scene.scratch().join("ro"), scene.scratch().join("rw"));
    for path in [&ro, &rw] {
        std::fs::create_dir(path).unwrap();
    }
    scene.grant(&ro, "/data", Access::Ro);
    scene.grant(&rw, "/srv/out", Access::Rw);
    let has = |controller| scene.facts.controller(controller).works();
    let groups = Controller::ALL.map(has);
    let policy = scene.policy();
    policy.fs.tmpfs.push(TmpfsSpec {
        target: "/scratch".to_owned(),
        size: Bytes(1 << 20),
        inodes: Some(50),
    });
    policy.limits.file_size = Some(Bytes(1 << 20));
    policy.limits.wall_time = Some(Span::from_millis(60_000));
    policy.limits.output_bytes = Some(Bytes(1 << 20));
    let [memory, _, cpu, cpuacct] = groups;
    policy.limits.memory = memory.then_some(Bytes(256 << 20));
    policy.limits.cpus = cpu.then(|| Cpus::from_millis(1500));
    policy.limits.cpu_time = cpuacct.then(|| Span::from_millis(60_000));
}

#[test]
fn every_evidence_that_a_binding_names_is_delivered_and_holds() {
    let mut scene = Scene::new();
    fill(&mut scene);
    let plan = scene.plan();
    let mut sandbox = scene.launch();
    let mut process = spawn(&mut *sandbox, &shell("exit 0"));
    let all: Vec<_> = sandbox.evidence().iter().chain(process.evidence()).cloned().collect();
    let keys: BTreeSet<&str> = all.iter().map(|one| one.key.as_str()).collect();
    for binding in &plan.bindings {
        for key in &binding.evidence {
            assert!(keys.contains(key.as_str()), "{key} was promised for {binding:?}");
        }
        // Evidence below `probed` needs a reason that the report can print.
        let weak =
            |key: &String| all.iter().any(|one| one.key == *key && one.grade < Grade::Probed);
        let excused = binding.weak_evidence_reason.is_some();
        assert!(excused || !binding.evidence.iter().any(weak), "without a reason: {binding:?}");
    }
    for one in &all {
        assert!(one.holds, "nothing may contradict the plan: {one:?}");
        assert!(one.observed.len() <= 4096, "an observation is bounded: {}", one.key);
    }
    end_of(&mut *process);
    sandbox.destroy().unwrap();
}

#[test]
fn evidence_keys_are_unique() {
    let mut scene = Scene::new();
    fill(&mut scene);
    let mut sandbox = scene.launch();
    let process = spawn(&mut *sandbox, &shell("exit 0"));
    let all: Vec<_> = sandbox.evidence().iter().chain(process.evidence()).collect();
    let keys: BTreeSet<&str> = all.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys.len(), all.len(), "a key that stands twice proves one of two things: {all:#?}");
}

#[test]
fn a_plan_of_another_version_is_not_launched() {
    let scene = Scene::new();
    let mut plan = scene.plan();
    plan.payload.version += 1;
    let error = boundary().launch(&plan, Descriptors::new()).expect_err("it may mean anything");
    let LaunchError::Failed(diagnostic) = error else { panic!("not the host's fault: {error:?}") };
    assert_eq!(diagnostic.code, Code::LaunchStep, "typed");
    assert!(diagnostic.summary.contains("version 2"), "and named: {}", diagnostic.summary);
}
