//! pyenv's shims: the version that pyenv would choose is granted and executed, without pyenv.

use super::*;

const SHIM: &str = r#"#!/usr/bin/env bash
set -e
program="${0##*/}"
export PYENV_ROOT="ROOT"
exec "ROOT/libexec/pyenv" exec "$program" "$@"
"#;

/// A pyenv with these versions, its shims first in PATH, 3.11.7 as the global version.
fn pyenv(versions: &[&str]) -> Scene {
    let mut scene = Scene::new();
    let root = scene.text("home/.pyenv");
    scene.executable("home/.pyenv/shims/python3", &SHIM.replace("ROOT", &root));
    for version in versions {
        scene.python(&format!("home/.pyenv/versions/{version}"));
    }
    scene.file("home/.pyenv/version", "3.11.7\n");
    scene.search(&["home/.pyenv/shims"]);
    scene
}

fn version(scene: &Scene, name: &str) -> String {
    scene.text(&format!("home/.pyenv/versions/{name}"))
}

#[test]
fn the_global_version_is_executed_and_nothing_else_of_the_home_is_seen() {
    let scene = pyenv(&["3.11.7", "3.12.1"]);
    let resolved = scene.resolved(&["python3", "-c", "1"]);
    let prefix = version(&scene, "3.11.7");
    assert_eq!(shown(&resolved), [prefix.as_str()], "the version, and no shim");
    assert_eq!(resolved.request.program.path, format!("{prefix}/bin/python3"), "no shim runs");
    assert_eq!(argv_of(&resolved)[0], format!("{prefix}/bin/python3"), "CPython finds its library");
    assert_eq!(resolved.request.program.command[0], "python3", "the report repeats the caller");
    let path = variable(&resolved, "PATH").expect("it is allowed");
    assert_eq!(path, format!("{prefix}/bin:/usr/bin:/bin"), "pyenv puts the version first");
}

#[test]
fn the_choice_follows_pyenvs_order() {
    let mut scene = pyenv(&["3.10.1", "3.11.7", "3.12.1"]);
    let chosen = |scene: &Scene| scene.resolved(&["python3"]).request.program.path;
    let expected = |scene: &Scene, name: &str| format!("{}/bin/python3", version(scene, name));
    scene.caller.cwd = scene.directory("work/deep");
    scene.file("work/.python-version", "# ours\n\n3.12.1 and more\n");
    assert_eq!(chosen(&scene), expected(&scene, "3.12.1"), "a file above the working directory");
    scene.file("work/deep/.python-version", "python-3.10.1\n");
    assert_eq!(chosen(&scene), expected(&scene, "3.10.1"), "the nearest file, prefix `python-`");
    scene.set("PYENV_VERSION", "3.12.1:3.10.1");
    assert_eq!(
        chosen(&scene),
        expected(&scene, "3.12.1"),
        "the variable wins; the first that has it"
    );
    scene.set("PYENV_VERSION", "9.9.9:3.10.1");
    assert_eq!(chosen(&scene), expected(&scene, "3.10.1"), "one that is missing is passed over");
    scene.set("PYENV_VERSION", "");
    scene.set("PYENV_DIR", scene.path("work"));
    assert_eq!(chosen(&scene), expected(&scene, "3.12.1"), "PYENV_DIR moves the search");
}

#[test]
fn a_beginning_means_the_newest_release() {
    let mut scene =
        pyenv(&["3.9.2", "3.9.18", "3.9.19-dev", "3.9.20rc1", "3.11.7", "3.13.1t", "3.13.0"]);
    for (name, full) in [("3.9", "3.9.18"), ("3", "3.13.0"), ("3.13t", "3.13.1t")] {
        scene.set("PYENV_VERSION", name);
        let path = scene.resolved(&["python3"]).request.program.path;
        assert_eq!(path, format!("{}/bin/python3", version(&scene, full)), "{name} means {full}");
    }
}

#[test]
fn system_means_what_path_has_beside_the_shims() {
    let mut scene = pyenv(&["3.11.7"]);
    scene.set("PYENV_VERSION", "system");
    scene.program("opt/py/bin/python3");
    scene.directory("opt/py/lib");
    scene.search(&["home/.pyenv/shims", "opt/py/bin"]);
    let resolved = scene.resolved(&["python3"]);
    assert_eq!(resolved.request.program.path, scene.text("opt/py/bin/python3"), "the next in PATH");
    scene.set("PYENV_VERSION", "9.9.9");
    let again = scene.resolved(&["python3"]);
    assert_eq!(again.request.program.path, resolved.request.program.path, "pyenv ends there too");
}

