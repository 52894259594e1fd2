//! Sockets that only a supplementary group opens.
//!
//! The tests own the files; the caller that they describe is somebody else whose supplementary
//! group is the files' group.

use std::os::unix::net::UnixListener;

use isobar_policy::GrantSpec;

use super::*;

fn group_member(scene: &mut Scene) {
    let gid = rustix::process::getegid().as_raw();
    scene.credentials = Credentials { uid: 4_000_000, gid: 4_000_000, groups: vec![gid] };
    scene.policy.fs.ro = vec![GrantSpec::Text("data".to_owned())];
    mode(&scene.directory("data"), 0o755);
}

fn socket(scene: &Scene, name: &str, bits: u32) -> UnixListener {
    let path = scene.path(name);
    let listener = UnixListener::bind(&path).expect("a socket");
    mode(&path, bits);
    listener
}

fn found(scene: &Scene) -> Option<String> {
    scene.resolved(&["true"]).request.grants[0].group_socket.clone()
}

#[test]
fn a_socket_that_the_group_alone_opens_is_found() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    mode(&scene.directory("data/deep"), 0o755);
    let _listener = socket(&scene, "data/deep/socket", 0o660);
    assert_eq!(found(&scene), Some(scene.text("data/deep/socket")), "connect(2) asks for `w`");
}

#[test]
fn a_socket_behind_a_directory_of_the_group_is_found() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    mode(&scene.directory("data/deep"), 0o750);
    let _listener = socket(&scene, "data/deep/socket", 0o666);
    assert_eq!(found(&scene), Some(scene.text("data/deep/socket")), "the way there is the group's");
}

/// Gives a supplementary group of [`group_member`]'s these permissions by an access control list
/// (acl(5)), and the group that owns the file none.
fn list_group(scene: &mut Scene, name: &str, permissions: u16) {
    const OTHER_GROUP: u32 = 4_000_001;
    scene.credentials.groups = vec![OTHER_GROUP];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in [
        (0x01_u16, 7, u32::MAX),
        (0x04, 0, u32::MAX),
        (0x08, permissions, OTHER_GROUP),
        (0x10, 7, u32::MAX),
        (0x20, 0, u32::MAX),
    ] {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::lsetxattr(scene.path(name), "system.posix_acl_access", &list, flags)
        .expect("the file system of the temporary directory keeps lists");
}

#[test]
fn a_socket_whose_list_names_the_group_is_found() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    let _listener = socket(&scene, "data/socket", 0o660);
    list_group(&mut scene, "data/socket", 6);
    assert_eq!(found(&scene), Some(scene.text("data/socket")), "the kernel looks at it, too");
    list_group(&mut scene, "data/socket", 4);
    assert_eq!(found(&scene), None, "connect(2) asks for `w`");
}

#[test]
fn a_socket_behind_a_directory_whose_list_names_the_group_is_found() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    mode(&scene.directory("data/deep"), 0o750);
    let _listener = socket(&scene, "data/deep/socket", 0o666);
    list_group(&mut scene, "data/deep", 5);
    assert_eq!(found(&scene), Some(scene.text("data/deep/socket")), "the way is the group's");
    list_group(&mut scene, "data/deep", 0);
    assert_eq!(found(&scene), None, "it has no way there");
}

#[test]
fn a_directory_above_the_grant_may_be_the_groups() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    mode(&scene.directory("above"), 0o750);
    mode(&scene.directory("above/data"), 0o755);
    scene.policy.fs.ro = vec![GrantSpec::Text("above/data".to_owned())];
    let _listener = socket(&scene, "above/data/socket", 0o666);
    assert_eq!(
        found(&scene),
        Some(scene.text("above/data/socket")),
        "the way there is the group's"
    );
}

#[test]
fn an_installation_is_searched_too() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    scene.policy.fs.ro.clear();
    scene.python("opt/python");
    for name in ["opt/python", "opt/python/bin", "opt/python/lib", "opt/python/lib/python3.11"] {
        mode(&scene.path(name), 0o755);
    }
    let _listener = socket(&scene, "opt/python/lib/socket", 0o660);
    let resolved = scene.resolved(&["opt/python/bin/python3"]);
    let found = resolved.request.grants[0].group_socket.clone();
    assert_eq!(found, Some(scene.text("opt/python/lib/socket")), "nobody lent it by name");
}

#[test]
fn what_anybody_or_nobody_opens_is_no_matter_of_groups() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    let _anybody = socket(&scene, "data/anybody", 0o666);
    let _nobody = socket(&scene, "data/nobody", 0o600);
    let _readable = socket(&scene, "data/readable", 0o640);
    scene.file("data/file", "x");
    mode(&scene.path("data/file"), 0o660);
    assert_eq!(found(&scene), None, "the groups give nothing more here");
}

#[test]
fn root_and_those_without_groups_are_not_searched_for() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    let _listener = socket(&scene, "data/socket", 0o660);
    scene.credentials.groups.clear();
    assert_eq!(found(&scene), None, "the guest has no group to open it with");
    scene.credentials = Credentials { uid: 0, gid: 0, groups: vec![1] };
    assert_eq!(found(&scene), None, "a sandbox of root's drops every group");
}

#[test]
fn links_are_not_followed_out_of_the_grant() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    mode(&scene.directory("elsewhere"), 0o755);
    let _listener = socket(&scene, "elsewhere/socket", 0o660);
    scene.link("data/link", scene.path("elsewhere"));
    assert_eq!(found(&scene), None, "the guest sees the link, and nothing where it leads");
}

#[test]
fn a_directory_that_hides_its_names_cannot_be_searched() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    mode(&scene.directory("data/dark"), 0o711);
    let refusal = scene.refused(&["true"], Code::ResolveUnsearchable);
    assert!(refusal.why.contains("dark"), "it names the directory: {}", refusal.why);
}

#[test]
fn a_tree_that_is_too_large_is_refused_and_not_half_searched() {
    let mut scene = Scene::new();
    group_member(&mut scene);
    for name in ["a", "b", "c"] {
        scene.file(&format!("data/{name}"), "x");
    }
    let opened = || super::super::open::without_links(&scene.root, Path::new("data"));
    let search = |limit| {
        super::super::socket_scan::search_bounded(
            &opened().expect("it is there"),
            &scene.credentials,
            limit,
        )
    };
    assert!(search(3).is_ok(), "three files are within three");
    let error = search(2).expect_err("and not within two");
    assert_eq!(error.code(), Code::ResolveUnsearchable, "{error}");
}
