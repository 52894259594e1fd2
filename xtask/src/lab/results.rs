//! What comes out of a machine: an archive on the results disk, judged scenario by scenario.
//!
//! What a scenario printed is shown escaped and bounded; what it did not live to say is a failure.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::apt::absent;
use super::scenario::{Scenario, What};
use crate::process;
use crate::test::Tally;

/// The results disk, sparse on this side.
pub(crate) const DISK_BYTES: u64 = 64 << 20;
/// Lines of a failed scenario's output that are shown, from its end.
const LINES: usize = 120;
/// Characters of one line that are shown.
const COLUMNS: usize = 400;
/// No file of the results is larger: the guest cuts them at a quarter of this.
const MOST: u64 = 1 << 20;

/// Makes an empty results disk.
pub(crate) fn disk(file: &Path) -> Result<()> {
    let disk = fs::File::create(file).with_context(|| format!("cannot make {}", file.display()))?;
    Ok(disk.set_len(DISK_BYTES)?)
}

/// Unpacks the disk into `place`; says whether the guest came to its end.
pub(crate) fn unpack(disk: &Path, place: &Path) -> Result<bool> {
    fs::remove_dir_all(place).or_else(absent)?;
    fs::create_dir_all(place)?;
    let mut first = [0; 512];
    std::io::Read::read_exact(&mut fs::File::open(disk)?, &mut first)?;
    if first.iter().all(|byte| *byte == 0) {
        return Ok(false);
    }
    let words = ["--extract", "--no-same-owner", "--no-same-permissions"];
    process::capture(
        process::command("tar").args(words).arg("--file").arg(disk).arg("-C").arg(place),
    )?;
    Ok(place.join("results/complete").is_file())
}

/// Judges one scenario by what is in `place`, and prints a line on it.
pub(crate) fn judge(one: &Scenario, place: &Path, machine: &str) -> Tally {
    let place = place.join("results").join(one.name);
    let read = |name: &str| -> Option<String> {
        let file = place.join(name);
        let data = fs::symlink_metadata(&file).ok()?;
        if !data.is_file() || data.len() > MOST {
            return None;
        }
        Some(String::from_utf8_lossy(&fs::read(file).ok()?).into_owned())
    };
    let who = format!("{machine}, {}", one.who.name());
    let name = one.name;
    let mut tally = Tally::default();
    let status = read("status").and_then(|text| text.trim().parse::<i32>().ok());
    let output = read("log").unwrap_or_default();
    match status {
        None => tally.fail(format!("{who}: {name} did not end")),
        Some(137) if read("left").is_some() && Tally::of_output(&output).is_none() => {
            tally.fail(format!("{who}: {name} was killed, perhaps after {} s", one.seconds));
        }
        Some(status) => tally += outcome(&one.what, status, &output, &who, name),
    }
    tally.take_skips(&read("skips").unwrap_or_default(), &who);
    for left in read("left").unwrap_or_default().lines() {
        tally.fail(format!("{who}: {name} left {}", escaped(left)));
    }
    println!("{:<8} {name:<34} {tally}", one.who.name());
    if tally.failed > 0 {
        show(&output);
    }
    tally
}

fn outcome(what: &What, status: i32, output: &str, who: &str, name: &str) -> Tally {
    match what {
        What::Tests { names, .. } => {
            let mut tally = Tally::of_output(output).unwrap_or_default();
            let ran = tally.passed + tally.failed + tally.skipped;
            if ran != names.len() {
                tally.fail(format!("{who}: {name} ran {ran} of {} tests", names.len()));
            }
            if status != 0 && tally.failed == 0 {
                tally.fail(format!("{who}: {name} ended with {status} though no test failed"));
            }
            tally
        }
        What::Isobar { exit, says, .. } => {
            let mut tally = Tally::default();
            if status != *exit {
                tally.fail(format!("{who}: {name} ended with {status}, not {exit}"));
            }
            for words in says.iter().filter(|words| !output.contains(**words)) {
                tally.fail(format!("{who}: {name} does not say {words:?}"));
            }
            if tally.failed == 0 {
                tally.passed = 1;
            }
            tally
        }
    }
}

fn show(output: &str) {
    let lines: Vec<&str> = output.lines().collect();
    for line in lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default() {
        println!("  | {}", escaped(line));
    }
}

/// One line of a guest's, without anything that acts on a terminal.
pub(crate) fn escaped(line: &str) -> String {
    let plain = |c: char| !c.is_control() || c == '\t';
    let shown = line.chars().take(COLUMNS);
    shown.flat_map(|c| if plain(c) { vec![c] } else { c.escape_default().collect() }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::profile::UserLand;
    use super::super::scenario::{Place, Who};
    use super::*;

    const TWO: What = What::Tests { package: "p", target: "t", names: &["a", "b"] };
    const SAYS: What = What::Isobar { arguments: &["run"], exit: 7, says: &["word"] };

    fn tally_of(what: What, files: &[(&str, &str)]) -> Tally {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("results/one");
        fs::create_dir_all(&directory).unwrap();
        for (name, content) in files {
            fs::write(directory.join(name), content).unwrap();
        }
        let one = Scenario {
            name: "one",
            on: &[UserLand::Busybox],
            who: Who::Root,
            place: Place::Plain,
            seconds: 1,
            nightly: false,
            what,
        };
        judge(&one, place.path(), "machine")
    }

    const GOOD: &str = "test result: ok. 2 passed; 0 failed; 0 ignored;";

    #[test]
    fn tests_are_counted_as_they_say() {
        let tally = tally_of(TWO, &[("status", "0\n"), ("log", GOOD)]);
        assert_eq!(tally.to_string(), "2 passed, 0 failed, 0 skipped");
    }

    #[test]
    fn a_filter_that_finds_too_few_is_a_failure() {
        let one = "test result: ok. 1 passed; 0 failed; 0 ignored;";
        assert_eq!(tally_of(TWO, &[("status", "0\n"), ("log", one)]).failed, 1);
    }

    #[test]
    fn what_did_not_end_or_left_something_is_a_failure() {
        assert_eq!(tally_of(TWO, &[("log", GOOD)]).failed, 1, "no status");
        assert_eq!(tally_of(TWO, &[("status", "137"), ("left", ""), ("log", "")]).failed, 1);
        let left = [("status", "0"), ("log", GOOD), ("left", "process 7 sleep\n")];
        assert_eq!(tally_of(TWO, &left).failed, 1);
    }

    #[test]
    fn an_exit_status_and_words_are_compared() {
        assert_eq!(tally_of(SAYS, &[("status", "7"), ("log", "a word")]).passed, 1);
        assert_eq!(tally_of(SAYS, &[("status", "0"), ("log", "a word")]).failed, 1);
        assert_eq!(tally_of(SAYS, &[("status", "7"), ("log", "another")]).failed, 1);
    }

    #[test]
    fn nothing_of_a_guest_acts_on_the_terminal() {
        assert_eq!(escaped("a\u{1b}]52;x\u{7}b"), "a\\u{1b}]52;x\\u{7}b");
    }
}
