//! Limits that the kernel or the supervisor holds, each with its own typed outcome.

use isobar_boundary::{LaunchError, ProcessEnd, SandboxEvent, SandboxUsage};
use isobar_policy::{Acceptance, Bytes, Clause, Code, Controller, Cpus, LimitHit, Span};
use rustix::process::{Resource, getrlimit};

use crate::harness::{
    Scene, children_of, end_of, event, line_of, memory_group_of, python, shell, spawn, stdout,
    text_of,
};

const SIGXCPU: u8 = 24;

fn hit(usage: &SandboxUsage, clause: Clause) -> LimitHit {
    let mut hits = usage.limits_hit.iter().filter(|hit| hit.clause == clause);
    let one = hits.next().unwrap_or_else(|| panic!("{clause} was not reported: {usage:?}"));
    assert_eq!(hits.next(), None, "it is reported once");
    one.clone()
}

#[test]
fn running_out_of_memory_ends_the_whole_sandbox() {
    const LIMIT: u64 = 48 << 20;
    let mut scene = Scene::new();
    scene.policy().limits.memory = Some(Bytes(LIMIT));
    if !scene.can(Controller::Memory, Clause::Memory) {
        return;
    }
    let mut sandbox = scene.launch();
    let mut idle = spawn(&mut *sandbox, &shell("echo up; sleep 1000"));
    let out = stdout(&mut *idle);
    assert_eq!(line_of(&out), "up", "a process that needs no memory");
    // A file in /tmp is memory; the shell would go on after its writer's death.
    let hungry = shell("head -c 200M /dev/zero > /tmp/file; sleep 1000");
    let mut hungry = spawn(&mut *sandbox, &hungry);
    event(&mut *sandbox, SandboxEvent::OutOfMemory);
    event(&mut *sandbox, SandboxEvent::Ended);
    assert_eq!(text_of(out), "", "the other process is gone too");
    assert_eq!(end_of(&mut *hungry).end, ProcessEnd::Lost, "and so is the shell");
    let usage = sandbox.destroy().unwrap();
    assert!(usage.out_of_memory, "the kernel gave notice: {usage:?}");
    let hit = hit(&usage, Clause::Memory);
    assert_eq!(hit.limit, LIMIT, "the number that was asked for");
    assert!((LIMIT / 2..=LIMIT).contains(&hit.observed), "and the peak below it: {hit:?}");
    assert_eq!(usage.peak_memory_bytes, Some(hit.observed), "the same in the usage");
}

#[test]
fn the_processor_time_of_all_processes_together_is_limited() {
    const LIMIT: u64 = 300;
    let mut scene = Scene::new();
    scene.policy().limits.cpu_time = Some(Span::from_millis(LIMIT));
    if !scene.can(Controller::Cpuacct, Clause::CpuTime) {
        return;
    }
    let mut sandbox = scene.launch();
    // Neither is over the limit when both together are.
    let spin = shell("(while :; do :; done) & while :; do :; done");
    let mut process = spawn(&mut *sandbox, &spin);
    event(&mut *sandbox, SandboxEvent::CpuTimeUsed);
    event(&mut *sandbox, SandboxEvent::Ended);
    assert_eq!(end_of(&mut *process).end, ProcessEnd::Lost, "the whole sandbox was killed");
    let usage = sandbox.destroy().unwrap();
    let hit = hit(&usage, Clause::CpuTime);
    assert_eq!(hit.limit, LIMIT, "milliseconds, as asked");
    assert!(hit.observed >= LIMIT, "never before the limit: {hit:?}");
    assert!(!usage.out_of_memory, "and nothing else is blamed");
}

