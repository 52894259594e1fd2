//! Many runs, one after the other and at once.

use crate::guest::sh;

#[test]
fn a_hundred_runs_ten_at_a_time() {
    for round in 0..10 {
        let start = |n: i32| sh(&[], &format!("echo {n} $$; exit {n}")).spawn();
        let running: Vec<_> = (0..10).map(start).collect();
        for (n, running) in (0..).zip(running) {
            let ended = running.wait();
            assert_eq!(ended.code, Some(n), "run {n} of round {round}: {ended}");
            assert!(ended.out().starts_with(&format!("{n} ")), "its own output: {ended}");
        }
    }
}

/// Two sandboxes share nothing: no process, no file, no shared memory, no port, no host name.
#[test]
fn sandboxes_at_the_same_time_do_not_meet() {
    let script = "
import os, socket, sys
socket.create_server(('127.0.0.1', 4000)); socket.socket(socket.AF_UNIX).bind('\\0name')
open('/tmp/mine', 'x'); open('/dev/shm/mine', 'x')
open(os.environ['MARK'], 'w')
sys.stdin.read()
assert len([name for name in os.listdir('/proc') if name.isdigit()]) == 2
print('ok')";
    let start = |mark: &str| {
        let env = format!("MARK={mark}");
        let flags = ["--workspace", ".:/w", "--env", &env, "--timeout", "50s"];
        crate::guest::python(&flags, script).stdin("").spawn()
    };
    let mut all: Vec<_> = ["a", "b", "c", "d"].map(|mark| (mark, start(mark))).into();
    for (mark, running) in &mut all {
        running.until_exists(mark);
    }
    for (_, running) in all {
        let ended = running.wait();
        assert_eq!(ended.out(), "ok\n", "{ended}");
    }
}
