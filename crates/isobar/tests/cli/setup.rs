//! `isobar setup` on hosts that are directories: what it says, what it writes, what it takes back,
//! and that it touches nothing of anybody else's.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Ended, Isobar};

const UNIT: &str = "usr/lib/systemd/system/user@.service";
const PROFILE: &str = "etc/apparmor.d/isobar";
const SETTINGS: &str = "etc/sysctl.d/60-isobar.conf";
const DROP_IN: &str = "etc/systemd/system/user@.service.d/60-isobar.conf";

/// A host that needs everything.
fn host(isobar: &Isobar) -> PathBuf {
    let files = [
        ("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"),
        ("proc/sys/kernel/unprivileged_userns_clone", "0\n"),
        ("proc/sys/user/max_user_namespaces", "0\n"),
        (UNIT, "[Service]\nDelegate=pids memory\n"),
        ("etc/apparmor.d/other", "profile other {}\n"),
        ("etc/sysctl.d/README", "yours\n"),
        ("etc/systemd/system/README", "yours\n"),
    ];
    let root = isobar.scratch().join("host");
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn setup(isobar: Isobar, root: &Path, args: &[&str]) -> Ended {
    isobar.args(["setup", "--root"]).arg(root).args(args).run()
}

/// Everything below a directory: path, text.
fn tree(root: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn without_a_word_to_act_it_only_says() {
    let isobar = Isobar::new();
    let root = host(&isobar);
    let before = tree(&root);
    let ended = setup(isobar, &root, &[]);
    assert_eq!(ended.code, Some(1), "something is needed: {ended}");
    let out = ended.out();
    for step in ["apparmor: needed", "userns: needed", "delegation: needed"] {
        assert!(out.contains(step), "{step}: {ended}");
    }
    assert!(out.contains("not tested"), "what nobody tried is said to be so: {ended}");
    assert!(out.contains("profile isobar"), "what would be written is shown whole: {ended}");
    assert_eq!(tree(&root), before, "and nothing was changed");
}

#[test]
fn what_is_done_is_taken_back_to_the_letter() {
    let isobar = Isobar::new();
    let root = host(&isobar);
    let before = tree(&root);
    let ended = setup(isobar, &root, &["--apply"]);
    assert_eq!(ended.code, Some(0), "{ended}");
    for path in [PROFILE, SETTINGS, DROP_IN] {
        let text = fs::read_to_string(root.join(path)).unwrap();
        assert!(text.starts_with("# Written by `isobar setup`"), "{path} says whose it is: {text}");
        let mode = fs::metadata(root.join(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o022, 0, "{path} can be changed by its owner only");
        assert!(ended.out().contains(&format!("write /{path}")), "each act is said: {ended}");
    }
    let settings = fs::read_to_string(root.join(SETTINGS)).unwrap();
    for line in [
        "# was: user.max_user_namespaces = 0",
        "-user.max_user_namespaces = 65536",
        "# was: kernel.unprivileged_userns_clone = 0",
        "-kernel.unprivileged_userns_clone = 1",
    ] {
        assert!(settings.lines().any(|one| one == line), "{line}: {settings}");
    }
    assert!(ended.out().contains("left out on a host that does not run"), "{ended}");

    let again = setup(Isobar::new(), &root, &["--apply"]);
    assert_eq!(again.code, Some(0), "twice is once: {again}");
    let kept = fs::read_to_string(root.join(SETTINGS)).unwrap();
    assert_eq!(kept, settings, "the second time forgets nothing of what was before");

    let undone = setup(Isobar::new(), &root, &["--undo"]);
    assert_eq!(undone.code, Some(0), "{undone}");
    assert_eq!(tree(&root), before, "nothing is left of it: {undone}");
    let nothing = setup(Isobar::new(), &root, &["--undo"]);
    assert_eq!(
        (nothing.code, nothing.out().as_str()),
        (Some(0), "nothing was done\n"),
        "nothing to take back"
    );
}

#[test]
fn a_host_that_needs_nothing_gets_nothing() {
    let isobar = Isobar::new();
    let root = host(&isobar);
    fs::write(root.join("proc/sys/kernel/apparmor_restrict_unprivileged_userns"), "0\n").unwrap();
    fs::write(root.join("proc/sys/kernel/unprivileged_userns_clone"), "1\n").unwrap();
    fs::write(root.join("proc/sys/user/max_user_namespaces"), "1000\n").unwrap();
    fs::write(root.join(UNIT), "[Service]\nDelegate=pids memory cpu\n").unwrap();
    let before = tree(&root);
    let said = setup(Isobar::new(), &root, &[]);
    assert_eq!(said.code, Some(0), "{said}");
    assert!(said.out().ends_with("nothing is needed\n"), "{said}");
    let applied = setup(isobar, &root, &["--apply"]);
    assert_eq!(
        (applied.code, applied.out().as_str()),
        (Some(0), "nothing is needed\n"),
        "{applied}"
    );
    assert_eq!(tree(&root), before, "no file for its own sake");
}

/// In an image nothing shows what its host will need: a step that is named is done.
#[test]
fn a_step_that_is_named_is_done_needed_or_not() {
    let isobar = Isobar::new();
    let root = isobar.scratch().join("image");
    fs::create_dir_all(root.join("etc/sysctl.d")).unwrap();
    let ended = setup(isobar, &root, &["--apply", "userns"]);
    assert_eq!(ended.code, Some(0), "{ended}");
    let settings = fs::read_to_string(root.join(SETTINGS)).unwrap();
    assert!(settings.contains("-user.max_user_namespaces = 65536"), "{settings}");
    assert!(!settings.contains("# was"), "nothing was seen, so nothing is claimed: {settings}");
    assert!(!root.join(PROFILE).exists(), "what was not named is not done");
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    for apply in ["--apply", "--undo"] {
        let isobar = Isobar::new();
        let root = host(&isobar);
        fs::write(root.join(PROFILE), "profile isobar {}\n").unwrap();
        let ended = setup(isobar, &root, &[apply, "apparmor"]);
        let expected: &[&str] = if apply == "--apply" { &["ISO-SET-004"] } else { &[] };
        assert_eq!(ended.codes(), expected, "{apply}: {ended}");
        let text = fs::read_to_string(root.join(PROFILE)).unwrap();
        assert_eq!(text, "profile isobar {}\n", "{apply}: it is as it was");
    }
}

/// A link in an image must not lead out of it, into the files of the host that builds it.
#[test]
fn links_in_an_image_stay_in_the_image() {
    let isobar = Isobar::new();
    let root = host(&isobar);
    let outside = isobar.scratch().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir_all(root.join("etc/sysctl.d")).unwrap();
    symlink(&outside, root.join("etc/sysctl.d")).unwrap();
    let ended = setup(isobar, &root, &["--apply", "userns"]);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "nothing was written outside: {ended}");
}

#[test]
fn the_json_form_says_the_same() {
    let isobar = Isobar::new();
    let root = host(&isobar);
    let ended = setup(isobar, &root, &["--json"]);
    let steps: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let states: Vec<(&str, &str)> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["name"].as_str().unwrap(), step["state"].as_str().unwrap()))
        .collect();
    let expected = [("apparmor", "needed"), ("userns", "needed"), ("delegation", "needed")];
    assert_eq!(states, expected, "{steps:#}");
    assert_eq!(ended.code, Some(1), "the exit code is the verdict");
}

#[test]
fn on_the_running_host_it_can_be_asked_by_anybody() {
    let ended = Isobar::new().args(["setup", "--json"]).run();
    assert!(matches!(ended.code, Some(0 | 1)), "looking needs no rights: {ended}");
    let steps: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(steps.as_array().unwrap().len(), 3, "{steps:#}");
}
