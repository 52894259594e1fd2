//! Where a suite runs: directories, environment, and who runs it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use super::leftovers::{self, Owner};
use super::{Suite, Tally, suite};
use crate::process::{self, Ended};
use crate::workspace;

/// How long each fuzz target gets random bytes as a plain test; eleven of them are the five
/// seconds that CI has for it.
const FUZZ_MILLISECONDS: &str = "450";

/// The surroundings of a test run, the same for whoever called and for the ordinary user.
///
/// Tests find in their environment:
/// - `TMPDIR`: a directory of their own, which must be empty again when they end;
/// - `ISOBAR_BIN_DIR`: the executables of the development profile;
/// - `ISOBAR_FAULT_BIN_DIR`: those of the fault build;
/// - `ISOBAR_TEST_VENV`: a Python virtual environment with numpy;
/// - `ISOBAR_PEERS`: a directory with links to programs of others, those that could be had;
/// - `ISOBAR_FIXTURES`: `tests/fixtures` of the repository, if it has that directory;
/// - `ISOBAR_SWEEP`: how many moments a sweep takes, where that is not left to it;
/// - `ISOBAR_SKIPS`: the file to append `SKIP <test>: <what is missing>` to;
/// - `CARGO_MANIFEST_DIR`: their package's directory, also the working directory. The value at run
///   time counts: the one compiled in may be closed to an ordinary user.
pub(crate) struct Arena {
    /// Who runs, as printed.
    pub(crate) who: &'static str,
    /// The source tree.
    pub(crate) tree: PathBuf,
    pub(crate) bin: PathBuf,
    pub(crate) fault_bin: PathBuf,
    pub(crate) venv: PathBuf,
    pub(crate) peers: PathBuf,
    /// Where output and skips of each suite are kept.
    pub(crate) logs: PathBuf,
    /// `TMPDIR` of the tests; whatever they leave in it is a failure.
    pub(crate) tmp: PathBuf,
    /// Words put before the command, such as `setpriv` and its options.
    pub(crate) prefix: Vec<OsString>,
    /// If set, the whole environment that is passed on; else the caller's.
    pub(crate) environment: Option<Vec<(&'static str, OsString)>>,
}

impl Arena {
    /// The arena of whoever called, in the checkout itself.
    pub(crate) fn in_checkout(
        bin: &Path,
        fault_bin: &Path,
        venv: &Path,
        peers: &Path,
        tmp: &Path,
    ) -> Result<Self> {
        let who = if workspace::is_root() { "root" } else { "user" };
        let logs = workspace::target_dir()?.join("test-logs").join(who);
        fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        Ok(Self {
            who,
            tree: workspace::root(),
            bin: bin.to_owned(),
            fault_bin: fault_bin.to_owned(),
            venv: venv.to_owned(),
            peers: peers.to_owned(),
            logs,
            tmp: tmp.to_owned(),
            prefix: Vec::new(),
            environment: None,
        })
    }

    /// Runs every suite, one after the other.
    pub(crate) fn run_all(&self, suites: &[Suite]) -> Result<Tally> {
        let mut tally = Tally::default();
        for suite in suites {
            let dir = self.tree.join(&suite.package_dir);
            let command = || {
                let mut command = self.command(&suite.executable);
                command.current_dir(&dir).env("CARGO_MANIFEST_DIR", &dir);
                command.envs(suite.moments.map(|moments| ("ISOBAR_SWEEP", moments.to_string())));
                command
            };
            let mut of_suite = self.run(&mut command(), &suite.name())?;
            for test in of_suite.worth_a_second_run() {
                let name = format!("{}.again", suite.name());
                let again = self.run(command().args(["--exact", &test]), &name)?;
                of_suite.take_second_run(&test, &again);
            }
            tally += of_suite;
            for left in self.empty_tmp()? {
                tally.fail(format!("{}: {} left {}", self.who, suite.name(), left.display()));
            }
        }
        Ok(tally)
    }

    /// The command that runs `executable` as whoever this arena is for.
    fn command(&self, executable: &Path) -> Command {
        let mut words = self.prefix.iter().cloned().chain([executable.into()]);
        let mut command = process::command(words.next().unwrap_or_default());
        command.args(words);
        if let Some(environment) = &self.environment {
            command.env_clear().envs(environment.iter().cloned());
        }
        command
    }

