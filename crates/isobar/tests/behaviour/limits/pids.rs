//! Processes and threads at a time: exactly as many as asked for.

use crate::guest::{limit_hit, python};

/// Prints how many tasks there were when the kernel gave no more. It then stays at its limit for a
/// moment: without a control group the tasks are counted by looking, some times a second.
fn counting(body: &str) -> String {
    format!(
        "import os, threading, time\ncount = 1\ntry:\n while True:\n{body}\n  count += 1\nexcept (BlockingIOError, RuntimeError):\n print(count, flush=True)\n time.sleep(0.5)\n os._exit(0)"
    )
}

#[track_caller]
fn check(body: &str) {
    for limit in [2_u64, 7, 40] {
        let flags = ["--pids", &limit.to_string(), "--timeout", "50s"];
        let ended = python(&flags, &counting(body)).run();
        assert_eq!(ended.out(), format!("{limit}\n"), "the program itself counts: {ended}");
        let (reported, refused) = limit_hit(&ended, "limits.pids");
        assert_eq!(reported, limit, "the report names the limit: {ended}");
        assert!(refused >= 1, "and that somebody met it: {ended}");
        assert_eq!(ended.how(), "exited", "meeting it ends nothing: {ended}");
    }
}

#[test]
fn processes_count() {
    check("  if os.fork() == 0:\n   os.read(os.pipe()[0], 1)");
}

#[test]
fn threads_count() {
    check("  threading.Thread(target=threading.Event().wait, daemon=True).start()");
}

/// Processes of other sandboxes of the same user do not: the count is the sandbox's own.
#[test]
fn a_sandbox_counts_for_itself() {
    let code = "import os\nchildren = [os.fork() or os.read(0, 1) for _ in range(5)]\nopen(os.environ['MARK'], 'w')\nos.read(0, 1)";
    let start = |mark: &str| {
        let env = format!("MARK={mark}");
        let flags = ["--pids", "7", "--workspace", ".", "--env", &env, "--timeout", "50s"];
        python(&flags, code).stdin("").spawn()
    };
    let mut both = [start("one"), start("two")];
    both[0].until_exists("one");
    both[1].until_exists("two");
    for running in both {
        let ended = running.wait();
        assert_eq!(ended.code, Some(0), "6 of 7 each: {ended}");
    }
}

#[test]
fn a_limit_that_nobody_meets_is_not_reported() {
    let ended =
        python(&["--pids", "7"], "import os\nif os.fork() == 0: os._exit(0)\nos.wait()").run();
    let hits = ended.reported("/outcome/limits-hit").as_array().map(Vec::len);
    assert_eq!((ended.code, hits), (Some(0), Some(0)), "{ended}");
}
