//! Virtual environments: the program keeps its path inside, the base comes along.

use isobar_policy::Clause;

use super::*;

/// An environment in `directory` whose base is the installation `base` of the tree.
fn environment(scene: &Scene, directory: &str, base: &str) {
    let base = scene.text(base);
    scene.link(&format!("{directory}/bin/python3"), format!("{base}/bin/python3"));
    scene.link(&format!("{directory}/bin/python"), "python3");
    scene.directory(&format!("{directory}/lib/python3.11/site-packages"));
    scene.file(
        &format!("{directory}/pyvenv.cfg"),
        &format!("home = {base}/bin\nversion = 3.11.7\n"),
    );
}

#[test]
fn the_program_stays_inside_and_the_base_is_granted() {
    let scene = Scene::new();
    scene.python("opt/python");
    environment(&scene, "project/venv", "opt/python");
    let resolved = scene.resolved(&["project/venv/bin/python", "-V"]);
    let inside = scene.text("project/venv/bin/python");
    assert_eq!(resolved.request.program.path, inside, "its real path would leave the environment");
    assert_eq!(argv_of(&resolved)[0], inside, "CPython finds pyvenv.cfg by its own path");
    assert_eq!(shown(&resolved), [scene.text("opt/python"), scene.text("project/venv")], "both");
}

#[test]
fn a_system_base_needs_no_grant() {
    let scene = Scene::new();
    scene.link("venv/bin/python3", "/usr/bin/env");
    scene.file("venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n");
    let resolved = scene.resolved(&["venv/bin/python3"]);
    assert_eq!(shown(&resolved), [scene.text("venv")], "/usr is there anyway");
}

#[test]
fn an_activated_environment_keeps_its_place_in_path() {
    let mut scene = Scene::new();
    scene.python("opt/python");
    environment(&scene, "venv", "opt/python");
    scene.search(&["venv/bin"]);
    let resolved = scene.resolved(&["python"]);
    let path = variable(&resolved, "PATH").expect("it is allowed");
    assert_eq!(path, format!("{}:/usr/bin:/bin", scene.text("venv/bin")), "as the caller has it");
}

#[test]
fn an_environment_that_the_caller_works_in_lends_its_parts_only() {
    let mut scene = Scene::new();
    scene.python("opt/python");
    environment(&scene, "project", "opt/python");
    scene.file("project/secret.env", "x");
    scene.caller.cwd = scene.path("project");
    let resolved = scene.resolved(&["bin/python"]);
    let expected = [
        scene.text("opt/python"),
        scene.text("project/bin"),
        scene.text("project/lib"),
        scene.text("project/pyvenv.cfg"),
    ];
    assert_eq!(shown(&resolved), expected, "the project itself was not lent");
}

#[test]
fn a_base_through_a_link_is_seen_at_both_paths() {
    let scene = Scene::new();
    scene.python("store/cpython-3.11.7");
    scene.link("store/cpython-3.11", "cpython-3.11.7");
    environment(&scene, "venv", "store/cpython-3.11");
    let resolved = scene.resolved(&["venv/bin/python3"]);
    let (real, written) = (scene.text("store/cpython-3.11.7"), scene.text("store/cpython-3.11"));
    let expected = [format!("{real} -> {written}"), real, scene.text("venv")];
    assert_eq!(
        shown(&resolved),
        expected,
        "links inside the environment name the one, pyvenv.cfg the other"
    );
}

#[test]
fn a_base_that_a_guest_may_have_invented_is_not_granted() {
    let scene = Scene::new();
    scene.python("opt/python");
    environment(&scene, "venv", "opt/python");
    scene.file("home/.ssh/id", "x");
    scene.directory("home/bin");
    scene.python("home/.local");
    for home in ["home/.ssh/bin", "home/bin", "home/.local/bin", "nowhere/bin", "../opt/python/bin"]
    {
        let written = if home.starts_with("..") { home.to_owned() } else { scene.text(home) };
        scene.file("venv/pyvenv.cfg", &format!("home = {written}\n"));
        let refusal = scene.refused(&["venv/bin/python3"], Code::ResolveToolchain);
        assert_eq!(refusal.clause, Some(Clause::FsToolchain), "{home} is no installation");
    }
}

#[test]
fn a_home_is_never_an_environment() {
    let mut scene = Scene::new();
    scene.python("opt/python");
    environment(&scene, "home", "opt/python");
    scene.caller.cwd = scene.directory("work");
    let resolved = scene.resolved(&["../home/bin/python3"]);
    assert_eq!(shown(&resolved), [scene.text("opt/python")], "whatever lies in it");
}

#[test]
fn a_tool_of_an_environment_runs_with_the_environments_python() {
    let scene = Scene::new();
    scene.python("opt/python");
    environment(&scene, "venv", "opt/python");
    let first = format!("#!{}\n", scene.text("venv/bin/python3"));
    scene.executable("venv/bin/tool", &first);
    let resolved = scene.resolved(&["venv/bin/tool"]);
    assert_eq!(
        shown(&resolved),
        [scene.text("opt/python"), scene.text("venv")],
        "all that it needs"
    );
}