    /// Runs one command with the environment of tests; prints one line, and all of its output if
    /// anything failed.
    pub(crate) fn run(&self, command: &mut Command, name: &str) -> Result<Tally> {
        let skips = self.logs.join(format!("{name}.skips"));
        let log = self.logs.join(format!("{name}.log"));
        // The file exists beforehand, writable for the ordinary user in its own directory.
        fs::write(&skips, "").with_context(|| format!("cannot write {}", skips.display()))?;
        self.open_to_user(&skips)?;
        command
            .env("TMPDIR", &self.tmp)
            .env("ISOBAR_BIN_DIR", &self.bin)
            .env("ISOBAR_FAULT_BIN_DIR", &self.fault_bin)
            .env("ISOBAR_TEST_VENV", &self.venv)
            .env("ISOBAR_PEERS", &self.peers)
            .env("ISOBAR_SKIPS", &skips)
            .env("INSTA_WORKSPACE_ROOT", &self.tree)
            .env("INSTA_UPDATE", "no")
            .env("BOLERO_RANDOM_TEST_TIME_MS", FUZZ_MILLISECONDS);
        if let Some(fixtures) = suite::fixtures(&self.tree) {
            command.env("ISOBAR_FIXTURES", fixtures);
        }
        let start = Instant::now();
        let finished = process::run_within(command, &log, suite::LIMIT)?;
        let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let mut tally = self.judge(&finished.ended, &output, name);
        for left in leftovers::end(Owner::Group(finished.group)) {
            tally.fail(format!("{}: {name} left {left}", self.who));
        }
        tally.take_skips(&fs::read_to_string(&skips)?, self.who);
        println!("{:<5} {name:<34} {tally} ({:.1} s)", self.who, start.elapsed().as_secs_f64());
        if tally.failed > 0 {
            println!("{output}");
        }
        Ok(tally)
    }

    /// Counts what an executable printed, and what it did not live to print.
    fn judge(&self, ended: &Ended, output: &str, name: &str) -> Tally {
        let who = self.who;
        let read = Tally::of_output(output);
        let died = read.is_none();
        let mut tally = read.unwrap_or_default();
        match ended {
            Ended::Overdue => tally.fail(format!("{who}: {name} ran past {:?}", suite::LIMIT)),
            Ended::With(status) if died => tally.fail(format!("{who}: {name} died: {status}")),
            Ended::With(status) if !status.success() && tally.failed == 0 => {
                tally.fail(format!("{who}: {name} ended with {status} though no test failed"));
            }
            Ended::With(_) => {
                for test in failed_tests(output) {
                    tally.notes.push(format!("{who}: FAILED {name}: {test}"));
                    tally.failed_tests.push(test.to_owned());
                }
            }
        }
        tally
    }

    /// Empties the temporary directory; returns what was in it.
    fn empty_tmp(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.tmp)
            .with_context(|| format!("cannot list {}", self.tmp.display()))?;
        let left: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        for path in &left {
            fs::remove_dir_all(path).or_else(|_| fs::remove_file(path)).ok();
        }
        Ok(left)
    }

    /// Lets the ordinary user append to a file, where there is one.
    fn open_to_user(&self, file: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        if self.environment.is_some() {
            fs::set_permissions(file, fs::Permissions::from_mode(0o666))?;
        }
        Ok(())
    }
}

/// The names of the tests that libtest reports as failed.
fn failed_tests(output: &str) -> impl Iterator<Item = &str> {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .map(|test| test.trim_end_matches(" - should panic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a shell script as if it were a test executable.
    fn tally_of(script: &str) -> Tally {
        let dir = tempfile::tempdir().unwrap();
        let arena = Arena {
            who: "test",
            tree: dir.path().to_owned(),
            bin: "bin".into(),
            fault_bin: "fault".into(),
            venv: "venv".into(),
            peers: "peers".into(),
            logs: dir.path().to_owned(),
            tmp: dir.path().to_owned(),
            prefix: vec!["/bin/sh".into(), "-c".into()],
            environment: None,
        };
        let mut command = arena.command(Path::new(script));
        arena.run(&mut command, "sample").unwrap()
    }

    #[test]
    fn skips_are_moved_from_passed() {
        let tally = tally_of(
            "echo 'test result: ok. 3 passed; 0 failed; 0 ignored;'; \
             echo 'SKIP a: no cgroup' >> \"$ISOBAR_SKIPS\"",
        );
        assert_eq!(tally.to_string(), "2 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn a_process_that_is_left_behind_is_a_failure() {
        let tally = tally_of("sleep 600 & echo 'test result: ok. 3 passed; 0 failed; 0 ignored;'");
        assert_eq!(tally.to_string(), "3 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn a_crash_is_a_failure_even_without_a_result_line() {
        assert_eq!(tally_of("echo 'running 3 tests'; kill -ABRT $$").failed, 1);
    }

    #[test]
    fn a_non_zero_end_is_a_failure_even_after_a_good_result_line() {
        let tally = tally_of("echo 'test result: ok. 3 passed; 0 failed; 0 ignored;'; exit 3");
        assert_eq!(tally.failed, 1, "the exit status must not be overheard");
    }

    #[test]
    fn the_names_of_failed_tests_are_noted() {
        let tally = tally_of(
            "echo 'test a::b ... FAILED'; \
             echo 'test result: FAILED. 3 passed; 1 failed; 0 ignored;'; exit 101",
        );
        assert_eq!(tally.notes, ["test: FAILED sample: a::b"]);
    }
}
