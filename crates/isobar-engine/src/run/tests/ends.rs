//! How a run ends, and what is said about it.

use isobar_boundary::{ProcessEnd, SandboxEvent, SandboxUsage};
use isobar_policy::{BoundaryKind, Clause, Code, End, KilledBy, LimitHit};

use super::*;
use crate::Freshness;
use crate::run::run_with;

fn end(script: Script, command: &str) -> End {
    Bench::new(script).shell(command).0.outcome.end
}

#[test]
fn the_programs_own_end_is_reported() {
    assert_eq!(end(Script::new(), "exit 0"), End::Exited { code: 0 }, "success");
    assert_eq!(end(Script::new(), "exit 125"), End::Exited { code: 125 }, "the guest's own number");
    assert_eq!(
        end(Script::new(), "kill -USR1 $$"),
        End::Signalled { signal: 10 },
        "its own signal"
    );
    let script = Script { end: Some(ProcessEnd::NotExecuted(8)), ..Script::new() };
    let End::NotExecuted { errno, reason } = end(script, "exit 0") else { panic!("not executed") };
    assert_eq!((errno, reason.contains("xec format")), (8, true), "ENOEXEC has a name: {reason}");
    let script = Script { end: Some(ProcessEnd::Lost), ..Script::new() };
    let report = Bench::new(script).shell("exit 0").0;
    assert_eq!(failure(&report).code, Code::RunWait, "nobody could say");
}

#[test]
fn usage_and_phases_are_filled_in() {
    let bench = Bench::new(Script::new());
    let (report, ..) = bench.shell("printf abc; printf de >&2");
    let usage = report.outcome.usage;
    assert_eq!((usage.stdout_bytes, usage.stderr_bytes), (3, 2), "what was passed on");
    assert_eq!((usage.user_micros, usage.system_micros), (11, 22), "as the agent counted");
    assert_eq!(usage.peak_memory_bytes, 33, "the largest process, where no group counts");
    let names: Vec<_> = report.outcome.phases.iter().map(|phase| phase.name.as_str()).collect();
    let expected =
        ["resolve", "facts", "plan", "launch", "spawn", "run", "destroy", "drain", "double"];
    assert_eq!(names, expected, "each phase once, then the boundary's own");
    assert_eq!(report.command, ["sh", "-c", "printf abc; printf de >&2"], "as it was given");
    assert_eq!(report.boundary, BoundaryKind::Namespace, "the one that ran it");
    assert_eq!(report.lines.len(), 2, "a line for each binding");
    assert!(report.lines.iter().all(|line| line.evidence.len() == 1), "with its evidence");
    assert_eq!(report.shared, ["everything"], "what the double shares");
    assert_eq!(bench.double.log.borrow().destroyed, 1, "the sandbox is gone");
}

#[test]
fn the_deadline_ends_what_does_not_end() {
    let bench = Bench::new(Script::new()).deadline(50);
    let (report, ..) = bench.shell("trap '' TERM HUP INT; while :; do :; done");
    assert_eq!(report.outcome.end, End::Killed { by: KilledBy::WallTime }, "the clock ended it");
    let [hit] = report.outcome.limits_hit.as_slice() else { panic!("one limit was reached") };
    assert_eq!((hit.clause, hit.limit), (Clause::WallTime, 50), "with its number");
    assert!(hit.observed >= 50, "not before its time: {} ms", hit.observed);
}

#[test]
fn the_longest_deadline_never_passes() {
    let bench = Bench::new(Script::new()).deadline(3_155_760_000_000);
    assert_eq!(bench.shell("exit 3").0.outcome.end, End::Exited { code: 3 }, "it never passes");
}

#[test]
fn out_of_memory_is_never_taken_for_another_end() {
    let killed = End::Killed { by: KilledBy::Memory };
    let told = Script { events: vec![SandboxEvent::OutOfMemory], ..Script::new() };
    assert_eq!(end(told, "while :; do :; done"), killed, "the boundary said so");
    let usage = SandboxUsage {
        out_of_memory: true,
        peak_memory_bytes: Some(5 << 20),
        ..SandboxUsage::default()
    };
    let mut bench = Bench::new(Script { usage, ..Script::new() });
    bench.policy.limits.memory = Some(Bytes(4 << 20));
    for command in ["kill -KILL $$", "exit 0"] {
        let report = bench.shell(command).0;
        assert_eq!(report.outcome.end, killed, "the kernel counted it, whatever `{command}` says");
        let expected = LimitHit {
            clause: Clause::Memory,
            limit: 4 << 20,
            observed: 5 << 20,
            source: "the kernel's count".to_owned(),
        };
        assert_eq!(report.outcome.limits_hit, [expected], "with its numbers");
    }
}

