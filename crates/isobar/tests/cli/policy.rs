//! `isobar policy`: what it prints is what would be used.

use isobar_engine::policy::{PROFILES, Policy, parse_toml, profile, profile_text};
use serde_json::Value;

use crate::harness::{Ended, Isobar};

#[track_caller]
fn shown(isobar: Isobar) -> String {
    let ended: Ended = isobar.run();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.is_empty(), "nothing to add: {ended}");
    ended.out()
}

#[track_caller]
fn merged(isobar: Isobar) -> Policy {
    let text = shown(isobar);
    parse_toml(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn a_profile_is_printed_as_it_is_written() {
    for name in PROFILES {
        let text = shown(Isobar::new().args(["policy", "show", name]));
        assert_eq!(Some(text.as_str()), profile_text(name), "comments are part of it");
        let flag = shown(Isobar::new().args(["policy", "show", "--profile", name]));
        assert_eq!(flag, text, "the flag names it as the argument does");
    }
    let unnamed = shown(Isobar::new().args(["policy", "show"]));
    assert_eq!(Some(unnamed.as_str()), profile_text(PROFILES[0]), "the first is the default");
}

#[test]
fn flags_win_over_the_file_which_wins_over_the_profile() {
    let isobar = Isobar::new();
    isobar.file(
        "policy.toml",
        "version = 1\nlimits.pids = 7\nlimits.memory = '1G'\nidentity.hostname = 'file'\n",
    );
    let policy = merged(isobar.args([
        "policy",
        "show",
        "--policy",
        "policy.toml",
        "--memory",
        "2G",
        "--ro",
        "/srv:/data",
        "--env",
        "A=b=c",
        "--env",
        "KEPT",
        "--tmpfs",
        "/scratch:1M",
        "--accept",
        "landlock=absent",
        "--workspace",
        "w:/work",
        "--workspace-mode",
        "ro",
    ]));
    let base = profile(PROFILES[0]).unwrap();
    assert_eq!(policy.limits.memory.unwrap().0, 2 << 30, "the flag wins");
    assert_eq!(policy.limits.pids, Some(7), "the file wins over the profile");
    assert_eq!(policy.identity.hostname.as_deref(), Some("file"), "so here");
    assert_eq!(policy.limits.open_files, base.limits.open_files, "the profile shows through");
    assert_eq!(policy.fs.ro[0].target(), Some("/data"), "a grant with a target");
    assert_eq!(policy.env.set["A"], "b=c", "only the first `=` divides");
    assert!(policy.env.allow.contains(&"KEPT".to_owned()), "a name alone passes a variable on");
    assert_eq!(policy.fs.tmpfs[0].size.0, 1 << 20, "the size is what stands last");
    assert_eq!(policy.accept.len(), 1, "what is accepted is part of the policy");
    let workspace = policy.fs.workspace.unwrap();
    assert_eq!((workspace.path.as_str(), workspace.target.as_deref()), ("w", Some("/work")));
}

#[test]
fn every_flag_of_a_limit_sets_its_clause() {
    let flags = [
        ("--timeout", "30s", "wall-time"),
        ("--cpu-time", "20s", "cpu-time"),
        ("--memory", "512M", "memory"),
        ("--cpus", "0.5", "cpus"),
        ("--pids", "64", "pids"),
        ("--open-files", "128", "open-files"),
        ("--file-size", "1G", "file-size"),
        ("--tmp-size", "64M", "tmp-bytes"),
        ("--tmp-inodes", "99", "tmp-inodes"),
        ("--output-limit", "2M", "output-bytes"),
    ];
    for (flag, value, key) in flags {
        let text = shown(Isobar::new().args(["policy", "show", flag, value]));
        let line = text.lines().find(|line| line.starts_with(&format!("{key} = ")));
        let value_shown = line.unwrap_or_default().replace('"', "");
        assert_eq!(value_shown, format!("{key} = {value}"), "{flag} sets limits.{key}: {text}");
    }
    let keys = serde_json::to_value(merged(
        Isobar::new().args(["policy", "show"]).args(flags.iter().flat_map(|one| [one.0, one.1])),
    ))
    .unwrap();
    let schema: Value =
        serde_json::from_str(&shown(Isobar::new().args(["policy", "schema"]))).unwrap();
    let known = schema.pointer("/$defs/LimitClauses/properties").unwrap().as_object().unwrap();
    assert_eq!(
        keys["limits"].as_object().unwrap().keys().collect::<Vec<_>>(),
        known.keys().collect::<Vec<_>>(),
        "no limit of the schema is without a flag"
    );
}

#[test]
fn a_mode_alone_changes_the_workspace_of_the_file() {
    let isobar = Isobar::new();
    isobar.file("policy.toml", "version = 1\nfs.workspace = { path = 'w', target = '/t' }\n");
    let policy = merged(isobar.args([
        "policy",
        "show",
        "--policy",
        "policy.toml",
        "--workspace-mode",
        "ro",
    ]));
    let workspace = serde_json::to_value(policy.fs.workspace).unwrap();
    assert_eq!(workspace, serde_json::json!({"path": "w", "target": "/t", "mode": "ro"}));
}

#[test]
fn json_and_toml_are_one_schema() {
    let isobar = Isobar::new();
    isobar.file("policy.json", r#"{"version": 1, "limits": {"pids": 5}}"#);
    let policy = merged(isobar.args(["policy", "show", "--policy", "policy.json"]));
    assert_eq!(policy.limits.pids, Some(5), "the file was read");
    let misnamed = Isobar::new();
    misnamed.file("policy.json", "version = 1\n");
    let ended = misnamed.args(["policy", "check", "policy.json"]).run();
    assert_eq!(ended.codes(), ["ISO-POL-004"], "a name that says JSON means JSON: {ended}");
}

#[test]
fn a_good_file_is_not_talked_about() {
    let isobar = Isobar::new();
    isobar.file("policy.toml", "version = 1\n");
    assert_eq!(shown(isobar.args(["policy", "check", "policy.toml"])), "", "no news is good news");
}

#[test]
fn a_file_with_many_faults_gets_all_of_them_told() {
    let isobar = Isobar::new();
    isobar.file("p.toml", "version = 1\nlimits = { pids = 0, cpus = 0 }\nidentity.uid = 0\n");
    let ended = isobar.args(["policy", "check", "p.toml"]).run();
    assert_eq!(ended.codes(), ["ISO-POL-011", "ISO-POL-011", "ISO-POL-017"], "{ended}");
}

#[test]
fn a_policy_through_a_pipe_is_read_to_its_end() {
    let isobar = Isobar::new().stdin("version = 1\nlimits.pids = 3\n");
    let policy = merged(isobar.args(["policy", "show", "--policy", "/dev/stdin"]));
    assert_eq!(policy.limits.pids, Some(3), "as the shell's <(…) gives it");
}

#[test]
fn a_digest_lets_a_policy_lie_under_a_grant_and_only_the_right_one() {
    let isobar = Isobar::new();
    isobar.file("w/policy.toml", "version = 1\n");
    let args = ["policy", "show", "--workspace", "w", "--policy", "w/policy.toml"];
    let refused = isobar.args(args).run();
    assert_eq!(refused.codes(), ["ISO-POL-021"], "a guest could have written it: {refused}");
    let told = refused.err();
    let digest = told.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap();
    let again = Isobar::new();
    again.file("w/policy.toml", "version = 1\n");
    shown(again.args(args).args(["--policy-digest", digest]));
    let changed = Isobar::new();
    changed.file("w/policy.toml", "version = 1\nlimits.pids = 9\n");
    let refused = changed.args(args).args(["--policy-digest", digest]).run();
    assert_eq!(refused.codes(), ["ISO-POL-022"], "it changed since it was read: {refused}");
}
