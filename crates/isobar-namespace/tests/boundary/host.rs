//! Hosts that can do less: made of this one with namespaces, and asked by the real probe.

use isobar_boundary::Boundary;
use isobar_policy::{Bytes, Clause, Code, Controller, Fact, Layer};

use crate::harness::{Scene, again, boundary, facts, is_root, lines_of, marked, role, skip};

/// Runs this test again behind `prefix` and returns what it says.
fn elsewhere(prefix: &[&str], test: &str) -> Vec<String> {
    let mut child = again(prefix, test, "elsewhere")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{prefix:?} cannot be started: {error}"));
    let lines: Vec<String> = lines_of(child.stdout.take().unwrap()).collect();
    let status = child.wait().unwrap();
    assert!(status.success(), "{prefix:?}: {status}, after {lines:?}");
    lines
}

#[test]
fn this_host_can_do_everything_that_the_floor_needs() {
    // Not a matter of course, but of these tests: without it the others would say nothing.
    let facts = facts();
    for layer in Layer::ALL {
        let fact = facts.layer(layer);
        let by_nature = layer == Layer::IdmappedMounts && !is_root();
        assert_eq!(fact.works(), !by_nature, "{}: {fact:?}", layer.name());
    }
}

#[test]
fn probing_again_says_the_same_and_leaves_nothing() {
    let scene = Scene::new();
    let again = boundary().probe();
    assert_eq!(again, scene.facts, "facts can be cached");
}

#[test]
fn a_host_without_user_namespaces_names_its_switch() {
    if role().is_some() {
        let facts = boundary().probe();
        let Fact::Missing { why, remedy } = facts.layer(Layer::UserNamespace) else {
            panic!("the switch is off: {facts:?}");
        };
        marked(&why);
        marked(&remedy);
        return;
    }
    let scene = Scene::new();
    let off = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
    let prefix = ["unshare", "--user", "--map-root-user", "sh", "-c", off, "sh"];
    let said = elsewhere(&prefix, "host::a_host_without_user_namespaces_names_its_switch");
    let [why, remedy] = &said[..] else { panic!("it says two things: {said:?}") };
    assert!(why.contains("user.max_user_namespaces is 0"), "the switch is named: {why}");
    assert!(remedy.contains("sysctl user.max_user_namespaces="), "and how to turn it: {remedy}");
    drop(scene);
}

#[test]
fn a_read_only_control_group_file_system_is_named() {
    let mut scene = Scene::new();
    if role().is_some() {
        scene.facts = boundary().probe();
        scene.policy().limits.memory = Some(Bytes(64 << 20));
        for one in scene.refusals() {
            marked(&format!("{} {:?} {}", one.code, one.clause, one.remedy));
        }
        return;
    }
    if !scene.facts.controller(Controller::Memory).works() {
        scene.policy().limits.memory = Some(Bytes(64 << 20));
        assert!(!scene.can(Controller::Memory, Clause::Memory), "refused for want of one");
        return skip("host::a_read_only_control_group", "no memory control group to take away");
    }
    let read_only = "for dir in $(findmnt -n -o TARGET -t cgroup); do
            mount -o remount,bind,ro \"$dir\" || exit 9
        done; exec \"$@\"";
    let prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", read_only, "sh"];
    let said = elsewhere(&prefix, "host::a_read_only_control_group_file_system_is_named");
    let [line] = &said[..] else { panic!("one refusal: {said:?}") };
    let expected = format!("{} Some(Memory)", Code::HostCgroupReadOnly);
    assert!(line.starts_with(&expected), "the cause is told apart from a missing one: {line}");
    assert!(line.contains("read-write"), "with its remedy: {line}");
}

#[test]
fn an_acceptable_layer_that_is_missing_takes_nothing_else_along() {
    // The probe of a kernel without Landlock is a unit test; here, what a plan makes of such facts.
    let mut scene = Scene::new();
    scene.facts.landlock_abi = 0;
    let missing =
        Fact::Missing { why: "no Landlock".to_owned(), remedy: "another kernel".to_owned() };
    scene.facts.layers.insert(Layer::Landlock, missing);
    scene.policy().accept.push(isobar_policy::Acceptance::LandlockAbsent);
    let ran = scene.run("cat /.isobar && echo no second wall; cat /etc/shadow || echo first wall");
    assert_eq!(
        ran.out, "no second wall\nfirst wall\n",
        "the sandbox runs as accepted: {}",
        ran.err
    );
}