#[test]
fn processor_time_ends_a_run() {
    let told = Script { events: vec![SandboxEvent::CpuTimeUsed], ..Script::new() };
    let killed = End::Killed { by: KilledBy::CpuTime };
    assert_eq!(end(told.clone(), "while :; do :; done"), killed, "the boundary said so");
    let lost = Script { end: Some(ProcessEnd::Lost), ..told };
    assert_eq!(end(lost, "kill -KILL $$"), killed, "its end and the reason came together");
}

#[test]
fn a_processor_time_limit_of_the_program_is_told_from_a_signal_of_its_own() {
    // The double says that the program used 33 microseconds.
    let xcpu = Script { end: Some(ProcessEnd::Signalled(24)), ..Script::new() };
    let mut bench = Bench::new(xcpu);
    let limited = |bench: &mut Bench, millis| {
        bench.policy.limits.cpu_time = Some(isobar_policy::Span::from_millis(millis));
        bench.shell("exit 0").0.outcome
    };
    let outcome = limited(&mut bench, 1);
    assert_eq!(outcome.end, End::Killed { by: KilledBy::CpuTime }, "the kernel's tick ended it");
    assert_eq!(outcome.limits_hit.len(), 1, "with its numbers");
    let outcome = limited(&mut bench, 60_000);
    let raised = End::Signalled { signal: 24 };
    assert_eq!(outcome.end, raised, "a program may raise SIGXCPU long before its limit");
}

#[test]
fn a_sandbox_that_ends_without_a_word_is_a_failure() {
    let script = Script { events: vec![SandboxEvent::Ended], ..Script::new() };
    let report = Bench::new(Script { end: Some(ProcessEnd::Lost), ..script }).shell("exit 1").0;
    assert_eq!(failure(&report).code, Code::RunWait, "isobar's, never the guest's");
}

#[test]
fn limits_that_others_counted_are_kept_once() {
    let usage = SandboxUsage {
        limits_hit: vec![LimitHit {
            clause: Clause::Pids,
            limit: 4,
            observed: 9,
            source: "pids.events".to_owned(),
        }],
        ..SandboxUsage::default()
    };
    let script = Script { pids_reached: Some(4), ..Script::new() };
    let mut bench = Bench::new(script.clone());
    bench.policy.limits.pids = Some(4);
    let hits = bench.shell("exit 0").0.outcome.limits_hit;
    assert_eq!((hits.len(), hits[0].observed), (1, 4), "the agent saw it: {hits:?}");
    let hits = Bench::new(Script { usage, ..script }).shell("exit 0").0.outcome.limits_hit;
    assert_eq!((hits.len(), hits[0].observed), (1, 9), "a group's count is better: {hits:?}");
}

#[test]
fn what_is_left_over_is_a_failure_that_keeps_the_end() {
    let report = Bench::new(Script { leaves: true, ..Script::new() }).shell("exit 7").0;
    let diagnostic = failure(&report);
    assert_eq!(diagnostic.code, Code::CleanupFailed, "nothing may be left");
    assert_eq!(diagnostic.causes, ["the program had exited with 7"], "and its end is not lost");
}

#[test]
fn the_first_request_to_end_is_the_guests() {
    let bench = Bench::new(Script::new());
    let (queue, filler) = scripted_queue();
    let tell = Watching(|_: &[u8]| {
        rustix::io::write(&filler, &[15]).expect("room for a byte");
    });
    let command = "trap 'exit 7' TERM; echo ready; while :; do :; done";
    let prepared = bench.prepare(&["sh", "-c", command]).expect("it is planned");
    let io = Io { stdin: None, stdout: Box::new(tell), stderr: nowhere() };
    let report = run_with(&bench.engine, prepared, io, Some(queue));
    assert_eq!(report.outcome.end, End::Exited { code: 7 }, "it obeyed SIGTERM");
}

