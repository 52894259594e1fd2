//! Hosts that lack something, and users that are not alone: staged in namespaces round isobar.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;

use isobar_engine::policy::Code;

use super::staged::{GROUP, USER, ordinary, staged, staged_as_root};
use super::{check, told};
use crate::harness::{Isobar, bin_dir, is_root, skip};

/// What the cases here provoke.
pub(super) const COVERED: &[Code] = &[
    Code::CliPrivilege,
    Code::ResolveUnsearchable,
    Code::HostUserNamespaces,
    Code::HostLayerMissing,
    Code::HostCgroupMissing,
    Code::HostCgroupReadOnly,
    Code::HostIdmap,
    Code::HostGroupSocket,
    Code::HostProcessLimit,
    Code::HostLimitCeiling,
    Code::HostMachine,
    Code::HostProbe,
    Code::StateDirectory,
    Code::NoFreeSlot,
];

/// A host that lacks a layer lacks all that stands on it, and that is told too.
#[track_caller]
fn among(code: Code, isobar: Isobar) {
    let scratch = isobar.scratch().to_owned();
    let ended = isobar.args(["run", "--", "true"]).run();
    assert!(ended.codes().contains(&code.as_str().to_owned()), "{ended}");
    told(code, &ended, &scratch);
}

#[test]
fn a_host_without_user_namespaces() {
    let script = "echo 1 > /proc/sys/user/max_user_namespaces";
    among(Code::HostUserNamespaces, staged(&bin_dir(), script));
}

#[test]
fn a_host_without_one_kind_of_namespace() {
    let script = "echo 0 > /proc/sys/user/max_ipc_namespaces";
    among(Code::HostLayerMissing, staged(&bin_dir(), script));
}

#[test]
fn a_machine_of_another_kind() {
    let isobar = staged(&bin_dir(), "true").under(["setarch", "i686"]);
    check(Code::HostMachine, isobar.args(["run", "--", "true"]));
}

#[test]
fn a_memory_limit_without_control_groups() {
    let isobar = staged(&bin_dir(), "mount -t tmpfs none /sys/fs/cgroup");
    check(Code::HostCgroupMissing, isobar.args(["run", "--memory", "64M", "--", "true"]));
}

#[test]
fn a_memory_limit_where_control_groups_cannot_be_written() {
    let script = "for dir in /sys/fs/cgroup/*; do \
         mountpoint -q $dir && mount -o remount,bind,ro $dir; done";
    let isobar = staged(&bin_dir(), script);
    check(Code::HostCgroupReadOnly, isobar.args(["run", "--memory", "64M", "--", "true"]));
}

#[test]
fn a_limit_above_the_callers_own() {
    let isobar = Isobar::new().under(["prlimit", "--nofile=1024:1024"]);
    check(Code::HostLimitCeiling, isobar.args(["run", "--open-files", "4096", "--", "true"]));
}

/// Whether the tests run as root; says what is missing where they do not.
fn as_root(test: &str, what_for: &str) -> bool {
    if !is_root() {
        skip(test, &format!("root, to {what_for}"));
    }
    is_root()
}

#[test]
fn a_file_system_that_maps_no_owners() {
    if as_root("a_file_system_that_maps_no_owners", "mount one") {
        let isobar = staged_as_root("mkdir ram; mount -t ramfs none ram");
        check(Code::HostIdmap, isobar.args(["run", "--ro", "ram:/data", "--", "true"]));
    }
}

#[test]
fn a_process_limit_that_nothing_counts() {
    if as_root("a_process_limit_that_nothing_counts", "unmount the pids hierarchy") {
        let isobar = staged_as_root("umount /sys/fs/cgroup/pids");
        check(Code::HostProcessLimit, isobar.args(["run", "--pids", "1", "--", "true"]));
    }
}

#[test]
fn control_groups_that_cannot_be_found() {
    if as_root("control_groups_that_cannot_be_found", "cover a file of /proc") {
        // The first run learns what the host can do, while it still can.
        let cover = "\"$0\" run -- true; printf '\\377' > rubbish; \
                     mount --bind rubbish /proc/$$/cgroup";
        check(Code::HostProbe, staged_as_root(cover).args(["run", "--", "true"]));
    }
}

#[test]
fn a_state_directory_that_others_may_enter() {
    if as_root("a_state_directory_that_others_may_enter", "put one in the place of its own") {
        let isobar = staged_as_root("chmod 777 /run/isobar");
        check(Code::StateDirectory, isobar.args(["run", "--", "true"]));
    }
}

#[test]
fn a_host_full_of_sandboxes() {
    if as_root("a_host_full_of_sandboxes", "fill a state directory") {
        // As if so many supervisors lived, each of which holds the lock of its slot.
        const HOLD: &str = "import fcntl, resource, subprocess, sys\n\
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n\
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))\n\
            held = [open(f'/run/isobar/slot-{n}', 'w') for n in range(4096)]\n\
            for slot in held: fcntl.flock(slot, fcntl.LOCK_EX)\n\
            sys.exit(subprocess.call(sys.argv[1:]))";
        let fill = format!("exec /usr/bin/python3 -c \"{HOLD}\" \"$0\" \"$@\"");
        check(Code::NoFreeSlot, staged_as_root(&fill).args(["run", "--", "true"]));
    }
}

#[test]
fn a_set_user_id_isobar() {
    if as_root("a_set_user_id_isobar", "make one") {
        let isobar = Isobar::new();
        let copy = isobar.scratch().join("isobar");
        fs::copy(bin_dir().join("isobar"), &copy).unwrap();
        chown(&copy, Some(USER), Some(USER)).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o4755)).unwrap();
        let scratch = isobar.scratch().to_owned();
        check(Code::CliPrivilege, isobar.program_in(&scratch).args(["run", "--", "true"]));
    }
}

#[test]
fn a_socket_for_a_group_of_the_callers() {
    if as_root("a_socket_for_a_group_of_the_callers", "start a member of a group") {
        let isobar = ordinary(&bin_dir(), true);
        let dir = isobar.scratch().join("data");
        fs::create_dir(&dir).unwrap();
        let listener = UnixListener::bind(dir.join("engine.sock")).unwrap();
        chown(dir.join("engine.sock"), Some(0), Some(GROUP)).unwrap();
        fs::set_permissions(dir.join("engine.sock"), fs::Permissions::from_mode(0o660)).unwrap();
        check(Code::HostGroupSocket, isobar.args(["run", "--ro", "data:/data", "--", "true"]));
        drop(listener);
    }
}

#[test]
fn a_directory_that_may_hide_a_socket() {
    if as_root("a_directory_that_may_hide_a_socket", "start a member of a group") {
        let isobar = ordinary(&bin_dir(), true);
        // One that may be entered and not listed.
        let dir = isobar.scratch().join("data/closed");
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o711)).unwrap();
        check(Code::ResolveUnsearchable, isobar.args(["run", "--ro", "data:/data", "--", "true"]));
    }
}
