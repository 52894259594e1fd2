//! Many sandboxes: at once, and one after the other.

use std::sync::{Barrier, Mutex};

use isobar_boundary::{Boundary, Descriptors, ProcessEnd};

use crate::harness::{Scene, boundary, end_of, line_of, program, shell, spawn, stdout};

const THREADS: usize = 4;
const EACH: usize = 5;

#[test]
fn twenty_live_at_once_from_four_threads() {
    let scene = Scene::new();
    let plan = scene.plan();
    let all_up = Barrier::new(THREADS);
    let seen = Mutex::new(std::collections::BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let boundary = boundary();
                let mut live = Vec::new();
                for _ in 0..EACH {
                    let mut sandbox = boundary.launch(&plan, Descriptors::new()).unwrap();
                    let script = "readlink /proc/self/ns/pid; cat; exit 5";
                    let mut process = spawn(&mut *sandbox, &shell(script));
                    let out = stdout(&mut *process);
                    seen.lock().unwrap().insert(line_of(&out));
                    live.push((sandbox, process, out));
                }
                // All twenty are running now; none was waited for.
                all_up.wait();
                for (mut sandbox, mut process, _out) in live {
                    drop(process.streams().stdin.take());
                    assert_eq!(end_of(&mut *process).end, ProcessEnd::Exited(5), "it lived");
                    sandbox.destroy().unwrap();
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), THREADS * EACH, "each is a sandbox of its own: {seen:?}");
}

/// The scene counts descriptors, processes, slots and groups at its end.
#[test]
fn two_hundred_in_sequence_leave_nothing() {
    let mut scene = Scene::new();
    for round in 0..200 {
        let ran = scene.run_spec(&program("/usr/bin/true", &[]));
        assert_eq!(ran.report.end, ProcessEnd::Exited(0), "round {round}: {ran:?}");
    }
}
