//! `isobar doctor`: complete, in agreement with `run`, stable in form.

use serde_json::Value;

use crate::errors::staged::staged_as_root;
use crate::harness::{Isobar, is_root};

#[test]
fn its_json_keeps_its_form() {
    let ended = Isobar::new().args(["doctor", "--json"]).run();
    let found: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&found), ["boundaries", "build", "isobar", "version"], "{found:#}");
    let boundaries = found["boundaries"].as_array().unwrap();
    let names: Vec<&str> = boundaries.iter().map(|one| one["boundary"].as_str().unwrap()).collect();
    assert_eq!(names, ["namespace"], "only what is built is listed");
    let one = &boundaries[0];
    let expected = ["boundary", "default", "host", "ready", "refusals", "requirements"];
    assert_eq!(keys(one), expected, "{one:#}");
    for requirement in one["requirements"].as_array().unwrap() {
        for key in ["name", "needed-for", "floor", "met"] {
            assert!(requirement.get(key).is_some(), "{key} is always there: {requirement}");
        }
        let met = requirement["met"].as_bool().unwrap();
        for key in ["why", "remedy"] {
            assert_eq!(requirement.get(key).is_none(), met, "{key} where not met: {requirement}");
        }
    }
    let ready = one["ready"].as_bool().unwrap();
    assert_eq!(ready, one["refusals"].as_array().unwrap().is_empty(), "{one:#}");
    assert_eq!(ended.code, Some(i32::from(!ready)), "the exit code is the verdict: {ended}");
}

#[test]
fn it_agrees_with_run() {
    let doctor = Isobar::new().args(["doctor"]).run();
    let run = Isobar::new().args(["run", "--", "true"]).run();
    let refused = run.codes().iter().any(|code| code.starts_with("ISO-HOST"));
    assert_eq!(doctor.code == Some(0), !refused, "{doctor}\n{run}");
}

#[test]
fn what_is_not_built_is_not_examined() {
    let ended = Isobar::new().args(["doctor", "--boundary", "wasm"]).run();
    assert_eq!(ended.codes(), ["ISO-HOST-012"], "{ended}");
    assert_eq!(ended.code, Some(125), "{ended}");
}

/// Without a control group for them, processes are counted for the user namespace.
#[test]
fn a_missing_group_that_nobody_needs_asks_for_nothing() {
    let isobar =
        if is_root() { staged_as_root("umount /sys/fs/cgroup/pids") } else { Isobar::new() };
    let ended = isobar.args(["doctor", "--json"]).run();
    let found: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let all = found["boundaries"][0]["requirements"].as_array().unwrap();
    let group = |one: &&Value| one["name"].as_str().is_some_and(|name| name.ends_with(" pids"));
    let pids = all.iter().find(group).expect("it is listed");
    if pids["met"] == true {
        return crate::harness::skip("a_missing_group", "a user without a pids group");
    }
    let remedy = pids["remedy"].as_str().unwrap();
    assert!(remedy.starts_with("nothing to do"), "{remedy}");
    assert_eq!(found["boundaries"][0]["ready"], true, "and nothing is refused for it: {ended}");
}
