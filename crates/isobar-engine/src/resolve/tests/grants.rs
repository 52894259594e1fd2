//! Grants: links, climbing, swapped paths, special files, isobar's own directories.

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;

use isobar_policy::{Access, Clause, FileKind, GrantOrigin, GrantPath, GrantSpec};

use super::*;

fn ro(scene: &mut Scene, spec: impl Into<String>) {
    scene.policy.fs.ro.push(GrantSpec::Text(spec.into()));
}

fn rw(scene: &mut Scene, spec: impl Into<String>) {
    scene.policy.fs.rw.push(GrantSpec::Text(spec.into()));
}

#[test]
fn a_grant_is_held_and_described() {
    let mut scene = Scene::new();
    let data = scene.directory("data");
    ro(&mut scene, "data");
    let resolved = scene.resolved(&["true"]);
    let [grant] = resolved.request.grants.as_slice() else { panic!("one was asked for") };
    let metadata = fs::metadata(&data).expect("it is there");
    assert_eq!(grant.source, scene.text("data"), "a relative path is the caller's");
    assert_eq!(grant.target, grant.source, "without a target it is seen at the same place");
    assert_eq!((grant.device, grant.inode), (metadata.dev(), metadata.ino()), "it is this one");
    assert_eq!((grant.uid, grant.gid), (metadata.uid(), metadata.gid()), "its owner is mapped");
    assert_eq!((grant.access, grant.kind), (Access::Ro, FileKind::Directory), "as asked");
    assert_eq!(grant.origin, GrantOrigin::Policy, "a person asked for it");
    let held = resolved.descriptors.get(grant.slot).expect("a descriptor travels beside it");
    let stat = rustix::fs::fstat(held.as_fd()).expect("it is open");
    assert_eq!(stat.st_ino, grant.inode, "the descriptor holds what was looked at");
    assert_eq!(
        resolved.request.slots.get(&grant.slot),
        Some(&format!("ro {}", grant.source)),
        "for messages"
    );
}

#[test]
fn targets_map_and_climbing_is_the_hosts_only() {
    let mut scene = Scene::new();
    scene.directory("data");
    scene.caller.cwd = scene.directory("a/b");
    ro(&mut scene, "../../data:/srv/data/");
    let resolved = scene.resolved(&["true"]);
    let expected = format!("{} -> /srv/data", scene.text("data"));
    assert_eq!(shown(&resolved), [expected], "`..` of the host is resolved, the target tidied");
    for target in ["/a/../etc", "/..", "/srv/.."] {
        scene.policy.fs.ro = vec![GrantSpec::Text(format!("../../data:{target}"))];
        let refusal = scene.refused(&["true"], Code::ResolvePathClimbs);
        assert_eq!(refusal.clause, Some(Clause::FsRo), "{target} climbs out of the guest's root");
    }
}

#[test]
fn a_link_is_named_with_the_path_that_it_leads_to() {
    let mut scene = Scene::new();
    scene.file("data/file", "x");
    scene.link("link", "data");
    for (path, real) in [("link", "data"), ("link/file", "data/file"), ("data/../link", "data")] {
        scene.policy.fs.rw = vec![GrantSpec::Text(path.to_owned())];
        let refusal = scene.refused(&["true"], Code::ResolvePathLink);
        assert_eq!(refusal.clause, Some(Clause::FsRw), "the clause that names it");
        let remedy = format!("write the real path: {}", scene.text(real));
        assert_eq!(refusal.remedy, remedy, "{path} can be written without the link");
    }
    scene.link("broken", "nowhere");
    scene.policy.fs.rw = vec![GrantSpec::Text("broken".to_owned())];
    let refusal = scene.refused(&["true"], Code::ResolvePathLink);
    assert_eq!(refusal.remedy, "write a path without symbolic links", "there is no real path");
    scene.policy.fs.rw.clear();
    scene.workspace("link", None);
    let refusal = scene.refused(&["true"], Code::ResolvePathLink);
    assert_eq!(refusal.clause, Some(Clause::FsWorkspace), "the workspace follows the same rule");
}

#[test]
fn the_kernels_own_links_are_not_followed() {
    let mut scene = Scene::new();
    let held = fs::File::open(scene.directory("data")).expect("a directory");
    use std::os::fd::AsRawFd;
    ro(&mut scene, format!("/proc/self/fd/{}:/data", held.as_raw_fd()));
    scene.refused(&["true"], Code::ResolvePathLink);
}

