//! Programs: found as a shell finds them, with the directories that hold them.

use isobar_policy::{Clause, GrantOrigin, GrantSpec, ToolchainMode};

use super::*;

#[test]
fn a_system_program_needs_nothing() {
    let scene = Scene::new();
    let resolved = scene.resolved(&["env", "-u", "x"]);
    assert_eq!(resolved.request.program.path, "/usr/bin/env", "found in PATH");
    assert_eq!(shown(&resolved), Vec::<String>::new(), "the system's directories are there anyway");
    assert_eq!(argv_of(&resolved), ["env", "-u", "x"], "its name stays as it was");
}

#[test]
fn what_is_not_there_and_what_may_not_run_are_told_apart() {
    let mut scene = Scene::new();
    scene.file("bin/plain", "x");
    scene.directory("bin/directory");
    scene.search(&["bin"]);
    let missing = scene.refused(&["no-such-program"], Code::ResolveProgramMissing);
    assert!(missing.why.ends_with("in PATH"), "it says where it looked: {}", missing.why);
    scene.refused(&["./no-such-program"], Code::ResolveProgramMissing);
    scene.refused(&["./bin/directory"], Code::ResolveProgramMissing);
    scene.refused(&["./bin/plain/below"], Code::ResolveProgramMissing);
    let denied = scene.refused(&["plain"], Code::ResolveProgramNotExecutable);
    assert!(denied.why.contains("bin/plain"), "it names the file: {}", denied.why);
    scene.refused(&["./bin/plain"], Code::ResolveProgramNotExecutable);
    scene.refused(&[""], Code::ResolveProgramMissing);
    scene.refused(&[], Code::CliNoCommand);
    scene.program("later/plain");
    scene.search(&["bin", "later"]);
    let found = scene.resolved(&["plain"]).request.program.path;
    assert_eq!(found, scene.text("later/plain"), "one that may run is found behind it");
}

#[test]
fn an_installation_is_granted_whole() {
    let mut scene = Scene::new();
    scene.program("opt/node-22/bin/node");
    scene.directory("opt/node-22/lib");
    scene.search(&["opt/node-22/bin"]);
    let resolved = scene.resolved(&["node", "-e", "1"]);
    let [grant] = resolved.request.grants.as_slice() else { panic!("one directory holds it") };
    assert_eq!(grant.source, scene.text("opt/node-22"), "its prefix");
    assert_eq!(grant.origin, GrantOrigin::Toolchain, "the report says why");
    assert_eq!(resolved.request.program.path, scene.text("opt/node-22/bin/node"), "under its name");
}

#[test]
fn a_link_to_an_installation_is_followed() {
    let mut scene = Scene::new();
    scene.program("opt/node-22/bin/node");
    scene.link("opt/node-22/bin/nodejs", "node");
    scene.directory("opt/node-22/share");
    scene.link("home/bin/js", scene.path("opt/node-22/bin/nodejs"));
    scene.search(&["home/bin"]);
    let resolved = scene.resolved(&["js"]);
    assert_eq!(shown(&resolved), [scene.text("opt/node-22")], "the link itself is not needed");
    assert_eq!(resolved.request.program.path, scene.text("opt/node-22/bin/node"), "where it leads");
    assert_eq!(argv_of(&resolved), ["js"], "a name that means something to the program stays");
    scene.link("home/bin/python", "/usr/bin/env");
    let resolved = scene.resolved(&["python"]);
    assert_eq!(shown(&resolved), Vec::<String>::new(), "a link to a system program needs nothing");
    assert_eq!(resolved.request.program.path, "/usr/bin/env", "the link is not there in the guest");
}

#[test]
fn private_directories_are_no_installations() {
    let mut scene = Scene::new();
    scene.caller.cwd = scene.directory("work");
    for place in ["home/bin", "home/.local/bin", "home/.cargo/bin"] {
        scene.program(&format!("{place}/tool"));
        scene.directory("home/lib");
        scene.directory("home/.local/share");
        let name = scene.text(&format!("{place}/tool"));
        let resolved = scene.resolved(&[&name]);
        assert_eq!(shown(&resolved), [name.as_str()], "the file alone, not {place}/..");
        assert_eq!(resolved.request.grants[0].origin, GrantOrigin::Program, "the program's own");
    }
    scene.program("checkout/bin/tool");
    scene.directory("checkout/lib");
    scene.directory("checkout/.git");
    let name = scene.text("checkout/bin/tool");
    assert_eq!(
        shown(&scene.resolved(&[&name])),
        [name.as_str()],
        "a checkout is lent by name only"
    );
    scene.program("work/bin/tool");
    scene.directory("work/lib");
    let resolved = scene.resolved(&["bin/tool"]);
    assert_eq!(shown(&resolved), [scene.text("work/bin/tool")], "nor is where the caller works");
}