#[test]
fn a_program_that_no_version_has_is_missing() {
    let mut scene = pyenv(&["3.11.7"]);
    let root = scene.text("home/.pyenv");
    scene.executable("home/.pyenv/shims/no-such-tool", &SHIM.replace("ROOT", &root));
    scene.set("PYENV_VERSION", "3.11.7");
    let refusal = scene.refused(&["no-such-tool"], Code::ResolveProgramMissing);
    assert!(refusal.why.contains("3.11.7"), "it says where it looked: {}", refusal.why);
    assert_eq!(
        refusal.remedy, "see which versions have it: pyenv whence no-such-tool",
        "the next step"
    );
}

#[test]
fn a_version_file_leads_nowhere_else() {
    let scene = pyenv(&["3.11.7"]);
    scene.python("elsewhere");
    scene.file(".python-version", "../../../elsewhere\n..\n/usr\n3.11.7\n");
    let path = scene.resolved(&["python3"]).request.program.path;
    assert_eq!(path, format!("{}/bin/python3", version(&scene, "3.11.7")), "CVE-2022-35861");
    let mut scene = pyenv(&["3.11.7"]);
    scene.python("elsewhere");
    scene.set("PYENV_VERSION", "../../../elsewhere");
    let resolved = scene.resolve(&["python3"]);
    let outside = scene.text("elsewhere");
    assert!(
        !resolved.is_ok_and(|resolved| resolved.request.program.path.starts_with(&outside)),
        "the variable leads nowhere else either",
    );
}

#[test]
fn a_virtual_environment_among_the_versions_brings_its_base() {
    let mut scene = pyenv(&["3.11.7"]);
    let base = version(&scene, "3.11.7");
    let environment = "home/.pyenv/versions/3.11.7/envs/web";
    scene.link(&format!("{environment}/bin/python3"), format!("{base}/bin/python3"));
    scene.file(&format!("{environment}/pyvenv.cfg"), &format!("home = {base}/bin\n"));
    scene.link("home/.pyenv/versions/web", scene.path(environment));
    scene.set("PYENV_VERSION", "web");
    let resolved = scene.resolved(&["python3"]);
    let program = &resolved.request.program.path;
    assert_eq!(
        *program,
        format!("{}/bin/python3", scene.text(environment)),
        "inside the environment"
    );
    assert_eq!(shown(&resolved), [base.as_str()], "the base holds the environment");
}

#[test]
fn a_tool_of_a_version_brings_its_interpreter() {
    let scene = pyenv(&["3.11.7"]);
    let (root, prefix) = (scene.text("home/.pyenv"), version(&scene, "3.11.7"));
    scene.executable("home/.pyenv/shims/pip", &SHIM.replace("ROOT", &root));
    scene
        .executable("home/.pyenv/versions/3.11.7/bin/pip", &format!("#!{prefix}/bin/python3.11\n"));
    let resolved = scene.resolved(&["pip", "list"]);
    assert_eq!(resolved.request.program.path, format!("{prefix}/bin/pip"), "the version's own");
    assert_eq!(shown(&resolved), [prefix.as_str()], "one directory holds both");
}

#[test]
fn a_script_whose_first_line_asks_env_runs_with_the_chosen_version() {
    let scene = pyenv(&["3.11.7"]);
    scene.executable("tool", "#!/usr/bin/env python3\n");
    let resolved = scene.resolved(&["./tool"]);
    let prefix = version(&scene, "3.11.7");
    assert_eq!(shown(&resolved), [prefix.clone(), scene.text("tool")], "the version and the tool");
    let path = variable(&resolved, "PATH").expect("it is allowed");
    assert!(path.starts_with(&format!("{prefix}/bin:")), "env finds the version first: {path}");
}

#[test]
fn an_older_shim_lets_the_scripts_directory_choose() {
    let scene = pyenv(&["3.11.7", "3.12.1"]);
    let root = scene.text("home/.pyenv");
    let older =
        SHIM.replace("set -e", "set -e\nexport PYENV_FILE_ARG=\"$arg\"").replace("ROOT", &root);
    scene.executable("home/.pyenv/shims/python3", &older);
    scene.file("project/.python-version", "3.12.1");
    scene.file("project/x.py", "");
    let resolved = scene.resolved(&["python3", "project/x.py"]);
    let expected = format!("{}/bin/python3", version(&scene, "3.12.1"));
    assert_eq!(resolved.request.program.path, expected, "as that shim would have chosen");
}

#[test]
fn what_only_looks_like_a_shim_is_an_ordinary_script() {
    let mut scene = Scene::new();
    scene.executable("x/shims/tool", "#!/bin/sh\necho pyenv exec\n");
    scene.search(&["x/shims"]);
    let resolved = scene.resolved(&["tool"]);
    assert_eq!(resolved.request.program.path, scene.text("x/shims/tool"), "it is executed itself");
    let shim = super::super::pyenv::shim(&scene.path("x/shims/tool"), &scene.caller);
    assert_eq!(shim, None, "only a line that executes pyenv makes a shim");
}
