//! A program named by the path at which the guest sees it.

use isobar_policy::GrantSpec;

use super::*;

fn lend(scene: &mut Scene, name: &str, target: &str) {
    scene.policy.fs.ro.push(GrantSpec::Text(format!("{name}:{target}")));
}

#[test]
fn it_is_found_below_the_grants_target() {
    let mut scene = Scene::new();
    scene.executable("dir/tools/prog", "#!/bin/sh\n");
    lend(&mut scene, "dir", "/opt/x");
    let resolved = scene.resolved(&["/opt/x/tools/prog", "a"]);
    assert_eq!(resolved.request.program.path, "/opt/x/tools/prog", "the guest executes this path");
    let expected = format!("{} -> /opt/x", scene.text("dir"));
    assert_eq!(shown(&resolved), [expected], "what was lent is enough");
    assert_eq!(argv_of(&resolved), ["/opt/x/tools/prog", "a"], "it knows itself by that name");
}

#[test]
fn a_file_that_is_lent_itself_is_found_too() {
    let mut scene = Scene::new();
    scene.executable("dir/prog", "#!/bin/sh\n");
    lend(&mut scene, "dir/prog", "/opt/other");
    let resolved = scene.resolved(&["/opt/other"]);
    assert_eq!(resolved.request.program.path, "/opt/other", "under the name that it was given");
}

#[test]
fn a_relative_path_is_looked_up_in_the_working_directory_that_was_asked_for() {
    let mut scene = Scene::new();
    scene.executable("dir/tools/prog", "#!/bin/sh\n");
    lend(&mut scene, "dir", "/opt/x");
    scene.cwd = Some("/opt/x".to_owned());
    for name in ["./tools/prog", "tools/prog"] {
        let resolved = scene.resolved(&[name]);
        assert_eq!(resolved.request.program.path, "/opt/x/tools/prog", "{name} from there");
    }
    scene.cwd = None;
    scene.refused(&["./tools/prog"], Code::ResolveProgramMissing);
}

#[test]
fn it_comes_before_what_the_host_has_at_that_path() {
    let mut scene = Scene::new();
    scene.executable("theirs/prog", "#!/bin/sh\n# theirs\n");
    scene.executable("mine/prog", "#!/bin/sh\n# mine\n");
    let target = scene.text("theirs");
    lend(&mut scene, "mine", &target);
    let resolved = scene.resolved(&[&format!("{target}/prog")]);
    let expected = format!("{} -> {target}", scene.text("mine"));
    assert_eq!(
        shown(&resolved),
        [expected],
        "the guest sees the lent one there, and it is the one"
    );
}

#[test]
fn what_may_not_be_executed_or_lies_elsewhere_is_not_run() {
    let mut scene = Scene::new();
    scene.file("dir/text", "no program");
    scene.executable("outside", "#!/bin/sh\n");
    scene.link("dir/leads-out", "../outside");
    lend(&mut scene, "dir", "/opt/x");
    scene.refused(&["/opt/x/text"], Code::ResolveProgramNotExecutable);
    scene.refused(&["/opt/x/leads-out"], Code::ResolveProgramMissing);
    scene.refused(&["/opt/x/none"], Code::ResolveProgramMissing);
    scene.refused(&["/opt/x/../x/text"], Code::ResolveProgramMissing);
}
