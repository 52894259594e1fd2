//! Grants of host paths: what the guest sees and may do, and what happens to a path that changes.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use isobar_boundary::LaunchError;
use isobar_policy::{Access, Clause, Code};

use crate::harness::{Scene, is_root, skip};

/// Somebody who is neither root nor the sandbox.
const OWNER: u32 = 4242;

/// A directory with a file that only its owner may read. Root gives it to somebody else.
fn lent(scene: &Scene, name: &str) -> PathBuf {
    let dir = scene.scratch().join(name);
    fs::create_dir(&dir).unwrap();
    write(&dir.join("secret"), "of the owner\n", 0o600);
    if is_root() {
        chown(&dir, Some(OWNER), Some(OWNER)).unwrap();
    }
    dir
}

fn write(path: &Path, content: &str, mode: u32) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    if is_root() {
        chown(path, Some(OWNER), Some(OWNER)).unwrap();
    }
}

#[test]
fn a_writable_grant_belongs_to_the_guest_inside_and_to_its_owner_outside() {
    let mut scene = Scene::new();
    let dir = lent(&scene, "work");
    let owner = fs::metadata(&dir).unwrap().uid();
    scene.grant(&dir, "/work", Access::Rw);
    let script = "cat /work/secret; stat -c %u:%g /work/secret; echo made > /work/made
        mkdir /work/dir; mv /work/made /work/dir/; chmod 600 /work/dir/made";
    let ran = scene.run(script);
    assert_eq!(ran.out, "of the owner\n1000:1000\n", "the owner is the guest inside: {}", ran.err);
    for made in ["dir", "dir/made"] {
        let data = fs::metadata(dir.join(made)).unwrap();
        assert_eq!((data.uid(), data.gid()), (owner, fs::metadata(&dir).unwrap().gid()), "{made}");
    }
    assert_eq!(fs::read_to_string(dir.join("dir/made")).unwrap(), "made\n", "changes are there");
}

#[test]
fn a_readable_grant_cannot_be_changed() {
    let mut scene = Scene::new();
    let dir = lent(&scene, "data");
    scene.grant(&dir, "/data", Access::Ro);
    let script = "cat /data/secret
        for act in 'echo x > /data/secret' 'touch /data/new' 'rm -f /data/secret' \
                   'chmod 777 /data/secret' 'mkdir /data/d' 'ln -s x /data/l'; do
            if sh -c \"$act\" 2> /tmp/why; then echo \"done: $act\"; fi
            grep -q 'Read-only file system' /tmp/why || echo \"not by the mount: $(cat /tmp/why)\"
        done";
    let ran = scene.run(script);
    assert_eq!(ran.out, "of the owner\n", "it is read, and nothing else: {}", ran.err);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "the host sees no change");
}

#[test]
fn the_files_of_a_third_party_stay_closed() {
    if !is_root() {
        return skip(
            "grants::the_files_of_a_third_party_stay_closed",
            "giving files away needs root",
        );
    }
    let mut scene = Scene::new();
    let dir = lent(&scene, "work");
    write(&dir.join("foreign"), "of a third party\n", 0o600);
    chown(dir.join("foreign"), Some(OWNER + 1), Some(OWNER + 1)).unwrap();
    scene.grant(&dir, "/work", Access::Rw);
    let ran = scene.run("stat -c %u /work/foreign; cat /work/foreign");
    assert_eq!(ran.out, "65534\n", "it has no number inside, so it is not the guest's");
    assert!(ran.err.contains("Permission denied"), "and stays closed: {}", ran.err);
}

#[test]
fn single_files_are_granted() {
    let mut scene = Scene::new();
    let dir = lent(&scene, "files");
    write(&dir.join("settings"), "a=1\n", 0o644);
    write(&dir.join("log"), "begin\n", 0o600);
    scene.grant(&dir.join("settings"), "/conf/settings", Access::Ro);
    scene.grant(&dir.join("log"), "/conf/log", Access::Rw);
    let script = "ls /conf; cat /conf/settings; echo more >> /conf/log
        echo b=2 >> /conf/settings || rm -f /conf/log || echo kept";
    let ran = scene.run(script);
    assert_eq!(
        ran.out, "log\nsettings\na=1\nkept\n",
        "only these two, each as granted: {}",
        ran.err
    );
    assert_eq!(fs::read_to_string(dir.join("log")).unwrap(), "begin\nmore\n", "one was written");
    assert_eq!(fs::read_to_string(dir.join("settings")).unwrap(), "a=1\n", "the other was not");
}

