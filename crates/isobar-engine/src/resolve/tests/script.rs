//! `isobar run -- python3 generated.py`: the one file is granted, and is found.

use isobar_policy::{Access, GrantOrigin, GrantSpec, ToolchainMode};

use super::*;

#[test]
fn the_script_alone_is_granted_where_the_caller_has_it() {
    let mut scene = Scene::new();
    scene.file("work/generated.py", "print(1)");
    scene.file("work/secret", "x");
    scene.caller.cwd = scene.path("work");
    let resolved = scene.resolved(&["bash", "generated.py", "x"]);
    let [grant] = resolved.request.grants.as_slice() else { panic!("one file") };
    assert_eq!(grant.target, scene.text("work/generated.py"), "at its own path");
    assert_eq!((grant.origin, grant.access), (GrantOrigin::Program, Access::Ro), "read-only");
    assert_eq!(resolved.request.cwd, scene.text("work"), "its parents exist, so it starts there");
    assert_eq!(argv_of(&resolved), ["bash", "generated.py", "x"], "the argument still means it");
}

#[test]
fn a_script_elsewhere_is_written_out() {
    let mut scene = Scene::new();
    scene.file("lib/x.sh", "");
    scene.caller.cwd = scene.directory("work");
    let resolved = scene.resolved(&["bash", "-e", "../lib/x.sh"]);
    let place = scene.text("lib/x.sh");
    assert_eq!(shown(&resolved), [place.as_str()], "the file alone");
    assert_eq!(resolved.request.cwd, "/tmp", "the caller's directory is not there");
    assert_eq!(argv_of(&resolved), ["bash", "-e", place.as_str()], "so the path is written out");
    assert_eq!(resolved.request.program.command[2], "../lib/x.sh", "the report shows the original");
}

#[test]
fn a_lent_script_needs_no_grant_of_its_own() {
    let mut scene = Scene::new();
    scene.file("work/sub/x.sh", "");
    scene.caller.cwd = scene.path("work/sub");
    scene.workspace("work", Some("/w"));
    let resolved = scene.resolved(&["bash", "x.sh"]);
    assert_eq!(resolved.request.grants.len(), 1, "the workspace holds it");
    assert_eq!(resolved.request.cwd, "/w/sub", "the caller's own place in the workspace");
    assert_eq!(argv_of(&resolved)[1], "x.sh", "it is found from there");
    let absolute = scene.text("work/sub/x.sh");
    let resolved = scene.resolved(&["bash", &absolute]);
    assert_eq!(resolved.request.grants.len(), 1, "still one");
    assert_eq!(argv_of(&resolved)[1], "/w/sub/x.sh", "the guest knows it by this path");
}

#[test]
fn a_script_beside_another_workspace_is_not_mistaken_for_one_inside() {
    let mut scene = Scene::new();
    scene.file("here/x.sh", "mine");
    scene.file("data/x.sh", "theirs");
    scene.caller.cwd = scene.path("here");
    scene.workspace("data", None);
    let resolved = scene.resolved(&["bash", "x.sh"]);
    assert_eq!(resolved.request.cwd, scene.text("data"), "the workspace is where it starts");
    assert_eq!(argv_of(&resolved)[1], scene.text("here/x.sh"), "the file that the caller meant");
}

#[test]
fn a_link_that_is_not_lent_is_refused() {
    let mut scene = Scene::new();
    scene.file("home/.ssh/id", "x");
    scene.link("x.sh", scene.path("home/.ssh/id"));
    let refusal = scene.refused(&["bash", "x.sh"], Code::ResolvePathLink);
    assert!(refusal.remedy.contains(".ssh/id"), "it says where it leads: {}", refusal.remedy);
    scene.workspace(".", None);
    scene.policy.fs.workspace.as_mut().expect("set").path = scene.text("work");
    scene.directory("work");
    scene.link("work/x.sh", scene.path("home/.ssh/id"));
    scene.caller.cwd = scene.path("work");
    let refusals = scene.refusals(&["bash", "x.sh"]);
    assert_eq!(refusals[0].code, Code::ResolvePathLink, "an earlier guest may have made it");
}

#[test]
fn what_is_no_script_grants_nothing() {
    let mut scene = Scene::new();
    scene.file("x.sh", "");
    scene.directory("directory");
    for argv in [
        &["bash", "-c", "x.sh"][..],
        &["bash", "-s", "x.sh"],
        &["cat", "x.sh"],
        &["bash", "directory"],
        &["bash", "missing.sh"],
        &["bash", "/dev/stdin"],
        &["bash", "/proc/self/status"],
        &["bash"],
    ] {
        let resolved = scene.resolved(argv);
        assert_eq!(shown(&resolved), Vec::<String>::new(), "{argv:?} names no script");
    }
    scene.policy.fs.toolchain = Some(ToolchainMode::None);
    let resolved = scene.resolved(&["bash", "x.sh"]);
    assert_eq!(shown(&resolved), Vec::<String>::new(), "only what is granted by name");
}

#[test]
fn source_text_is_never_taken_for_a_file() {
    let scene = Scene::new();
    scene.file("x.sh", "");
    let code = crate::InlineCode { language: crate::Language::Bash, code: "x.sh".into() };
    let ask = Ask {
        policy: scene.policy.clone(),
        argv: vec!["bash".into(), "x.sh".into()],
        code: Some(code),
        cwd: None,
        terminal: false,
        caller: scene.caller.clone(),
    };
    let own = OwnPaths::new(scene.path("state"), None);
    let resolved = resolve(ask, &scene.credentials, &own).expect("bash is there");
    assert_eq!(shown(&resolved), Vec::<String>::new(), "the caller gave text");
}

#[test]
fn as_root_a_closed_script_is_named() {
    let mut scene = Scene::new();
    scene.credentials = Credentials { uid: 0, gid: 0, groups: Vec::new() };
    let script = scene.file("x.sh", "");
    scene.resolved(&["bash", "x.sh"]);
    mode(&script, 0o600);
    scene.refused(&["bash", "x.sh"], Code::ResolveProgramNotExecutable);
    scene.policy.fs.ro = vec![GrantSpec::Text("x.sh".to_owned())];
    scene.resolved(&["bash", "x.sh"]);
}
