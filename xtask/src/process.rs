//! Starting other programs: the one module of xtask in which a process begins.
//!
//! Every command line is printed before it runs, so that a contributor can repeat it by hand.
//! Whoever starts something here also waits for it; a program that runs past its limit is killed
//! with its whole process group.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::workspace;

/// How often a program with a time limit is asked whether it has ended.
const POLL: Duration = Duration::from_millis(10);

/// A command for `program`, to be completed and then given to one of the functions below.
#[expect(clippy::disallowed_methods, reason = "xtask drives cargo and the system's own tools")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Cargo itself, the same one that started xtask, at the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace::root());
    cargo
}

/// Prints and runs a command; its failure is an error that names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    println!("$ {line}");
    let status = command.status().with_context(|| format!("cannot start: {line}"))?;
    if !status.success() {
        bail!("{status}: {line}");
    }
    Ok(())
}

/// Runs a command and returns its standard output; its standard error goes to the terminal.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let line = line_of(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start: {line}"))?;
    if !output.status.success() {
        bail!("{}: {line}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("output is not UTF-8: {line}"))
}

/// Gives `input` to a command and returns what it makes of it.
pub(crate) fn filter(command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
    let line = line_of(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start: {line}"))?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    })?;
    if !output.status.success() {
        bail!("{}: {line}", output.status);
    }
    Ok(output.stdout)
}

/// Whether the command succeeds; all that it prints is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A program with a time limit that has ended.
pub(crate) struct Finished {
    /// Its process group; what is still in it was left behind.
    pub(crate) group: u32,
    pub(crate) ended: Ended,
}

/// How a program with a time limit ended.
pub(crate) enum Ended {
    /// By itself, in time.
    With(ExitStatus),
    /// It was killed because it ran past its limit.
    Overdue,
}

/// Runs a command in a process group of its own with both output streams in `log`.
///
/// The output goes to a file and not through a pipe, so a grandchild that keeps the stream open
/// cannot keep us waiting.
pub(crate) fn run_within(command: &mut Command, log: &Path, limit: Duration) -> Result<Finished> {
    run_watched(command, log, limit, |_| true)
}

/// As [`run_within`]; `look` is asked again and again, with the time that has passed, whether the
/// command may go on.
pub(crate) fn run_watched(
    command: &mut Command,
    log: &Path,
    limit: Duration,
    mut look: impl FnMut(Duration) -> bool,
) -> Result<Finished> {
    let line = line_of(command);
    let out = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start: {line}"))?;
    let group = child.id();
    let start = Instant::now();
    loop {
        let ended = child.try_wait()?;
        let may_go_on = look(start.elapsed());
        if let Some(status) = ended {
            return Ok(Finished { group, ended: Ended::With(status) });
        }
        if !may_go_on || start.elapsed() >= limit {
            if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
                kill_process_group(group, Signal::KILL).ok();
            }
            child.wait()?;
            return Ok(Finished { group, ended: Ended::Overdue });
        }
        std::thread::sleep(POLL);
    }
}

/// The first executable file of that name on PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// The command as a shell would read it, near enough to be copied. Cargo is known by its name.
pub(crate) fn line_of(command: &Command) -> String {
    let word = |text: &OsStr| {
        let text = text.to_string_lossy();
        if text.contains([' ', '"', '\'', '(', '*', '$']) {
            format!("'{text}'")
        } else {
            text.into()
        }
    };
    let program = Path::new(command.get_program());
    let name = program.file_name().filter(|name| *name == "cargo");
    std::iter::once(name.unwrap_or(command.get_program()))
        .chain(command.get_args())
        .map(word)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_past_its_limit_is_killed_with_its_group() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut sleeper = command("/bin/sh");
        sleeper.args(["-c", "echo begun; sleep 600 & wait"]);
        let finished = run_within(&mut sleeper, &log, Duration::from_millis(300)).unwrap();
        assert!(matches!(finished.ended, Ended::Overdue), "a hanging test must not hang CI");
        assert_eq!(std::fs::read_to_string(log).unwrap(), "begun\n", "its output so far is kept");
    }

    #[test]
    fn the_printed_line_can_be_copied() {
        let mut sample = command("cargo");
        sample.args(["build", "--config", "target.\"cfg(all())\".x=[]"]);
        assert_eq!(line_of(&sample), "cargo build --config 'target.\"cfg(all())\".x=[]'");
    }
}
