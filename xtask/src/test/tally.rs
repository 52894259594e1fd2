//! Counts of tests, read from what libtest prints and from the file of skips.
//!
//! A test that finds that the machine lacks what it needs appends `SKIP <test>: <what is missing>`
//! to the file named by `ISOBAR_SKIPS` and returns. libtest counts it as passed, so it is moved
//! from passed to skipped here. Ignored tests count as skipped too.
//!
//! A test that fails is run once more, alone. If it passes then, it is *flaky*: the run goes on and
//! names it, and `cargo xtask nightly` does not accept it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::AddAssign;

/// Sums over any number of test executables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// Tests that failed among others and passed alone; they are among the passed.
    pub(crate) flaky: usize,
    /// One line for each skip, each failure and each flaky test.
    pub(crate) notes: Vec<String>,
    /// The failed tests of one executable, by name.
    pub(crate) failed_tests: Vec<String>,
}

/// How many failed tests of one executable are run again. More than that are no accident.
const SECOND_RUNS: usize = 3;

impl Tally {
    /// Adds up every `test result:` line of an executable's output; `None` if it has none.
    pub(crate) fn of_output(output: &str) -> Option<Self> {
        let mut sum: Option<Self> = None;
        for line in output.lines().filter_map(|line| line.strip_prefix("test result: ")) {
            let mut tally = Self::default();
            for part in line.split(['.', ';']) {
                let mut words = part.split_whitespace();
                let (Some(count), Some(what)) = (words.next(), words.next()) else { continue };
                let Ok(count) = count.parse::<usize>() else { continue };
                match what {
                    "passed" => tally.passed = count,
                    "failed" => tally.failed = count,
                    "ignored" => tally.skipped = count,
                    _ => {}
                }
            }
            *sum.get_or_insert_default() += tally;
        }
        sum
    }

    /// Moves the tests that have skipped themselves from passed to skipped.
    pub(crate) fn take_skips(&mut self, skips: &str, who: &str) {
        let lines: BTreeSet<&str> = skips.lines().filter(|line| !line.is_empty()).collect();
        let tests: BTreeSet<&str> = lines.iter().map(|line| Self::test_of(line)).collect();
        self.passed = self.passed.saturating_sub(tests.len());
        self.skipped += tests.len();
        self.notes.extend(lines.iter().map(|line| format!("{who}: {line}")));
    }

    /// The name of the test in a line `SKIP <test>: <what is missing>`.
    fn test_of(line: &str) -> &str {
        let line = line.strip_prefix("SKIP ").unwrap_or(line);
        line.split_once(": ").map_or(line, |(test, _)| test)
    }

    /// The failed tests that may have failed by accident; none if anything else failed too.
    pub(crate) fn worth_a_second_run(&self) -> Vec<String> {
        let accident = self.failed <= SECOND_RUNS && self.failed == self.failed_tests.len();
        if accident { self.failed_tests.clone() } else { Vec::new() }
    }

    /// Counts a failed test as passed, and flaky, if it has passed alone.
    pub(crate) fn take_second_run(&mut self, test: &str, again: &Self) {
        if (again.passed, again.failed) == (1, 0) {
            self.failed -= 1;
            self.passed += 1;
            self.flaky += 1;
            self.notes.push(format!("FLAKY {test}: it passed alone"));
        }
    }

    /// Counts one failure that is not a test's own: a crash, a time limit, something left behind.
    pub(crate) fn fail(&mut self, note: String) {
        self.failed += 1;
        self.notes.push(note);
    }

    /// Prints the skips and failures, if there are any.
    pub(crate) fn print_notes(&self) {
        if !self.notes.is_empty() {
            println!("\nskipped, flaky or failed:");
        }
        for note in &self.notes {
            println!("  {note}");
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.flaky += other.flaky;
        self.notes.extend(other.notes);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\nrunning 3 tests\ntest a ... ok\n\ntest result: FAILED. 12 passed; 3 \
        failed; 2 ignored; 0 measured; 5 filtered out; finished in 0.06s\n";

    #[test]
    fn the_closing_line_of_libtest_is_read() {
        let tally = Tally::of_output(OUTPUT).unwrap();
        assert_eq!(tally.to_string(), "12 passed, 3 failed, 2 skipped");
    }

    #[test]
    fn several_closing_lines_add_up_as_doc_tests_print_them() {
        let twice = Tally::of_output(&format!("{OUTPUT}{OUTPUT}")).unwrap();
        assert_eq!(twice.to_string(), "24 passed, 6 failed, 4 skipped");
    }

    #[test]
    fn an_executable_that_died_has_no_tally() {
        assert_eq!(Tally::of_output("running 3 tests\ntest a ... "), None);
    }

    #[test]
    fn a_test_that_passes_alone_is_flaky_and_one_that_does_not_has_failed() {
        let failing = |name: &str| Tally {
            passed: 5,
            failed: 1,
            failed_tests: vec![name.to_owned()],
            ..Tally::default()
        };
        let (mut flaky, mut failed) = (failing("a"), failing("a"));
        assert_eq!(flaky.worth_a_second_run(), ["a"]);
        flaky.take_second_run("a", &Tally { passed: 1, ..Tally::default() });
        assert_eq!((flaky.passed, flaky.failed, flaky.flaky), (6, 0, 1));
        for again in [Tally { failed: 1, ..Tally::default() }, Tally::default()] {
            failed.take_second_run("a", &again);
        }
        assert_eq!((failed.passed, failed.failed, failed.flaky), (5, 1, 0));
    }

    #[test]
    fn what_is_no_accident_is_not_run_again() {
        let crash = Tally { failed: 2, failed_tests: vec!["a".to_owned()], ..Tally::default() };
        assert!(crash.worth_a_second_run().is_empty(), "something was left, or it died");
        let names: Vec<String> = (0..4).map(|number| number.to_string()).collect();
        let many = Tally { failed: 4, failed_tests: names, ..Tally::default() };
        assert!(many.worth_a_second_run().is_empty());
    }

    #[test]
    fn a_test_that_skips_twice_is_one_skip_and_is_not_passed() {
        let mut tally = Tally { passed: 5, ..Tally::default() };
        tally.take_skips("SKIP a::b: no cgroup\nSKIP a::b: no idmap\nSKIP c: no node\n", "user");
        assert_eq!(tally.to_string(), "3 passed, 0 failed, 2 skipped");
        assert_eq!(tally.notes.len(), 3, "each missing capability is listed");
    }
}