#[test]
fn a_second_request_to_end_kills() {
    let bench = Bench::new(Script::new());
    let (queue, filler) = scripted_queue();
    let mut asked = 0;
    let tell = Watching(|_: &[u8]| {
        asked += 1;
        if asked <= 2 {
            // SIGTERM: whoever starts the tests in the background makes them ignore SIGINT.
            rustix::io::write(&filler, &[15]).expect("room for a byte");
        }
    });
    let command = "trap 'echo no' TERM; echo ready; while :; do :; done";
    let prepared = bench.prepare(&["sh", "-c", command]).expect("it is planned");
    let io = Io { stdin: None, stdout: Box::new(tell), stderr: nowhere() };
    let report = run_with(&bench.engine, prepared, io, Some(queue));
    assert_eq!(report.outcome.end, End::Killed { by: KilledBy::User }, "it did not obey the first");
}

#[test]
fn a_refusal_from_the_cache_is_not_believed() {
    let bench = Bench::new(Script { landlock_abi: 0, ..Script::new() });
    let Err(Stop::Refused(refusals)) = bench.prepare(&["true"]) else { panic!("refused") };
    assert_eq!(refusals, [crate::double::refusal()], "the double's own words");
    assert_eq!(bench.double.log.borrow().probes, 1, "what was just learned is believed");
    bench.double.script.borrow_mut().landlock_abi = 7;
    bench.prepare(&["true"]).expect("the host can now");
    assert_eq!(bench.double.log.borrow().probes, 2, "the cached no was asked again");
    bench.prepare(&["true"]).expect("and is known");
    assert_eq!(bench.double.log.borrow().probes, 2, "a cached yes is enough");
    let kind = BoundaryKind::Namespace;
    bench.engine.facts(kind, Freshness::Fresh).expect("the double is built");
    assert_eq!(bench.double.log.borrow().probes, 3, "who wants fresh facts gets them");
}

#[test]
fn cached_facts_that_differ_from_what_is_read_now_are_learned_again() {
    let bench = Bench::new(Script::new());
    bench.prepare(&["true"]).expect("the double plans");
    bench.double.script.borrow_mut().stale = true;
    bench.prepare(&["true"]).expect("with new facts");
    assert_eq!(bench.double.log.borrow().probes, 2, "a cached yes is not enough");
    bench.double.script.borrow_mut().stale = false;
    bench.prepare(&["true"]).expect("with the cached ones");
    assert_eq!(bench.double.log.borrow().probes, 2, "they were kept");
}

#[test]
fn a_launch_that_contradicts_the_cache_drops_it() {
    let bench = Bench::new(Script::new());
    let prepared = bench.prepare(&["true"]).expect("the cache says yes");
    bench.double.script.borrow_mut().failing = Some(crate::double::Failing::Refused);
    let io = Io { stdin: None, stdout: nowhere(), stderr: nowhere() };
    let report = bench.engine.run(prepared, io, Signals::Leave);
    let expected = End::Refused { refusals: vec![crate::double::refusal()] };
    assert_eq!(report.outcome.end, expected, "the same refusal as the planner's");
    assert_eq!(report.lines, [], "nothing was bound");
    bench.prepare(&["true"]).expect("the double plans");
    assert_eq!(bench.double.log.borrow().probes, 2, "the facts were learned again");
    assert!(bench.state.path().join("state").is_dir(), "the cache is where it belongs");
}

#[test]
fn what_cannot_start_is_told_without_a_run() {
    let mut bench = Bench::new(Script::new());
    bench.policy.boundary = Some(BoundaryKind::Wasm);
    let Err(stop) = bench.prepare(&["true"]) else { panic!("the double is no wasm") };
    let report = stop.into_report(bench.policy.clone(), &["true".into()]);
    let End::Refused { refusals } = &report.outcome.end else { panic!("refused") };
    assert_eq!(refusals[0].code, Code::HostBoundaryMissing, "it is not built");
    assert_eq!(refusals[0].remedy, "use one that is built: namespace", "what is");
    assert_eq!((report.lines.len(), report.command.len()), (0, 1), "the same form as any report");
    bench.policy.boundary = None;
    bench.policy.limits.pids = Some(0);
    let Err(Stop::Refused(refusals)) = bench.prepare(&["no-such-program"]) else { panic!("wrong") };
    assert_eq!(refusals[0].code, Code::PolicyZeroLimit, "the policy is judged before the world");
}
