//! The real executable as PID 1 of namespaces of its own: start, processes, and its ends.
//!
//! They need user namespaces, bash, and util-linux. Nothing stays behind: with PID 1 the kernel
//! ends all of its namespace.

#[cfg(all(test, isobar_fault))]
mod fault;
#[cfg(test)]
mod host;
#[cfg(test)]
mod protocol;

use host::{Agent, PLAIN, POWERLESS, STAGED, Spec, USER, skip};
use isobar_boundary::protocol::{ExecStage, Setup};

const ENOENT: u32 = 2;
const EPERM: u32 = 1;
const E2BIG: u32 = 7;
const EAGAIN: u32 = 11;
const ENOTTY: u32 = 25;
const ENOSYS: u32 = 38;
const SIGKILL: u32 = 9;
const SIGTERM: u32 = 15;

/// The status of a process that exited by itself.
const fn exit_status(code: u32) -> u32 {
    code << 8
}

#[test]
fn the_hello_says_what_the_agent_found() {
    let setup = Setup { flags: 0, ..PLAIN };
    let (agent, hello) = Agent::start(USER, &setup);
    assert_eq!((hello.revision, hello.build), (PLAIN.revision, PLAIN.build), "of one build");
    assert_eq!(hello.filter_errno, ENOSYS, "without a filter the kernel answers itself");
    assert_eq!(hello.canary_errno, ENOENT, "there is no canary on this root");
    assert_eq!(hello.truncate_errno, 0, "nothing keeps it from truncating a file of its own");
    assert_eq!(hello.ioctl_errno, ENOTTY, "the device itself answers");
    assert_eq!(hello.x32_signal, 0, "nothing kills for an x32 call here");
    assert_ne!(hello.i386_signal, 31, "nor is there a filter that kills with SIGSYS");
    assert_eq!(agent.hang_up().code(), Some(0), "the end of the stream is a regular end");
}

#[test]
fn another_build_is_answered_for_the_host_to_refuse() {
    let (_agent, hello) = Agent::start(USER, &Setup { revision: 99, build: 1, ..PLAIN });
    assert_eq!((hello.revision, hello.build), (PLAIN.revision, PLAIN.build), "it says its own");
}

#[test]
fn a_process_gets_its_arguments_environment_directory_and_streams() {
    let mut agent = Agent::plain();
    let mut spec = Spec::shell("echo \"$1 $A $PWD\"; cat >&2; umask; exit 3");
    spec.argv.extend(["sh".to_owned(), "one two".to_owned()]);
    spec.env = vec!["A=b".to_owned()];
    spec.cwd = "/usr".to_owned();
    let mut process = agent.run(&spec);
    process.write("to stderr");
    process.close_stdin();
    assert_eq!(process.stdout(), "one two b /usr\n0022\n", "each string in its place");
    let mut errors = [0; 64];
    let count = rustix::io::read(&process.stderr, &mut errors).expect("a pipe can be read");
    assert_eq!(&errors[..count], b"to stderr", "the streams are three different ones");
    let exited = process.exited();
    assert_eq!(exited.status, exit_status(3), "the program's own exit code");
    assert!(exited.peak_resident_bytes > 100_000, "the usage is filled in: {exited:?}");
    assert_eq!(exited.peak_tasks, 0, "nobody asked to count");
}

#[test]
fn a_process_starts_clean() {
    let mut agent = Agent::plain();
    let status = agent
        .output("cat /proc/self/status; ls /proc/self/fd; cut -d ' ' -f 6 /proc/$$/stat; echo $$");
    for expected in ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"] {
        assert!(status.contains(expected), "signals are as the kernel makes them: {status}");
    }
    let tail: Vec<_> = status.lines().skip_while(|line| *line != "0").collect();
    // `ls` itself has 3 open, its directory.
    let (descriptors, session) = tail.split_at(4);
    assert_eq!(descriptors, ["0", "1", "2", "3"], "no descriptor of the agent's is left");
    assert_eq!(session[0], session[1], "the process leads a session of its own");
}

