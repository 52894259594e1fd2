//! Ends that a guest or an accident might prevent: daemons, stopped processes, dead supervisors.

use std::io::{BufRead, Write};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Stdio};

use isobar_boundary::{ProcessEnd, Sandbox, SandboxEvent};
use isobar_os::pidfd;
use isobar_policy::{Bytes, Controller};

use crate::harness::{
    Scene, again, children_of, end_of, event, has_hung_up, line_of, lines_of, marked,
    memory_group_of, readable, role, shell, spawn, stdout, text_of, until,
};

#[test]
fn a_daemon_that_left_its_session_ends_with_the_sandbox() {
    let mut scene = Scene::new();
    let mut sandbox = scene.launch();
    // Forked twice, in a session of its own, deaf to everything, with standard output as witness.
    let script = "(setsid sh -c \"trap '' TERM HUP INT; echo daemon; sleep 1000\" &) ; exit 4";
    let mut process = spawn(&mut *sandbox, &shell(script));
    let out = stdout(&mut *process);
    assert_eq!(line_of(&out), "daemon", "it runs");
    assert_eq!(end_of(&mut *process).end, ProcessEnd::Exited(4), "the program is over");
    assert!(!has_hung_up(&out), "the daemon is not");
    sandbox.destroy().unwrap();
    assert!(has_hung_up(&out), "nobody holds the pipe any more");
}

#[test]
fn a_stopped_guest_is_killed() {
    let mut scene = Scene::new();
    let mut sandbox = scene.launch();
    let mut stopped = spawn(&mut *sandbox, &shell("echo $$; kill -STOP $$; echo woken"));
    let out = stdout(&mut *stopped);
    let pid = line_of(&out);
    let watch = format!("until grep -q '^State:.T' /proc/{pid}/status; do :; done; echo stopped");
    let mut watcher = spawn(&mut *sandbox, &shell(&watch));
    assert_eq!(line_of(&stdout(&mut *watcher)), "stopped", "the kernel says so");
    sandbox.kill();
    event(&mut *sandbox, SandboxEvent::Ended);
    assert_eq!(text_of(out), "", "it never woke up");
    sandbox.destroy().unwrap();
}

#[test]
fn a_guest_cannot_end_the_agent() {
    let mut scene = Scene::new();
    let ran = scene.run("kill -KILL 1; kill -STOP 1; kill -TERM 1; kill -SEGV 1; echo alive");
    assert_eq!(ran.out, "alive\n", "PID 1 takes no signal from inside");
    assert_eq!(ran.report.end, ProcessEnd::Exited(0), "and still reports the end");
}

/// A process of this executable that supervises a sandbox.
struct Supervisor {
    child: Child,
    agent: i32,
    /// Agent and guest, watched without being their parent.
    inside: Vec<OwnedFd>,
}

fn supervisor(
    test: &str,
    role: &str,
    scene: &Scene,
) -> (Supervisor, impl Iterator<Item = String> + use<>) {
    let mut child = again(&[], test, role)
        .env("TMPDIR", scene.scratch())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = lines_of(child.stdout.take().unwrap());
    assert_eq!(lines.next().as_deref(), Some("up"), "its guest runs");
    let agents = children_of(i32::try_from(child.id()).unwrap());
    let [agent] = agents[..] else { panic!("one sandbox, one child: {agents:?}") };
    let guests = children_of(agent);
    assert!(!guests.is_empty(), "the guest runs below the agent");
    let inside = guests.into_iter().chain([agent]).map(|pid| pidfd::open(pid).unwrap()).collect();
    (Supervisor { child, agent, inside }, lines)
}

/// A sandbox with a guest that would run for long, and all limits that need something outside.
fn long_running(scene: &mut Scene) -> Box<dyn Sandbox> {
    let memory = scene.facts.controller(Controller::Memory).works();
    scene.policy().limits.memory = memory.then_some(Bytes(64 << 20));
    let mut sandbox = scene.launch();
    let mut process =
        spawn(&mut *sandbox, &shell("trap '' TERM HUP; echo up; sleep 1000; sleep 1000"));
    assert_eq!(line_of(&stdout(&mut *process)), "up", "it runs");
    sandbox
}

fn wait_for_a_line() {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
}

#[test]
fn a_killed_supervisor_takes_its_sandbox_along() {
    let mut scene = Scene::new();
    if role().is_some() {
        let _sandbox = long_running(&mut scene);
        marked("up");
        wait_for_a_line();
        panic!("it should have been killed");
    }
    let (mut supervisor, _lines) =
        supervisor("ends::a_killed_supervisor_takes_its_sandbox_along", "supervisor", &scene);
    let group = memory_group_of(supervisor.agent);
    let limited = scene.facts.controller(Controller::Memory).works();
    assert_eq!(group.is_some(), limited, "it is held by a group where there are any");
    supervisor.child.kill().unwrap();
    supervisor.child.wait().unwrap();
    for one in &supervisor.inside {
        readable(one.as_fd());
    }
    // What a SIGKILL leaves are empty groups and an unlocked slot. The next start collects them,
    // whichever slot it takes itself; the scene looks for slots and groups without a holder.
    drop(scene.launch());
    if let Some(group) = group {
        assert!(until(|| !group.exists() || is_in_use(&group)), "{} is left", group.display());
    }
}

/// A group of a sandbox that lives has a member; one that was left has none.
fn is_in_use(group: &Path) -> bool {
    ["tasks", "cgroup.procs"]
        .iter()
        .any(|file| std::fs::read_to_string(group.join(file)).is_ok_and(|text| !text.is_empty()))
}

#[test]
fn a_thread_that_ends_takes_its_sandbox_along() {
    if role().is_some() {
        let thread = std::thread::Builder::new().spawn(|| {
            // Never dropped: descriptors stay open, so only the death of the thread can end it.
            let mut scene = ManuallyDrop::new(Scene::new());
            let _kept = ManuallyDrop::new(long_running(&mut scene));
            marked("up");
            wait_for_a_line();
        });
        thread.unwrap().join().unwrap();
        marked("joined");
        wait_for_a_line();
        std::process::abort();
    }
    let mut scene = Scene::new();
    let (mut supervisor, mut lines) =
        supervisor("ends::a_thread_that_ends_takes_its_sandbox_along", "thread", &scene);
    let mut stdin = supervisor.child.stdin.take().unwrap();
    stdin.write_all(b"end the thread\n").unwrap();
    assert_eq!(lines.next().as_deref(), Some("joined"), "the thread is gone");
    for one in &supervisor.inside {
        readable(one.as_fd());
    }
    assert!(supervisor.child.try_wait().unwrap().is_none(), "while its process lives");
    supervisor.child.kill().unwrap();
    supervisor.child.wait().unwrap();
    // The slot is collected by the next sandbox, as after any killed supervisor.
    drop(scene.launch());
}