#[test]
fn a_writable_directory_can_lie_inside_a_readable_one() {
    let mut scene = Scene::new();
    let dir = lent(&scene, "data");
    let out = lent(&scene, "data/out");
    // In the order in which nobody should have to think of it.
    scene.grant(&out, "/data/out", Access::Rw);
    scene.grant(&dir, "/data", Access::Ro);
    let ran = scene.run("echo x > /data/new || echo closed; echo y > /data/out/new && echo open");
    assert_eq!(ran.out, "closed\nopen\n", "each keeps its own access: {}", ran.err);
    assert!(out.join("new").exists() && !dir.join("new").exists(), "on the host too");
}

#[test]
fn a_place_inside_a_grant_is_never_made_on_the_host() {
    let mut scene = Scene::new();
    let (dir, other) = (lent(&scene, "data"), lent(&scene, "other"));
    scene.grant(&dir, "/data", Access::Rw);
    scene.grant(&other, "/data/not-there", Access::Ro);
    let error = scene.try_launch().expect_err("there is no such place");
    let LaunchError::Failed(diagnostic) = error else { panic!("a failed step: {error:?}") };
    let named = diagnostic.to_string().contains("/data/not-there");
    assert!(named, "the place is named: {diagnostic}");
    assert!(!dir.join("not-there").exists(), "and the host's directory is as it was");
}

/// Puts another directory in the place of `dir`.
fn swap(dir: &Path, other: &Path) {
    fs::rename(dir, dir.with_extension("old")).unwrap();
    fs::rename(other, dir).unwrap();
}

/// Root holds the descriptor; an ordinary user's stage notices.
fn assert_never_the_other(scene: &mut Scene) {
    let plan = scene.plan();
    assert_eq!(plan.slots.len(), 1, "one grant");
    if is_root() {
        let ran = scene.run("cat /data/secret");
        assert_eq!(ran.out, "of the owner\n", "what was resolved, wherever it is now: {}", ran.err);
        return;
    }
    let error = scene.try_launch().expect_err("it is not what was resolved");
    let LaunchError::Failed(diagnostic) = error else { panic!("a changed path: {error:?}") };
    assert_eq!(diagnostic.code, Code::LaunchChanged, "{diagnostic}");
    assert!(diagnostic.summary.contains("/data"), "and it is named: {diagnostic}");
}

#[test]
fn a_directory_swapped_before_the_launch_is_not_used() {
    let mut scene = Scene::new();
    let (dir, other) = (lent(&scene, "data"), lent(&scene, "other"));
    write(&other.join("secret"), "swapped in\n", 0o644);
    scene.grant(&dir, "/data", Access::Ro);
    swap(&dir, &other);
    assert_never_the_other(&mut scene);
}

#[test]
fn a_link_put_in_the_place_of_a_directory_is_not_followed() {
    let mut scene = Scene::new();
    let (dir, other) = (lent(&scene, "data"), lent(&scene, "other"));
    write(&other.join("secret"), "behind the link\n", 0o644);
    scene.grant(&dir, "/data", Access::Ro);
    fs::rename(&dir, dir.with_extension("old")).unwrap();
    symlink(&other, &dir).unwrap();
    assert_never_the_other(&mut scene);
}

#[test]
fn a_path_that_vanished_is_not_made() {
    let mut scene = Scene::new();
    let dir = lent(&scene, "data");
    scene.grant(&dir, "/data", Access::Ro);
    fs::rename(&dir, dir.with_extension("old")).unwrap();
    assert_never_the_other(&mut scene);
    assert!(!dir.exists(), "nothing is made on the host");
}

#[test]
fn a_file_system_that_cannot_map_owners_is_refused() {
    if !is_root() {
        return skip("grants::a_file_system_that_cannot_map_owners", "only root maps owners");
    }
    let mut scene = Scene::new();
    // proc(5) has no idmapped mounts; the engine would refuse it for other reasons before.
    scene.grant(Path::new("/proc/sys/kernel"), "/data", Access::Rw);
    let error = scene.try_launch().expect_err("the owners would be wrong");
    let LaunchError::Refused(refusals) = error else { panic!("the host refuses: {error:?}") };
    let [one] = &refusals[..] else { panic!("one cause: {refusals:?}") };
    assert_eq!((one.clause, one.code), (Some(Clause::FsRw), Code::HostIdmap), "{one:?}");
    assert!(one.why.contains("/proc/sys/kernel"), "the path is named: {one:?}");
}
