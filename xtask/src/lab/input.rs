//! What goes into a machine: the scripts, the test executables and our own executables, as one archive on a
//! disk of its own. Nothing of it is part of an image.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::scenario::{Scenario, What, Who};
use crate::process;
use crate::test::Suite;

const RUN: &str = include_str!("guest/run.sh");
const FINISH: &str = include_str!("guest/finish.sh");

/// The stages of a boot, each a list of scenarios that its own caller runs.
const STAGES: [&str; 2] = ["root", "session"];

/// What the scenarios of a boot need from this machine.
pub(crate) struct Payload<'a> {
    suites: &'a [Suite],
    /// Our executables, and those of the fault build.
    bin: &'a Path,
    fault_bin: Option<&'a Path>,
}

impl<'a> Payload<'a> {
    /// See the fields.
    pub(crate) const fn new(
        suites: &'a [Suite],
        bin: &'a Path,
        fault_bin: Option<&'a Path>,
    ) -> Self {
        Self { suites, bin, fault_bin }
    }
}

/// Writes the disk for `scenarios` below `place`; returns its file.
pub(crate) fn write(
    payload: &Payload<'_>,
    scenarios: &[Scenario],
    place: &Path,
) -> Result<PathBuf> {
    let tree = place.join("in");
    for directory in ["scenarios", "suites"] {
        fs::create_dir_all(tree.join(directory))?;
    }
    fs::write(tree.join("run.sh"), RUN)?;
    fs::write(tree.join("finish.sh"), FINISH)?;
    executables(payload.bin, &tree.join("bin"))?;
    if let Some(fault_bin) = payload.fault_bin {
        executables(fault_bin, &tree.join("fault"))?;
    }
    for stage in STAGES {
        fs::write(tree.join(format!("stage-{stage}")), stage_script(stage, scenarios))?;
    }
    let mut copied = BTreeSet::new();
    for one in scenarios {
        let script = match one.what {
            What::Tests { package, target, names } => {
                let suite = suite(payload.suites, package, target)?;
                if copied.insert(suite.name()) {
                    stripped(&suite.executable, &tree.join("suites").join(suite.name()))?;
                    fs::create_dir_all(tree.join("tree").join(&suite.package_dir))?;
                }
                let words = ["--exact", "--test-threads=1"].iter().chain(names).copied();
                let program = format!("/lab/suites/{}", suite.name());
                script(one, &format!("/lab/tree/{}", suite.package_dir.display()), &program, words)
            }
            What::Isobar { arguments, .. } => {
                script(one, "/", "/lab/bin/isobar", arguments.iter().copied())
            }
        };
        fs::write(tree.join("scenarios").join(one.name), script)?;
    }
    let disk = place.join("in.tar");
    // A disk has whole sectors, and an archive may end in more zeros than it needs.
    let words = ["--create", "--blocking-factor=2048", "--owner=0", "--group=0", "--mode=a+rX"];
    process::capture(
        process::command("tar").args(words).arg("--file").arg(&disk).arg("-C").arg(&tree).arg("."),
    )?;
    fs::remove_dir_all(&tree)?;
    Ok(disk)
}

fn suite<'a>(suites: &'a [Suite], package: &str, target: &str) -> Result<&'a Suite> {
    let mut found = suites.iter().filter(|one| one.package == package && one.target == target);
    found.next().with_context(|| format!("{package} has no test executable {target}"))
}

/// Copies every file of a directory, without what debuggers need: disks of the lab are slow.
fn executables(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        stripped(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn stripped(from: &Path, to: &Path) -> Result<()> {
    let mut strip = process::command("strip");
    process::capture(strip.arg("--strip-debug").arg("-o").arg(to).arg(from)).map(drop)
}

fn stage_script(stage: &str, scenarios: &[Scenario]) -> String {
    let mut script = String::new();
    for one in scenarios {
        let in_session = one.who == Who::Session;
        if in_session == (stage == "session") {
            let (who, place) = (one.who.name(), one.place.name());
            // Into a string this cannot fail.
            writeln!(script, "scenario {} {who} {place} {}", one.name, one.seconds).ok();
        }
    }
    script
}

/// The script of one scenario: the environment that tests find, then the program.
fn script<'a>(
    one: &Scenario,
    directory: &str,
    program: &str,
    words: impl Iterator<Item = &'a str>,
) -> String {
    let name = one.name;
    let words: String = words.map(|word| format!(" {}", quoted(word))).collect();
    format!(
        "export TMPDIR=/tmp/lab-{name} ISOBAR_SKIPS=/lab/results/{name}/skips \\\n\
         \tISOBAR_BIN_DIR=/lab/bin ISOBAR_FAULT_BIN_DIR=/lab/fault \\\n\
         \tCARGO_MANIFEST_DIR={directory} INSTA_WORKSPACE_ROOT=/lab/tree INSTA_UPDATE=no \\\n\
         \tRUST_BACKTRACE=1 LANG=C.UTF-8\n\
         cd {directory} && exec {program}{words}\n"
    )
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_every_word_back() {
        for word in ["plain", "two words", "it's", "$HOME `x` \"y\""] {
            let mut echo = process::command("/bin/sh");
            let script = format!("printf %s {}", quoted(word));
            assert_eq!(process::capture(echo.args(["-c", &script])).unwrap(), word);
        }
    }
}