#[test]
fn a_lent_program_runs_where_it_was_lent() {
    let mut scene = Scene::new();
    scene.executable("project/run.sh", "#!/bin/sh\n");
    scene.caller.cwd = scene.path("project");
    scene.workspace("project", Some("/work"));
    let resolved = scene.resolved(&["./run.sh"]);
    assert_eq!(resolved.request.program.path, "/work/run.sh", "no second mount of the same file");
    assert_eq!(resolved.request.grants.len(), 1, "the workspace is enough");
}

#[test]
fn without_a_toolchain_only_what_is_granted_runs() {
    let mut scene = Scene::new();
    scene.program("opt/node/bin/node");
    scene.directory("opt/node/lib");
    scene.policy.fs.toolchain = Some(ToolchainMode::None);
    let refusal = scene.refused(&["opt/node/bin/node"], Code::ResolveToolchain);
    assert_eq!(refusal.clause, Some(Clause::FsToolchain), "the clause that forbids it");
    scene.policy.fs.ro = vec![GrantSpec::Text("opt/node".to_owned())];
    let resolved = scene.resolved(&["opt/node/bin/node"]);
    assert_eq!(resolved.request.grants.len(), 1, "granted by name, and nothing more");
    scene.resolved(&["env"]);
}

#[test]
fn scripts_bring_their_interpreters() {
    let mut scene = Scene::new();
    scene.program("opt/ruby/bin/ruby");
    scene.directory("opt/ruby/lib");
    scene.executable("tool", &format!("#!{} -w\n", scene.text("opt/ruby/bin/ruby")));
    let resolved = scene.resolved(&["./tool"]);
    assert_eq!(shown(&resolved), [scene.text("opt/ruby"), scene.text("tool")], "both");
    assert_eq!(
        resolved.request.program.path,
        scene.text("tool"),
        "the kernel reads its first line"
    );
    scene.executable("other", &format!("#!{}\n", scene.text("lone")));
    scene.program("lone");
    assert_eq!(
        shown(&scene.resolved(&["./other"])),
        [scene.text("lone"), scene.text("other")],
        "an interpreter without an installation is one file",
    );
    scene.executable("gone", "#!/no/such/interpreter\n");
    let refusal = scene.refused(&["./gone"], Code::ResolveInterpreterMissing);
    assert!(refusal.why.contains("/no/such/interpreter"), "it is named: {}", refusal.why);
    scene.executable("gone", "#!/usr/bin/env no-such-interpreter\n");
    scene.refused(&["./gone"], Code::ResolveInterpreterMissing);
    scene.executable("loop", &format!("#!{}\n", scene.text("loop")));
    scene.refused(&["./loop"], Code::ResolveToolchain);
    scene.search(&["opt/ruby/bin"]);
    scene.executable("by-env", "#!/usr/bin/env ruby\n");
    let resolved = scene.resolved(&["./by-env"]);
    let path = variable(&resolved, "PATH").expect("it is allowed");
    assert_eq!(path, format!("{}:/usr/bin:/bin", scene.text("opt/ruby/bin")), "env finds it");
}

#[test]
fn as_root_closed_files_are_named_with_the_way_to_give_them() {
    let mut scene = Scene::new();
    scene.credentials = Credentials { uid: 0, gid: 0, groups: Vec::new() };
    scene.program("opt/node/bin/node");
    scene.directory("opt/node/lib");
    scene.resolved(&["opt/node/bin/node"]);
    mode(&scene.path("opt/node"), 0o700);
    let refusal = scene.refused(&["opt/node/bin/node"], Code::ResolveToolchain);
    assert!(refusal.remedy.contains("--ro"), "a grant maps the owner: {}", refusal.remedy);
    mode(&scene.path("opt/node"), 0o755);
    mode(&scene.path("opt/node/bin/node"), 0o700);
    scene.refused(&["opt/node/bin/node"], Code::ResolveProgramNotExecutable);
    scene.executable("tool", "#!/bin/sh\n");
    mode(&scene.path("tool"), 0o711);
    scene.refused(&["./tool"], Code::ResolveProgramNotExecutable);
    scene.policy.fs.ro = vec![GrantSpec::Text("tool".to_owned())];
    scene.resolved(&["./tool"]);
    scene.credentials.uid = 4242;
    scene.policy.fs.ro.clear();
    scene.resolved(&["opt/node/bin/node"]);
}
