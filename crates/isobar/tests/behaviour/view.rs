//! What a guest sees when nothing was lent: a small world of its own.

use std::fs;

use crate::guest::{bash, passes, python, sh, text};
use crate::harness::{Isobar, is_root};

#[test]
fn neither_home_nor_working_directory_is_there() {
    let isobar = Isobar::run_command();
    let canary = isobar.file("canary", "of the caller");
    let script = "set -e
        test ! -e \"$0\"
        for place in /home /srv /opt /run; do test -z \"$(ls -A $place)\"; done
        test -z \"$(find / -xdev -name canary 2> /dev/null)\"
        echo ok";
    let home = isobar.scratch().join("home");
    fs::create_dir_all(home.join("canary")).unwrap();
    passes(isobar.env("HOME", &home).args(["--", "sh", "-c", script, text(&canary)]));
}

/// A version manager below root's home brings its interpreter with it, and nothing beside it.
#[test]
fn of_roots_home_only_the_tool_chain_is_there() {
    let code = "
import os, sys
own = sys.prefix.split('/')
for place in ('/root', '/home'):
    while os.path.isdir(place) and place != sys.prefix:
        names = os.listdir(place)
        below = [os.path.join(place, name) for name in names]
        assert all((sys.prefix + '/').startswith(one + '/') for one in below), below
        if not below: break
        place = below[0]
print('ok')";
    passes(python(&[], code));
}

#[test]
fn a_named_script_is_there_alone_and_cannot_be_changed() {
    let code = "
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
assert os.listdir(here) == ['generated.py'], os.listdir(here)
for attempt in (lambda: open(__file__, 'a'), lambda: os.unlink(__file__), lambda: os.rename(__file__, here + '/other')):
    try: attempt()
    except OSError: pass
    else: raise AssertionError('changed')
print('ok')";
    let isobar = Isobar::run_command();
    isobar.file("work/generated.py", code);
    isobar.file("work/secret.txt", "not for the guest");
    let ended = passes(isobar.args(["--", "python3", "work/generated.py"]));
    assert_eq!(ended.kept("work/generated.py"), code.as_bytes(), "it is as it was");
}

#[test]
fn etc_is_the_sandboxes_own() {
    let code = "
import grp, os, pwd, socket, time
me = pwd.getpwuid(os.getuid())
assert (me.pw_name, os.getuid(), os.getgid(), me.pw_dir) == ('guest', 1000, 1000, '/tmp'), me
assert grp.getgrgid(os.getgid()).gr_name == 'guest' and os.path.expanduser('~') == '/tmp'
assert sorted(one.pw_name for one in pwd.getpwall()) == ['guest', 'nobody', 'root']
assert socket.gethostname() == 'isobar' == open('/etc/hostname').read().strip()
assert socket.gethostbyname('localhost') == '127.0.0.1' == socket.gethostbyname('isobar')
for name in ('shadow', 'gshadow', 'machine-id', 'ssh', 'sudoers', 'fstab', 'environment'):
    assert not os.path.lexists('/etc/' + name), name
print(time.strftime('%z'))
print('ok')";
    let zone = "import time; print(time.strftime('%z'))";
    let outside = crate::outside::outside("python3", ["-c", zone]);
    let ended = passes(python(&[], code));
    assert_eq!(ended.out(), format!("{outside}ok\n"), "the caller's time zone: {ended}");
}

#[test]
fn proc_shows_the_sandboxes_own_processes_and_no_more_of_pid_1_than_it_must() {
    let code = "
import os
pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
assert 1 in pids and os.getpid() in pids and len(pids) == 2, pids
for name in ('environ', 'maps', 'mem', 'fd', 'root', 'cwd', 'exe'):
    try:
        path = '/proc/1/' + name
        os.listdir(path) if name == 'fd' else os.readlink(path) if name in ('root', 'cwd', 'exe') else open(path).read()
    except PermissionError: pass
    else: raise AssertionError(name)
for name in ('kcore', 'kmsg', 'kallsyms', 'keys', 'key-users', 'timer_list'):
    try: assert not open('/proc/' + name, 'rb').read(1), name
    except OSError: pass
for name in ('sys/kernel/hostname', 'sys/kernel/core_pattern', 'sys/vm/drop_caches', 'sysrq-trigger', 'irq/0/smp_affinity'):
    try: open('/proc/' + name, 'w')
    except OSError: pass
    else: raise AssertionError(name)
print('ok')";
    passes(python(&[], code));
}

#[test]
fn sys_is_absent_and_dev_is_minimal() {
    let script = "set -e
        test -z \"$(ls -A /sys 2> /dev/null)\"
        test \"$(ls /dev | tr '\\n' ' ')\" = 'fd full null ptmx pts random shm stderr stdin stdout urandom zero '
        echo gone > /dev/null; test \"$(head -c 4 /dev/zero | od -An -tx1)\" = ' 00 00 00 00'
        test \"$(head -c 8 /dev/urandom | wc -c)\" = 8
        if echo x 2> /dev/null > /dev/full; then exit 1; fi
        if mknod /tmp/device c 1 3 2> /dev/null; then exit 1; fi
        echo ok";
    passes(bash(&[], script));
}

#[test]
fn the_root_cannot_be_changed() {
    let script = "set -e
        for place in / /etc /usr /usr/bin /bin /lib /var /dev /proc /home; do
            if touch $place/planted 2> /dev/null; then echo $place; exit 1; fi
        done
        if : 2> /dev/null >> /etc/passwd; then exit 1; fi
        if mount -t tmpfs none /mnt 2> /dev/null; then exit 1; fi
        if umount /proc/keys 2> /dev/null; then exit 1; fi
        echo ok";
    passes(bash(&[], script));
}

/// A core file could be large, and a core_pattern program would run on the host.
#[test]
fn a_crash_leaves_no_core() {
    let script = "ulimit -c unlimited; sh -c 'kill -SEGV $$'; echo $?; ls -A";
    let ended = bash(&["--workspace", "."], script).run();
    assert!(ended.out().starts_with("139\n"), "it crashed: {ended}");
    assert_eq!(ended.out(), "139\n", "and left nothing: {ended}");
}

#[test]
fn a_caller_with_a_strict_umask_makes_no_sandbox_that_its_guest_cannot_use() {
    let code = "
import os, pwd, tempfile
assert pwd.getpwuid(os.getuid()).pw_name == 'guest'
assert open('/etc/hosts').read() and os.listdir('/') and 'made' not in os.listdir('/tmp')
tempfile.TemporaryFile().write(b'x')
open('made', 'w').write('x')
print('ok')";
    for umask in ["077", "0777"] {
        // No report: as the caller wished, nobody could read it.
        let flags = ["run", "--workspace", ".:/w", "--tmpfs", "/scratch/deep:1M"];
        let isobar = Isobar::new().args(flags).args(["--", "python3", "-c", code]);
        let set = format!("umask {umask}; exec \"$0\" \"$@\"");
        let ended = isobar.under(["sh", "-c", &set]).run();
        assert_eq!((ended.code, ended.out().as_str()), (Some(0), "ok\n"), "{umask}: {ended}");
    }
}

#[test]
fn identity_and_host_name_are_as_the_policy_says() {
    let script = "echo $(id -u) $(id -g) $(id -un) $(hostname); id -G";
    let flags = ["--uid", "4242", "--gid", "4343", "--hostname", "box"];
    let ended = sh(&flags, script).run();
    assert_eq!(ended.out(), "4242 4343 guest box\n4343\n", "as root: {}: {ended}", is_root());
}