#[test]
fn every_wrong_grant_is_named_not_only_the_first() {
    let mut scene = Scene::new();
    scene.link("link", "/");
    ro(&mut scene, "missing");
    ro(&mut scene, "link:/a");
    rw(&mut scene, "home/x/y");
    let codes: Vec<_> = scene.refusals(&["no-such-program"]).iter().map(|one| one.code).collect();
    let expected = [
        Code::ResolvePathMissing,
        Code::ResolvePathLink,
        Code::ResolvePathMissing,
        Code::ResolveProgramMissing,
    ];
    assert_eq!(codes, expected, "a person mends them all at once");
}

#[test]
fn special_files_are_refused_by_what_they_are() {
    let mut scene = Scene::new();
    let _listener = UnixListener::bind(scene.path("socket")).expect("a socket");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        scene.path("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .expect("a named pipe");
    for (name, what) in [("socket", "socket"), ("fifo", "named pipe")] {
        scene.policy.fs.ro = vec![GrantSpec::Text(name.to_owned())];
        let refusal = scene.refused(&["true"], Code::ResolveSpecialFile);
        assert!(refusal.why.ends_with(what), "it says what it is: {}", refusal.why);
    }
    scene.policy.fs.ro = vec![GrantSpec::Text("/dev/null:/null".to_owned())];
    scene.refused(&["true"], Code::ResolveSpecialFile);
}

#[test]
fn the_root_and_what_the_kernel_shows_are_never_granted() {
    let mut scene = Scene::new();
    for path in ["/", "/proc", "/proc/self", "/sys", "/sys/kernel", "/dev", "/dev/shm"] {
        scene.policy.fs.ro = vec![GrantSpec::Text(format!("{path}:/here"))];
        let refusals = scene.refusals(&["true"]);
        let codes: Vec<_> = refusals.iter().map(|refusal| refusal.code).collect();
        // /proc/self is a link of the kernel's besides.
        let expected =
            if path == "/proc/self" { Code::ResolvePathLink } else { Code::ResolveKernelPath };
        assert_eq!(codes, [expected], "{path} is the host itself: {refusals:?}");
    }
}

#[test]
fn own_directories_are_covered_by_no_grant() {
    let mut scene = Scene::new();
    scene.directory("state/inside");
    scene.directory("libexec/inside");
    for path in ["state", "state/inside", "."] {
        scene.policy.fs.ro = vec![GrantSpec::Text(format!("{path}:/here"))];
        let refusal = scene.refused(&["true"], Code::ResolveOwnDirectory);
        assert!(refusal.why.contains("state"), "it names which: {}", refusal.why);
    }
    scene.policy.fs.ro = vec![GrantSpec::Text("libexec:/here".to_owned())];
    scene.resolved(&["true"]);
    scene.policy.fs.ro.clear();
    for path in ["libexec", "libexec/inside"] {
        scene.policy.fs.rw = vec![GrantSpec::Text(format!("{path}:/here"))];
        scene.refused(&["true"], Code::ResolveOwnDirectory);
    }
    scene.policy.fs.rw.clear();
    scene.workspace(".", Some("/work"));
    let refusal = scene.refused(&["true"], Code::ResolveOwnDirectory);
    assert_eq!(refusal.clause, Some(Clause::FsWorkspace), "the workspace is a grant too");
}

#[test]
fn an_own_directory_that_is_not_there_yet_is_kept_free() {
    let mut scene = Scene::new();
    ro(&mut scene, ".:/here");
    assert!(!scene.path("state").exists(), "the case is about its absence");
    scene.refused(&["true"], Code::ResolveOwnDirectory);
}

/// A run in another environment looks for its state elsewhere: what a guest leaves there would steer
/// that one.
#[test]
fn where_another_run_has_its_state_no_guest_may_write() {
    let mut scene = Scene::new();
    scene.directory("runtime");
    for made in [false, true] {
        rw(&mut scene, "runtime:/here");
        let refusal = scene.refused(&["true"], Code::ResolveOwnDirectory);
        assert!(refusal.why.contains("runtime/isobar"), "it names which: {}", refusal.why);
        scene.policy.fs.rw.clear();
        scene.workspace("runtime", Some("/work"));
        scene.refused(&["true"], Code::ResolveOwnDirectory);
        scene.policy.fs.workspace = None;
        if made {
            rw(&mut scene, "runtime/isobar/inside:/here");
            scene.refused(&["true"], Code::ResolveOwnDirectory);
            scene.policy.fs.rw.clear();
        }
        ro(&mut scene, "runtime:/here");
        scene.resolved(&["true"]);
        scene.policy.fs.ro.clear();
        scene.directory("runtime/isobar/inside");
    }
}

#[test]
fn two_grants_do_not_share_a_place() {
    let mut scene = Scene::new();
    scene.directory("a");
    scene.directory("b");
    ro(&mut scene, "a:/same");
    rw(&mut scene, "b:/same/");
    let refusal = scene.refused(&["true"], Code::ResolveTargetTaken);
    assert!(refusal.why.contains(&scene.text("a")), "it says by which: {}", refusal.why);
}

#[test]
fn outer_targets_come_before_inner_ones() {
    let mut scene = Scene::new();
    for name in ["a", "b", "c", "d"] {
        scene.directory(name);
    }
    ro(&mut scene, "a:/x/y/z");
    ro(&mut scene, "b:/x-y");
    rw(&mut scene, "c:/x");
    ro(&mut scene, "d:/x/y");
    let resolved = scene.resolved(&["true"]);
    let targets: Vec<_> =
        resolved.request.grants.iter().map(|grant| grant.target.as_str()).collect();
    assert_eq!(targets, ["/x", "/x/y", "/x/y/z", "/x-y"], "a mount hides what is below it");
}

#[test]
fn a_swapped_path_is_seen_by_whoever_compares_identities() {
    let mut scene = Scene::new();
    scene.directory("data");
    ro(&mut scene, "data");
    let resolved = scene.resolved(&["true"]);
    fs::rename(scene.path("data"), scene.path("moved")).expect("somebody moves it");
    scene.directory("data");
    let grant = &resolved.request.grants[0];
    let now = fs::metadata(&grant.source).expect("another one is there");
    assert_ne!((now.dev(), now.ino()), (grant.device, grant.inode), "the boundary can tell");
    let held =
        rustix::fs::fstat(resolved.descriptors.get(grant.slot).expect("held")).expect("open");
    assert_eq!(held.st_ino, grant.inode, "and what was granted is still held");
}

#[test]
fn names_that_are_no_text_are_refused() {
    use std::os::unix::ffi::OsStringExt;
    let mut scene = Scene::new();
    let name = OsString::from_vec(b"bad-\xff".to_vec());
    fs::create_dir(scene.root.join(&name)).expect("a directory");
    scene.caller.cwd = scene.root.join(&name);
    scene.directory("fine");
    ro(&mut scene, ".");
    let refusal = scene.refused(&["/bin/true"], Code::ResolvePathNotUtf8);
    assert!(refusal.why.contains("bad-\\xff"), "it shows the bytes: {}", refusal.why);
    scene.policy.fs.ro = vec![GrantSpec::Text("../fine:/fine".to_owned())];
    scene.resolved(&["/bin/true"]);
}

#[test]
fn a_caller_without_a_working_directory_needs_whole_paths() {
    let mut scene = Scene::new();
    scene.directory("data");
    scene.caller.cwd = PathBuf::new();
    ro(&mut scene, "data");
    scene.refused(&["true"], Code::ResolveWorkingDirectory);
    scene.policy.fs.ro = vec![GrantSpec::Full(GrantPath {
        path: scene.text("data"),
        target: Some("/data".to_owned()),
        size: None,
    })];
    scene.resolved(&["true"]);
    scene.refused(&["./true"], Code::ResolveWorkingDirectory);
}

#[test]
fn a_workspace_is_a_directory() {
    let mut scene = Scene::new();
    scene.file("file", "x");
    scene.workspace("file", None);
    scene.refused(&["true"], Code::ResolveWorkspace);
}

#[test]
fn a_path_that_the_caller_may_not_open_says_so() {
    if rustix::process::geteuid().is_root() {
        return; // Root may open everything; the ordinary-user run of this suite tests it.
    }
    let mut scene = Scene::new();
    scene.directory("closed/inside");
    mode(&scene.path("closed"), 0o000);
    ro(&mut scene, "closed/inside");
    let refusals = scene.refusals(&["true"]);
    mode(&scene.path("closed"), 0o700);
    assert_eq!(refusals[0].code, Code::ResolvePathDenied, "it is there and closed");
}

#[test]
fn more_grants_than_a_sandbox_holds_are_refused() {
    let mut scene = Scene::new();
    scene.directory("data");
    for index in 0..=super::super::grant::MAX_GRANTS + 3 {
        ro(&mut scene, format!("data:/many/{index}"));
    }
    scene.refused(&["true"], Code::ResolveTooManyGrants);
}
