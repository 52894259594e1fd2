//! What lies in a workspace does not choose what else is lent.

use isobar_policy::GrantSpec;

use super::*;

/// A workspace that the caller works in, and an installation elsewhere.
fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.python("opt/python");
    scene.caller.cwd = scene.directory("work");
    scene.workspace("work", None);
    scene
}

/// The program is refused, and runs once the installation is lent by name.
#[track_caller]
fn needs_a_word(mut scene: Scene, program: &str, prefix: &str) {
    let refusal = scene.refused(&[program], Code::ResolveToolchain);
    let prefix = scene.text(prefix);
    assert!(refusal.remedy.contains(&format!("--ro '{prefix}'")), "{}", refusal.remedy);
    scene.policy.fs.ro = vec![GrantSpec::Text(prefix)];
    scene.resolved(&[program]);
}

#[test]
fn a_link_in_the_workspace_lends_nothing() {
    let scene = scene();
    scene.link("work/python3", scene.path("opt/python/bin/python3"));
    needs_a_word(scene, "./python3", "opt/python");
}

#[test]
fn a_link_outside_that_leads_through_the_workspace_lends_nothing() {
    let mut scene = scene();
    scene.link("work/python3", scene.path("opt/python/bin/python3"));
    scene.link("bin/python3", scene.path("work/python3"));
    scene.search(&["bin"]);
    needs_a_word(scene, "python3", "opt/python");
}

#[test]
fn a_first_line_in_the_workspace_lends_nothing() {
    let scene = scene();
    let first = format!("#!{}\n", scene.text("opt/python/bin/python3"));
    scene.executable("work/tool", &first);
    needs_a_word(scene, "./tool", "opt/python");
}

#[test]
fn a_writable_grant_counts_as_a_workspace_does() {
    let mut scene = scene();
    scene.policy.fs.workspace = None;
    scene.policy.fs.rw = vec![GrantSpec::Text(scene.text("work"))];
    scene.link("work/python3", scene.path("opt/python/bin/python3"));
    scene.refused(&["./python3"], Code::ResolveToolchain);
    scene.policy.fs.ro = std::mem::take(&mut scene.policy.fs.rw);
    scene.resolved(&["./python3"]);
}

#[test]
fn an_environment_in_the_workspace_does_not_name_its_base() {
    let scene = scene();
    scene.link("work/.venv/bin/python3", scene.path("opt/python/bin/python3"));
    scene.file("work/.venv/pyvenv.cfg", &format!("home = {}\n", scene.text("opt/python/bin")));
    needs_a_word(scene, ".venv/bin/python3", "opt/python");
}

#[test]
fn an_environment_of_the_systems_python_works_as_before() {
    let scene = scene();
    scene.link("work/.venv/bin/python3", "/usr/bin/env");
    scene.file("work/.venv/pyvenv.cfg", "home = /usr/bin\n");
    let resolved = scene.resolved(&[".venv/bin/python3"]);
    assert_eq!(shown(&resolved), [scene.text("work")], "nothing else is needed");
    scene.executable("work/run.sh", "#!/bin/sh\n");
    scene.resolved(&["./run.sh"]);
}

#[test]
fn a_version_file_chooses_among_the_installed_versions_only() {
    let mut scene = scene();
    let root = scene.text("home/.pyenv");
    let shim = format!("#!/bin/sh\nexport PYENV_ROOT=\"{root}\"\nexec \"{root}/pyenv\" exec x\n");
    scene.executable("home/.pyenv/shims/python3", &shim);
    scene.python("home/.pyenv/versions/3.11.7");
    scene.python("home/.pyenv/versions/3.12.1");
    scene.link("home/.pyenv/versions/linked", scene.path("opt/python"));
    scene.file("home/.pyenv/version", "3.12.1\n");
    scene.search(&["home/.pyenv/shims"]);
    scene.file("work/x.py", "");
    scene.file("work/.python-version", "3.11.7\n");
    let resolved = scene.resolved(&["python3", "x.py"]);
    let version = scene.text("home/.pyenv/versions/3.11.7");
    assert_eq!(shown(&resolved), [version, scene.text("work")], "it is the caller's own");
    scene.file("work/.python-version", "linked\n");
    let refusal = scene.refused(&["python3", "x.py"], Code::ResolveToolchain);
    assert!(refusal.why.contains(".python-version"), "it names the file: {}", refusal.why);
}

/// A script of the workspace whose `env` leads through a shim to the caller's own interpreter.
#[test]
fn the_remedy_says_all_that_has_to_be_passed() {
    let mut scene = scene();
    let root = scene.text("home/.pyenv");
    let shim = format!("#!/bin/sh\nexport PYENV_ROOT=\"{root}\"\nexec \"{root}/pyenv\" exec x\n");
    scene.executable("home/.pyenv/shims/python3", &shim);
    scene.python("home/.pyenv/versions/3.12.1");
    scene.file("home/.pyenv/version", "3.12.1\n");
    scene.search(&["home/.pyenv/shims"]);
    scene.executable("work/job.py", "#!/usr/bin/env python3\n");
    let refusal = scene.refused(&["./job.py"], Code::ResolveToolchain);
    let quoted = refusal.remedy.split("--ro '").skip(1).filter_map(|rest| rest.split('\'').next());
    let named: Vec<&str> = quoted.collect();
    assert_eq!(named, [scene.text("home/.pyenv/versions/3.12.1")], "one flag: {}", refusal.remedy);
    scene.policy.fs.ro = named.into_iter().map(|path| GrantSpec::Text(path.to_owned())).collect();
    let resolved = scene.resolved(&["./job.py"]);
    let path = variable(&resolved, "PATH").expect("env looks there");
    let bin = scene.text("home/.pyenv/versions/3.12.1/bin");
    assert!(path.split(':').any(|one| one == bin), "and env finds the interpreter: {path}");
}
