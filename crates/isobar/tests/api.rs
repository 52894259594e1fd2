//! The Rust API as a program uses it: the jobs of docs/api.md, run for whoever calls the tests, thus
//! also for an ordinary user.
//!
//! A suite of its own: here the sandboxes are children of the test's process, and the other suites
//! reap whatever child they did not start.

#[cfg(test)]
#[path = "harness/mod.rs"]
mod harness;

#[cfg(test)]
mod api {
    use std::time::Duration;

    use isobar_engine::Sandbox;
    use isobar_engine::policy::{Bytes, Code, End, KilledBy, WorkspaceMode};

    use crate::harness::{Isobar, bin_dir};

    #[test]
    fn a_sandbox_runs_many_commands_and_keeps_nothing_between_them() {
        let sandbox = Sandbox::builder().libexec(bin_dir()).build();
        let first = sandbox.command(["sh", "-c", "echo kept > /tmp/file; cat /tmp/file"]);
        let output = first.output(Bytes(4096));
        assert_eq!(output.report.outcome.end, End::Exited { code: 0 }, "{:?}", output.report);
        assert_eq!(output.stdout, b"kept\n", "what it printed is handed back");
        let second = sandbox.command(["cat", "/tmp/file"]).output(Bytes(4096));
        assert_eq!(second.report.outcome.end, End::Exited { code: 1 }, "each run has its own /tmp");
        assert!(!second.stderr.is_empty(), "the streams are apart");
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_rest_is_counted() {
        let sandbox = Sandbox::builder().libexec(bin_dir()).build();
        let output = sandbox.command(["head", "-c", "100000", "/dev/zero"]).output(Bytes(1000));
        assert_eq!(output.stdout.len(), 1000, "no guest fills its caller's memory");
        assert_eq!(
            output.report.outcome.truncated.stdout_bytes, 99_000,
            "and nothing is lost unsaid"
        );
    }

    #[test]
    fn every_end_is_an_outcome() {
        let sandbox =
            Sandbox::builder().libexec(bin_dir()).timeout(Duration::from_millis(300)).build();
        let late = sandbox.command(["sleep", "600"]).output(Bytes(0x1000)).report;
        assert_eq!(late.outcome.end, End::Killed { by: KilledBy::WallTime });

        let missing = sandbox.command(["no-such-program"]).output(Bytes(0x1000)).report;
        let End::Refused { refusals } = missing.outcome.end else { panic!("nothing can have run") };
        assert_eq!(refusals[0].code, Code::ResolveProgramMissing);

        let nothing = sandbox.command(Vec::<String>::new()).output(Bytes(0x1000)).report;
        assert!(matches!(nothing.outcome.end, End::Refused { .. }), "an empty command is no panic");

        let lost = Sandbox::builder().libexec("/no/such/directory").build();
        let failed = lost.command(["true"]).output(Bytes(0x1000)).report;
        assert!(
            matches!(failed.outcome.end, End::Failed { .. }),
            "isobar's own failure is named so"
        );
    }

    #[test]
    fn a_zero_is_refused_and_not_taken_for_no_limit() {
        let zero = Sandbox::builder().libexec(bin_dir()).timeout(Duration::ZERO).pids(0).build();
        let report = zero.command(["true"]).output(Bytes(0x1000)).report;
        let End::Refused { refusals } = report.outcome.end else { panic!("two clauses are wrong") };
        assert_eq!(refusals.len(), 2, "all of them are told at once: {refusals:?}");
    }

    #[test]
    fn a_lent_directory_is_written_by_the_guest_and_read_by_the_caller() {
        let isobar = Isobar::new();
        isobar.file("w/numbers", "3\n1\n2\n");
        let dir = isobar.scratch().join("w");
        let sandbox = Sandbox::builder()
            .libexec(bin_dir())
            .workspace(&dir, "/work", WorkspaceMode::Rw)
            .build();
        let report =
            sandbox.command(["sort", "-o", "sorted", "numbers"]).output(Bytes(4096)).report;
        assert_eq!(report.outcome.end, End::Exited { code: 0 }, "{report:?}");
        assert_eq!(std::fs::read(dir.join("sorted")).unwrap(), b"1\n2\n3\n");
    }
}