#[test]
fn a_share_of_the_processors_is_read_back() {
    let mut scene = Scene::new();
    scene.policy().limits.cpus = Some(Cpus::from_millis(500));
    if !scene.can(Controller::Cpu, Clause::Cpus) {
        return;
    }
    let sandbox = scene.launch();
    let limit = sandbox.evidence().iter().find(|one| one.key == "cgroup.cpu.limit");
    let limit = limit.expect("the plan names it");
    // Version 2 shows the period beside it.
    let quota = limit.observed.split(' ').next();
    assert_eq!(quota, Some("50000"), "half of each 100 ms period");
    let period = sandbox.evidence().iter().find(|one| one.key == "cgroup.cpu.period");
    let observed =
        period.map_or_else(|| limit.observed.split(' ').nth(1), |one| Some(&one.observed));
    assert_eq!(observed, Some("100000"), "and that is the period, in either version");
}

/// As on a host without that controller.
fn without(controller: Controller, accepted: Acceptance) -> Scene {
    let mut scene = Scene::new();
    scene.facts.cgroups.remove(&controller);
    scene.policy().accept.push(accepted);
    scene
}

#[test]
fn memory_by_process_is_held_where_it_was_accepted() {
    let mut scene = without(Controller::Memory, Acceptance::MemoryPerProcess);
    scene.policy().limits.memory = Some(Bytes(64 << 20));
    let ran = scene.run_spec(&python("print(len(bytearray(8 << 20))); bytearray(256 << 20)"));
    assert_eq!(ran.out, "8388608\n", "below the limit all is well");
    assert!(ran.err.contains("MemoryError"), "above it the program is told: {}", ran.err);
    assert!(!ran.usage.out_of_memory, "nothing was killed");
}

#[test]
fn processor_time_by_process_is_held_where_it_was_accepted() {
    let mut scene = without(Controller::Cpuacct, Acceptance::CpuTimePerProcess);
    scene.policy().limits.cpu_time = Some(Span::from_millis(700));
    let ran = scene.run("while :; do :; done");
    assert_eq!(ran.report.end, ProcessEnd::Signalled(SIGXCPU), "told apart from any other kill");
    assert!(ran.report.user_micros >= 500_000, "it had its second: {ran:?}");
}

/// The kernel counts these for the caller's user, whose other programs would go without.
#[test]
fn signals_message_queues_and_locked_memory_are_bounded_by_the_floor() {
    let code = "
import ctypes, errno, os, resource, signal
libc = ctypes.CDLL(None, use_errno=True)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
me, count = os.getpid(), 0
while libc.sigqueue(me, signal.SIGRTMIN, None) == 0 and count < 5000:
    count += 1
print(0 < count <= 1024, errno.errorcode[ctypes.get_errno()], flush=True)
if os.fork() == 0:
    print(libc.sigqueue(me, signal.SIGRTMIN, None), flush=True)
    os._exit(0)
os.wait()
print(resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1] <= 819200)
page = ctypes.create_string_buffer(16 << 20)
print(libc.mlock(page, 16 << 20))";
    let ran = Scene::new().run_spec(&python(code));
    let expected = "True EAGAIN\n-1\nTrue\n-1\n";
    assert_eq!(ran.out, expected, "all processes of a sandbox share one part: {}", ran.err);
}

#[test]
fn open_files_are_limited() {
    let mut scene = Scene::new();
    scene.policy().limits.open_files = Some(32);
    let code = "
import os
count = 3
try:
    while True:
        os.open('/dev/null', os.O_RDONLY)
        count += 1
except OSError as error:
    print(count, error.errno)";
    let ran = scene.run_spec(&python(code));
    assert_eq!(ran.out, "32 24\n", "thirty-two descriptors, then EMFILE: {}", ran.err);
}

#[test]
fn a_file_does_not_grow_beyond_its_limit() {
    let mut scene = Scene::new();
    scene.policy().limits.file_size = Some(Bytes(1 << 20));
    let ran = scene.run("head -c 3M /dev/zero > big; echo $?; stat -c %s big");
    assert_eq!(ran.out, "153\n1048576\n", "SIGXFSZ at one mebibyte: {}", ran.err);
}

