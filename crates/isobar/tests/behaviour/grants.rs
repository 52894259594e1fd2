//! Grants: read-only means read-only, read-write means on the host, and nothing beside them.

use std::os::unix::fs::chown;

use crate::guest::{passes, python, sh, text};
use crate::harness::Isobar;
use crate::workspace::lent;

/// Everything that changes a file or directory, each of which must fail.
const ATTEMPTS: &str = "
import os
base = os.environ['BASE']
file, new = base + '/file', base + '/new'
attempts = {
    'write': lambda: open(file, 'r+'), 'truncate': lambda: os.truncate(file, 0),
    'create': lambda: open(new, 'w'), 'unlink': lambda: os.unlink(file),
    'rename': lambda: os.rename(file, new), 'chmod': lambda: os.chmod(file, 0o777),
    'chown': lambda: os.chown(file, 1000, 1000), 'times': lambda: os.utime(file, (0, 0)),
    'link': lambda: os.link(file, new), 'symlink': lambda: os.symlink(file, new),
    'mkdir': lambda: os.mkdir(new), 'rmdir': lambda: os.rmdir(base + '/sub'),
    'mkfifo': lambda: os.mkfifo(new), 'xattr': lambda: os.setxattr(file, 'user.a', b'b'),
    'move out': lambda: os.rename(file, '/tmp/file'), 'link out': lambda: os.link(file, '/tmp/file'),
    'temporary': lambda: os.open(base, os.O_TMPFILE | os.O_RDWR),
    'through proc': lambda: open('/proc/self/fd/%d' % os.open(file, os.O_RDONLY), 'r+'),
    'through root': lambda: open('/proc/self/root' + file, 'r+'),
    'ioctl flags': lambda: __import__('fcntl').ioctl(os.open(file, os.O_RDONLY), 0x40086602, b'\\x10' + bytes(7)),
}
for name, attempt in attempts.items():
    try: attempt()
    except OSError: pass
    else: raise AssertionError(name)
assert open(file).read() == 'content' and os.listdir(base + '/sub') == []
print('ok')";

/// A directory with a file and an empty directory, owned as [`lent`] has it.
fn stocked() -> Isobar {
    let isobar = Isobar::run_command();
    let file = isobar.file("data/file", "content");
    let (_, (uid, gid)) = lent(&isobar, "data");
    chown(file, Some(uid), Some(gid)).unwrap();
    lent(&isobar, "data/sub");
    isobar
}

#[test]
fn a_read_only_directory_cannot_be_changed_by_any_call() {
    let isobar = stocked().args(["--ro", "data:/data", "--env", "BASE=/data"]);
    let ended = passes(isobar.args(["--", "python3", "-c", ATTEMPTS]));
    assert_eq!(ended.kept("data/file"), b"content", "{ended}");
}

#[test]
fn a_read_write_directory_is_changed_on_the_host() {
    let isobar = stocked();
    let (dir, _) = lent(&isobar, "data");
    let script =
        "set -e; cd /data; echo more > added; mkdir -p a/b; rm -f file; mv added a/b; echo ok";
    let ended = passes(isobar.args(["--rw", "data:/data", "--", "sh", "-c", script]));
    assert_eq!(ended.kept("data/a/b/added"), b"more\n", "{ended}");
    assert!(!dir.join("file").exists(), "and what was removed is gone");
}

#[test]
fn single_files_can_be_lent() {
    let isobar = Isobar::run_command();
    isobar.file("dir/read", "content");
    isobar.file("dir/write", "before");
    isobar.file("dir/secret", "not lent");
    if crate::harness::is_root() {
        chown(isobar.scratch().join("dir/write"), Some(4321), Some(4322)).unwrap();
    }
    let script = "set -e; cat /data/read; echo after > /out; if : 2> /dev/null > /data/read; then exit 1; fi; ls /data; echo ok";
    let flags = ["--ro", "dir/read:/data/read", "--rw", "dir/write:/out"];
    let ended = passes(isobar.args(flags).args(["--", "bash", "-c", script]));
    assert_eq!(ended.out(), "contentread\nok\n", "alone in its directory: {ended}");
    assert_eq!(ended.kept("dir/write"), b"after\n", "{ended}");
}

#[test]
fn a_grant_without_target_keeps_its_path() {
    let isobar = stocked();
    let dir = isobar.scratch().join("data");
    let ended = isobar.args(["--ro", "data", "--", "cat"]).arg(dir.join("file")).run();
    assert_eq!(ended.out(), "content", "{ended}");
}

