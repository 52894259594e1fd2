//! Where the guest starts.

use isobar_policy::{Bytes, GrantSpec, TmpfsSpec};

use super::*;

fn cwd(scene: &Scene) -> String {
    scene.resolved(&["true"]).request.cwd
}

#[test]
fn without_a_wish_it_follows_what_the_guest_has() {
    let mut scene = Scene::new();
    assert_eq!(cwd(&scene), "/tmp", "the caller's directory is not there");
    scene.policy.env.set.insert("HOME".to_owned(), "/usr/share".to_owned());
    assert_eq!(cwd(&scene), "/usr/share", "the guest's home is");
    scene.policy.env.set.insert("HOME".to_owned(), "/nowhere".to_owned());
    assert_eq!(cwd(&scene), "/tmp", "a home that is not there is none");
    scene.caller.cwd = PathBuf::from("/usr/lib");
    assert_eq!(cwd(&scene), "/usr/lib", "the caller's, where the guest has it too");
    scene.caller.cwd = scene.directory("data/inside");
    scene.policy.fs.ro = vec![GrantSpec::Text("..".to_owned())];
    assert_eq!(cwd(&scene), scene.text("data/inside"), "below a grant");
    scene.caller.cwd = scene.root.clone();
    scene.policy.fs.ro = vec![GrantSpec::Text("data".to_owned())];
    assert_eq!(cwd(&scene), scene.text("").trim_end_matches('/'), "above one, where it is empty");
}

#[test]
fn a_workspace_keeps_the_callers_place() {
    let mut scene = Scene::new();
    scene.directory("work/deep");
    scene.workspace("work", None);
    assert_eq!(cwd(&scene), scene.text("work"), "the workspace itself");
    scene.workspace("work", Some("/w"));
    scene.caller.cwd = scene.path("work/deep");
    assert_eq!(cwd(&scene), "/w/deep", "the same place inside");
}

#[test]
fn a_tmpfs_hides_what_it_covers_and_shows_what_is_granted_in_it() {
    let mut scene = Scene::new();
    scene.directory("data/cache/sub");
    scene.directory("inner/sub");
    let tmpfs = TmpfsSpec { target: "/data/cache".to_owned(), size: Bytes(1 << 20), inodes: None };
    scene.policy.fs.tmpfs = vec![tmpfs];
    scene.policy.fs.ro = vec![GrantSpec::Text("data:/data".to_owned())];
    scene.cwd = Some("/data/cache/sub".to_owned());
    scene.refused(&["true"], Code::ResolveWorkingDirectory);
    scene.cwd = Some("/data/cache".to_owned());
    assert_eq!(cwd(&scene), "/data/cache", "the tmpfs itself is there, and empty");
    scene.policy.fs.ro.push(GrantSpec::Text("inner:/data/cache/inner".to_owned()));
    scene.cwd = Some("/data/cache/inner/sub".to_owned());
    assert_eq!(cwd(&scene), "/data/cache/inner/sub", "a grant inside it is seen");
}

#[test]
fn a_wish_must_be_there() {
    let mut scene = Scene::new();
    scene.directory("work/deep");
    scene.file("work/file", "x");
    scene.workspace("work", Some("/w"));
    scene.policy.fs.tmpfs =
        vec![TmpfsSpec { target: "/scratch".to_owned(), size: Bytes(1 << 20), inodes: None }];
    for (wish, place) in [
        ("deep", "/w/deep"),
        (".", "/w"),
        ("/w/deep/", "/w/deep"),
        ("/usr", "/usr"),
        ("/", "/"),
        ("/tmp", "/tmp"),
        ("/scratch", "/scratch"),
    ] {
        scene.cwd = Some(wish.to_owned());
        assert_eq!(cwd(&scene), place, "{wish} is a directory of the guest");
    }
    for wish in ["gone", "file", "/w/gone", "/root", "/tmp/x", "/scratch/x", "/usr/bin/env", ""] {
        scene.cwd = Some(wish.to_owned());
        if wish.is_empty() {
            assert_eq!(cwd(&scene), "/w", "an empty wish is the workspace");
        } else {
            scene.refused(&["true"], Code::ResolveWorkingDirectory);
        }
    }
    for wish in ["..", "deep/../..", "/w/.."] {
        scene.cwd = Some(wish.to_owned());
        scene.refused(&["true"], Code::ResolvePathClimbs);
    }
    scene.policy.fs.workspace = None;
    scene.cwd = Some("deep".to_owned());
    let refusal = scene.refused(&["true"], Code::ResolveWorkingDirectory);
    assert!(refusal.why.contains("no workspace"), "it says what is missing: {}", refusal.why);
}