#[test]
fn the_guests_tmp_holds_so_many_bytes_and_files() {
    let mut scene = Scene::new();
    scene.policy().limits.tmp_bytes = Some(Bytes(1 << 20));
    scene.policy().limits.tmp_inodes = Some(10);
    let script = "head -c 2M /dev/zero > big; stat -c %s big; rm big
        for i in 1 2 3 4 5 6 7 8 9 10 11 12; do (: > $i) 2>/dev/null; done; ls | wc -l";
    let ran = scene.run(script);
    assert_eq!(ran.out, "1048576\n9\n", "the root of /tmp is the tenth file: {}", ran.err);
}

#[test]
fn a_limit_above_the_callers_own_is_refused_with_its_clause() {
    let Some(ceiling) = getrlimit(Resource::Nofile).maximum else {
        return crate::harness::skip("limits::a_limit_above", "the caller has no ceiling");
    };
    let mut scene = Scene::new();
    scene.policy().limits.open_files = Some(ceiling + 1);
    let error = scene.try_launch().expect_err("nobody inside may raise it");
    let LaunchError::Refused(refusals) = error else { panic!("the host refuses: {error:?}") };
    let [one] = &refusals[..] else { panic!("one cause: {refusals:?}") };
    assert_eq!(
        (one.clause, one.code),
        (Some(Clause::OpenFiles), Code::HostLimitCeiling),
        "{one:?}"
    );
    assert!(one.remedy.contains("ulimit"), "the remedy names the switch: {one:?}");
}

#[test]
fn a_memory_limit_too_small_for_the_set_up_is_named() {
    let mut scene = Scene::new();
    scene.policy().limits.memory = Some(Bytes(1 << 20));
    if !scene.can(Controller::Memory, Clause::Memory) {
        return;
    }
    // Whether the kernel kills during the set-up or only the first process is its own choice.
    let message = match scene.try_launch() {
        Err(LaunchError::Failed(diagnostic)) => diagnostic.summary,
        Err(other) => panic!("it is the limit's fault: {other:?}"),
        Ok(mut sandbox) => {
            let spawned = sandbox.spawn(&shell("head -c 8M /dev/zero > /tmp/file; sleep 1000"));
            if let Ok(mut process) = spawned {
                drop(process.streams().stdin.take());
                event(&mut *sandbox, SandboxEvent::OutOfMemory);
            }
            let usage = sandbox.destroy().unwrap();
            assert!(usage.out_of_memory, "the kernel counted it: {usage:?}");
            "memory".to_owned()
        }
    };
    assert!(message.contains("memory"), "the message names what was too small: {message}");
}

/// One of the snapshots that the command line's suite keeps for each code.
#[test]
fn a_control_group_that_is_still_in_use_is_told() {
    let mut scene = Scene::new();
    scene.policy().limits.memory = Some(Bytes(64 << 20));
    if !scene.can(Controller::Memory, Clause::Memory) {
        return;
    }
    let mut sandbox = scene.launch();
    let own = i32::try_from(std::process::id()).unwrap();
    let init = *children_of(own).first().expect("isobar-init is our child");
    let group = memory_group_of(init).expect("it is in a group");
    // A group with another in it cannot be removed.
    let inner = group.join("inner");
    std::fs::create_dir(&inner).unwrap();
    let error = sandbox.destroy().expect_err("something is left");
    std::fs::remove_dir(&inner).unwrap();
    let text = isobar_policy::Diagnostic::from(error).render(false);
    let text = text.replace(group.to_str().unwrap(), "GROUP");
    insta::with_settings!({
        prepend_module_to_snapshot => false,
        omit_expression => true,
        snapshot_path => "../../../isobar/tests/cli/snapshots",
    }, {
        insta::assert_snapshot!(Code::CleanupFailed.as_str(), text);
    });
    // The next start collects what was left, as the remedy says.
    drop(sandbox);
    drop(scene.launch());
}