#[test]
fn grants_nest_and_the_inner_one_decides() {
    let isobar = stocked();
    let flags = ["--ro", "data:/data", "--rw", "data/sub:/data/sub", "--tmpfs", "/data/none:1M"];
    let (none, _) = lent(&isobar, "data/none");
    let script = "set -e; echo x > /data/sub/new; echo y > /data/none/new; if : 2> /dev/null > /data/new; then exit 1; fi; echo ok";
    let ended = passes(isobar.args(flags).args(["--", "bash", "-c", script]));
    assert_eq!(ended.kept("data/sub/new"), b"x\n", "the inner one can be changed: {ended}");
    assert!(!none.join("new").exists(), "memory leaves nothing: {ended}");
}

#[test]
fn a_link_in_a_grant_that_leads_out_leads_to_nothing() {
    let isobar = stocked();
    let secret = isobar.file("secret", "not lent");
    for (name, target) in
        [("absolute", text(&secret)), ("relative", "../secret"), ("shadow", "/etc/shadow")]
    {
        std::os::unix::fs::symlink(target, isobar.scratch().join("data").join(name)).unwrap();
    }
    let script =
        "cd /data; for name in absolute relative shadow; do cat $name && echo read; done; echo ok";
    let ended = isobar.args(["--ro", "data:/data", "--", "sh", "-c", script]).run();
    assert_eq!(ended.out(), "ok\n", "{ended}");
}

/// Devices and setuid programs below a grant are without effect: every mount is nodev and nosuid.
#[test]
fn every_mount_of_a_grant_is_hardened() {
    let isobar =
        stocked().args(["--ro", "data:/ro", "--rw", "data/sub:/rw", "--tmpfs", "/memory:1M"]);
    let code = "
mounts = {line.split()[1]: line.split()[3].split(',') for line in open('/proc/self/mounts')}
for place in ('/ro', '/rw', '/memory', '/tmp', '/usr', '/'):
    assert {'nosuid', 'nodev'} <= set(mounts[place]), (place, mounts[place])
assert 'ro' in mounts['/ro'] and 'rw' in mounts['/rw']
print('ok')";
    passes(isobar.args(["--", "python3", "-c", code]));
}

#[test]
fn a_program_that_is_lent_runs_where_it_was_lent() {
    let isobar = Isobar::run_command();
    let tool = isobar.executable("tools/tool", "#!/bin/sh\necho \"$0\"\necho ok\n");
    passes(isobar.args(["--ro", "tools:/opt/tools", "--"]).arg(&tool));
}

#[test]
fn an_empty_file_system_in_memory_is_there_and_leaves_nothing() {
    let code = "
import os
assert os.listdir('/scratch') == [] and os.statvfs('/scratch').f_blocks * 4096 == 4 << 20
open('/scratch/file', 'w').write('x'); os.chmod('/scratch/file', 0o755)
print('ok')";
    passes(python(&["--tmpfs", "/scratch:4M"], code));
    let ended = sh(&[], "ls /scratch").run();
    assert_ne!(ended.code, Some(0), "the next run does not have it: {ended}");
}

/// The usual places of an empty root may be used for grants.
#[test]
fn a_grant_may_stand_where_the_root_has_an_empty_directory() {
    for target in ["/srv", "/opt", "/home", "/root", "/run", "/var", "/mnt", "/srv/deep/er"] {
        let grant = format!("data:{target}");
        let file = format!("{target}/file");
        let ended = stocked().args(["--ro", &grant, "--", "cat", &file]).run();
        assert_eq!(ended.out(), "content", "{target}: {ended}");
    }
}

/// Below a read-only host directory no place can be made, and none is made on the host.
#[test]
fn a_grant_inside_another_needs_a_place_there() {
    let isobar = stocked();
    let data = isobar.scratch().join("data");
    let flags = ["--rw", "data:/data", "--ro", "data/sub:/data/missing"];
    let ended = isobar.args(flags).args(["--", "echo", "started"]).run();
    assert_eq!((ended.code, ended.out().as_str()), (Some(125), ""), "{ended}");
    assert_eq!(ended.codes().len(), 1, "{ended}");
    assert!(ended.err().contains("/data/missing"), "which one: {ended}");
    assert!(!data.join("missing").exists(), "{ended}");
}

#[test]
fn a_lent_program_can_be_named_as_the_guest_sees_it() {
    let script = "#!/bin/sh\necho \"$0 in $PWD\"\n";
    for (flags, program) in [(&[][..], "/opt/x/prog"), (&["--cwd", "/opt/x"], "./prog")] {
        let isobar = Isobar::run_command();
        isobar.executable("dir/prog", script);
        let isobar = isobar.args(["--ro", "dir:/opt/x"]).args(flags);
        let ended = isobar.args(["--", program]).run();
        assert_eq!(ended.code, Some(0), "{ended}");
        assert!(ended.out().starts_with("/opt/x/prog in "), "{ended}");
    }
}