#[test]
fn a_program_that_cannot_be_executed_is_told_by_stage_and_errno() {
    let mut agent = Agent::plain();
    let process = agent.run(&Spec::new(&["/no/such/program"]));
    assert_eq!(process.exec_failed(), (ExecStage::Execute, ENOENT), "execve said so");
    let process = agent.spawn(&Spec { cwd: "/no/such/directory".into(), ..Spec::shell("true") });
    let failed = process.exec_failed();
    assert_eq!(failed, (ExecStage::WorkingDirectory, ENOENT), "before it is ever ready");
    assert_eq!(agent.output("echo on"), "on\n", "the agent goes on after both");
}

#[test]
fn an_identity_that_cannot_be_taken_is_told() {
    let setup = Setup { flags: PLAIN.flags | Setup::SWITCH_IDS, uid: 7, gid: 7, ..PLAIN };
    let (mut agent, _) = Agent::start(POWERLESS, &setup);
    let process = agent.spawn(&Spec::shell("true"));
    let failed = process.exec_failed();
    assert_eq!(failed, (ExecStage::Identity, EPERM), "without capabilities nobody becomes another");
}

#[test]
fn the_guest_takes_its_identity_and_keeps_no_capability() {
    if !rustix::process::geteuid().is_root() {
        return skip("main::the_guest_takes_its_identity", "only root has a second user number");
    }
    let setup = Setup { flags: PLAIN.flags | Setup::SWITCH_IDS, uid: 4242, gid: 4343, ..PLAIN };
    let (mut agent, _) = Agent::start(STAGED, &setup);
    let status = agent.output("cat /proc/self/status");
    let none = "0000000000000000";
    let expected = [
        "Uid:\t4242\t4242\t4242\t4242".to_owned(),
        "Gid:\t4343\t4343\t4343\t4343".to_owned(),
        "Groups:\t ".to_owned(),
        format!("CapInh:\t{none}"),
        format!("CapPrm:\t{none}"),
        format!("CapEff:\t{none}"),
        format!("CapBnd:\t{none}"),
        format!("CapAmb:\t{none}"),
    ];
    for line in expected {
        assert!(status.lines().any(|has| has == line), "{line:?} is missing in {status}");
    }
    let process = agent.run(&Spec::new(&["/bin/cat"]));
    process.signal(SIGTERM, false);
    assert_eq!(process.exited().status, SIGTERM, "the agent may signal another user's process");
}

#[test]
fn guests_cannot_look_into_the_agent() {
    let (mut agent, _) = Agent::start(POWERLESS, &PLAIN);
    let other = agent.run(&Spec::shell("echo $$; read line"));
    let pid = other.line();
    let control = agent.output(&format!("readlink /proc/{pid}/exe"));
    assert!(control.starts_with('/'), "a process of the same user can be looked at: {control}");
    let seen = agent.output("readlink /proc/1/exe || echo denied");
    assert_eq!(seen, "denied\n", "the agent has the same user here, and is not dumpable");
}

#[test]
fn signals_reach_the_process_or_its_group() {
    let mut agent = Agent::plain();
    let process = agent.run(&Spec::new(&["/bin/cat"]));
    process.signal(SIGTERM, false);
    assert_eq!(process.exited().status, SIGTERM, "the status tells the signal");

    let process = agent.run(&Spec::shell("sleep 1000 & echo up; wait"));
    assert_eq!(process.line(), "up", "the child is there");
    process.signal(SIGKILL, true);
    assert_eq!(process.exited().status, SIGKILL, "the leader of the group");
    assert_eq!(process.stdout(), "", "and its child, which held the other end too");
}

#[test]
fn orphans_are_reaped() {
    let mut agent = Agent::plain();
    let orphan = agent.output("(sh -c 'read line' </dev/null & echo $!)");
    let orphan = orphan.trim();
    assert!(orphan.parse::<u32>().is_ok_and(|pid| pid > 1), "{orphan} is a process");
    // A zombie that nobody reaps stays in /proc for ever, and so would this loop.
    let script = format!("while [ -e /proc/{orphan} ]; do :; done; echo gone");
    assert_eq!(agent.output(&script), "gone\n", "PID 1 reaps what the kernel gives to it");
}

#[test]
fn arguments_of_a_mebibyte_arrive_whole() {
    let mut agent = Agent::plain();
    let big = "x".repeat(64 * 1024);
    for piece in [65_531, 1000] {
        let mut spec = Spec::shell("printf %s \"$@\" | wc -c");
        spec.argv.extend(["sh".to_owned()].into_iter().chain(vec![big.clone(); 16]));
        spec.piece = piece;
        let process = agent.run(&spec);
        assert_eq!(process.stdout().trim(), "1048576", "in pieces of {piece}");
        assert_eq!(process.exited().status, 0, "no error follows");
    }
}

#[test]
fn more_arguments_than_the_kernel_takes_are_told_as_execve_would() {
    let mut agent = Agent::plain();
    let mut spec = Spec::shell("true");
    spec.argv.extend(vec![String::new(); 800_000]);
    let process = agent.spawn(&spec);
    assert_eq!(process.exec_failed(), (ExecStage::Execute, E2BIG), "the pointers are too many");
    assert_eq!(agent.output("echo on"), "on\n", "the agent goes on");
}

#[test]
fn processes_run_at_the_same_time() {
    let mut agent = Agent::plain();
    let mut processes: Vec<_> = (0..10).map(|_| agent.run(&Spec::new(&["/bin/cat"]))).collect();
    for (index, process) in processes.iter().enumerate() {
        process.write(&format!("number {index}\n"));
    }
    for (index, mut process) in processes.drain(..).enumerate().rev() {
        assert_eq!(process.line(), format!("number {index}"), "each has streams of its own");
        process.close_stdin();
        assert_eq!(process.exited().status, 0, "each end is told on the stream of its process");
    }
}

#[test]
fn one_process_too_many_is_refused_and_a_place_is_free_again() {
    let mut agent = Agent::plain();
    let mut processes: Vec<_> =
        (0..isobar_init::MAX_PROCESSES).map(|_| agent.run(&Spec::new(&["/bin/cat"]))).collect();
    let refused = agent.spawn(&Spec::shell("true"));
    assert_eq!(refused.exec_failed(), (ExecStage::Clone, EAGAIN), "the table is full");
    let mut first = processes.swap_remove(0);
    first.close_stdin();
    assert_eq!(first.exited().status, 0, "one ends");
    assert_eq!(agent.output("echo in"), "in\n", "its place is free");
}

#[test]
fn a_process_without_consent_never_executes() {
    let mut agent = Agent::plain();
    let process = agent.spawn(&Spec::shell("echo ran"));
    process.ready();
    rustix::net::shutdown(&process.stream, rustix::net::Shutdown::Write).expect("it is open");
    assert_eq!(process.hear(), None, "nothing is said of a process that the host gave up");
    assert_eq!(process.stdout(), "", "and it never ran");
    assert_eq!(agent.output("echo on"), "on\n", "the next one does not wait for it");
}

#[test]
fn the_process_limit_is_noticed() {
    let mut agent = Agent::plain();
    let script = "sleep 1000 & sleep 1000 & sleep 1000 & wait";
    let process = agent.run(&Spec { watch_pids: 4, ..Spec::shell(script) });
    assert!(process.pids_reached() >= 4, "a shell and three children");
    process.signal(SIGKILL, true);
    let exited = process.exited();
    assert!(exited.peak_tasks >= 4, "the peak is told at the end: {exited:?}");
}

#[test]
fn a_run_shorter_than_the_cadence_is_counted() {
    let mut agent = Agent::plain();
    let spec = Spec { watch_pids: 100, ..Spec::new(&["/bin/true"]) };
    let counts: Vec<_> = (0..5).map(|_| agent.run(&spec).exited().peak_tasks).collect();
    assert_eq!(counts, [1; 5], "the process itself, whenever the last sample was");
}

#[test]
fn the_end_of_the_agent_stream_ends_everything() {
    let mut agent = Agent::plain();
    let running = agent.run(&Spec::shell("trap '' TERM INT; setsid sleep 1000 & echo up; wait"));
    assert_eq!(running.line(), "up", "the guest runs");
    let waiting = agent.spawn(&Spec::shell("echo ran"));
    waiting.ready();
    assert_eq!(agent.hang_up().code(), Some(0), "also with a process that waits for consent");
    assert_eq!(running.stdout(), "", "nobody holds the guest's pipe any more");
    assert_eq!(running.hear(), None, "nobody is left to say so");
    assert_eq!(waiting.stdout(), "", "nothing ran after the end");
}
