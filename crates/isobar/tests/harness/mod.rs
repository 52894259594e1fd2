//! Runs the real `isobar` in tests: a scratch directory, bounded time, everything captured, and a
//! check that nothing is left.
//!
//! ```ignore
//! let ended = Isobar::new().args(["run", "--", "true"]).run();
//! assert_eq!(ended.code, Some(0), "{ended}");
//! ```
//!
//! The executables are those of `ISOBAR_BIN_DIR` (xtask sets it), else the one that cargo built
//! beside the test. A run that lasts longer than a minute is killed and fails its test. The
//! environment is fixed, so that the caller's cannot change what is tested.
//!
//! What is left is looked for after each run, by what it is and not by when it appeared, so that
//! tests may run at once (`leaks.rs`).
#![expect(dead_code, reason = "each suite uses a part; `unused` below keeps this true for all")]

mod ended;
mod leaks;
mod pump;
pub(crate) mod scrub;
mod terminal;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

pub(crate) use self::ended::Ended;
use self::terminal::Terminal;

/// How long one run may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the expectation at the top true in a suite that uses everything else.
fn unused() {}

/// The directory of the executables under test.
pub(crate) fn bin_dir() -> PathBuf {
    let beside = || {
        let built = Path::new(env!("CARGO_BIN_EXE_isobar"));
        built.parent().expect("an executable is in a directory").to_owned()
    };
    std::env::var_os("ISOBAR_BIN_DIR").map_or_else(beside, PathBuf::from)
}

/// The directory of the fault build's executables; without them there is no proof, and that is no
/// success.
pub(crate) fn fault_dir() -> PathBuf {
    std::env::var_os("ISOBAR_FAULT_BIN_DIR")
        .map(PathBuf::from)
        .expect("ISOBAR_FAULT_BIN_DIR names the executables of the fault build (cargo xtask test)")
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where isobar keeps locks and cached facts for whoever runs the tests.
pub(crate) fn state_dir() -> PathBuf {
    leaks::state_dir()
}

/// Says that this test cannot run here. The caller returns afterwards; xtask counts these.
pub(crate) fn skip(test: &str, missing: &str) {
    use std::io::Write as _;
    let line = format!("SKIP {test}: {missing}\n");
    match std::env::var_os("ISOBAR_SKIPS") {
        Some(path) => {
            let mut file = fs::File::options().append(true).create(true).open(path).unwrap();
            file.write_all(line.as_bytes()).unwrap();
        }
        None => print!("{line}"),
    }
}

/// Copies a file that is executed later, making directories as needed.
///
/// A child does it. A descriptor of this process that may write would be inherited by whatever
/// another test starts just then, and until that has called execve() itself, nobody can execute
/// the file (`ETXTBSY`, execve(2)).
#[expect(clippy::disallowed_methods, reason = "the writer must be another process")]
pub(crate) fn install(from: &Path, to: &Path, mode: u32) {
    let mut install = Command::new("install");
    install.args(["-D", "-m", &format!("{mode:o}")]).arg(from).arg(to);
    let status = install.status().unwrap_or_else(|error| panic!("cannot run install: {error}"));
    assert!(status.success(), "install of {}: {status}", to.display());
}

/// One `isobar` to be run.
#[derive(Debug)]
pub(crate) struct Isobar {
    prefix: Vec<OsString>,
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    cwd: Option<PathBuf>,
    stdin: Option<Vec<u8>>,
    report: bool,
    status: bool,
    shell: Option<String>,
    scratch: Rc<Scratch>,
}

/// Two directories that vanish with the last holder: one for the test, one for the harness.
#[derive(Debug)]
struct Scratch {
    test: TempDir,
    own: TempDir,
}

impl Isobar {
    /// An `isobar` without arguments, standing in a fresh scratch directory.
    pub(crate) fn new() -> Self {
        Self::from_dir(&bin_dir())
    }

    /// As [`Isobar::new`], with the executables of another directory, such as the fault build.
    pub(crate) fn from_dir(bin: &Path) -> Self {
        let dir = || tempfile::Builder::new().prefix("isobar-test-").tempdir().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        let mut env = vec![("PATH".into(), path), ("LANG".into(), "C.UTF-8".into())];
        for name in ["HOME", "XDG_RUNTIME_DIR"] {
            env.extend(std::env::var_os(name).map(|value| (name.into(), value)));
        }
        Self {
            prefix: Vec::new(),
            program: bin.join("isobar"),
            args: Vec::new(),
            env,
            cwd: None,
            stdin: None,
            report: false,
            status: false,
            shell: None,
            scratch: Rc::new(Scratch { test: dir(), own: dir() }),
        }
    }

    /// `isobar run`, with its report and status lines captured.
    pub(crate) fn run_command() -> Self {
        Self::new().running()
    }

    /// As [`Isobar::run_command`], of an `isobar` that has no arguments yet.
    pub(crate) fn running(self) -> Self {
        let mut isobar = self.args(["run"]);
        isobar.report = true;
        isobar.status = true;
        isobar
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the caller's environment.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.retain(|(key, _)| key != name.as_ref());
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Uses the `isobar` in `dir`.
    pub(crate) fn program_in(mut self, dir: &Path) -> Self {
        self.program = dir.join("isobar");
        self
    }

    /// Lets another program start it, such as `setpriv` with its options.
    pub(crate) fn under<S: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.prefix.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Lets a shell start it, with these words after the command: redirections or a pipe.
    pub(crate) fn through_shell(mut self, words: &str) -> Self {
        self.shell = Some(words.to_owned());
        self
    }

    /// Stands in `dir` instead of the scratch directory.
    pub(crate) fn cwd(mut self, dir: &Path) -> Self {
        self.cwd = Some(dir.to_owned());
        self
    }

    /// Gives `bytes` as standard input; without it, standard input is empty.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The scratch directory of this test.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.test.path()
    }

    /// Writes a file into the scratch directory, making directories as needed.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.scratch().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes a file that is executed later into the scratch directory.
    pub(crate) fn executable(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let draft = self.scratch.own.path().join("draft");
        fs::write(&draft, content).unwrap();
        let path = self.scratch().join(name);
        install(&draft, &path, 0o755);
        path
    }

    /// Runs it to its end and checks that nothing is left.
    pub(crate) fn run(self) -> Ended {
        self.spawn().wait()
    }

    /// Starts it.
    pub(crate) fn spawn(self) -> Running {
        let mut command = self.command();
        let piped = self.stdin.is_some();
        command.stdin(if piped { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let before = leaks::there();
        let child = leaks::spawn(&mut command);
        Running {
            child: Some(child),
            stdin: self.stdin,
            scratch: self.scratch,
            before,
            may_leave: false,
        }
    }

    /// Runs it on a pseudo-terminal, which is its standard input, output and error. What was given
    /// as standard input is typed there.
    pub(crate) fn run_on_terminal(mut self) -> Ended {
        let mut terminal = Terminal::open();
        terminal.type_in(&self.stdin.take().unwrap_or_default());
        let mut command = self.command();
        command.stdin(terminal.far()).stdout(terminal.far()).stderr(terminal.far());
        let before = leaks::there();
        let child = leaks::spawn(&mut command);
        drop(command);
        let mut running = Running {
            child: Some(child),
            stdin: None,
            scratch: self.scratch,
            before,
            may_leave: false,
        };
        let child = running.child.as_mut().expect("it was just started");
        let stdout = terminal.read_to_end(child, PATIENCE);
        running.conclude(stdout, Vec::new())
    }

    /// The command. Descriptor 3 is the status file where status lines were asked for: a shell
    /// opens it and becomes isobar, since only unsafe code could do so between fork and exec.
    #[expect(clippy::disallowed_methods, reason = "a test starts the executable under test")]
    fn command(&self) -> Command {
        let own = self.scratch.own.path();
        let status = if self.status { "3>\"$ISOBAR_TEST_STATUS\"" } else { "" };
        let mut command = match (&self.shell, self.status) {
            (None, false) => {
                let mut words = self.words();
                let mut command = Command::new(words.next().expect("the program at least"));
                command.args(words);
                command
            }
            (None, true) => self.shell_command(&format!("exec \"$0\" \"$@\" {status}")),
            (Some(words), _) => self.shell_command(&format!("\"$0\" \"$@\" {status} {words}")),
        };
        command.env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        command.env("ISOBAR_TEST_STATUS", own.join("status"));
        command.current_dir(self.cwd.as_deref().unwrap_or_else(|| self.scratch()));
        let mut args = self.args.iter();
        command.args(args.by_ref().take(1));
        if self.status {
            command.args(["--status-fd", "3"]);
        }
        if self.report {
            command.arg("--report").arg(own.join("report.json"));
        }
        command.args(args);
        command
    }
}

impl Isobar {
    #[expect(clippy::disallowed_methods, reason = "a test starts the executable under test")]
    fn shell_command(&self, script: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]).args(self.words());
        shell
    }

    /// What starts it, up to its own arguments.
    fn words(&self) -> impl Iterator<Item = &OsStr> {
        self.prefix.iter().map(OsString::as_os_str).chain([self.program.as_os_str()])
    }
}

/// An `isobar` that runs. Killed and awaited when it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Option<Child>,
    stdin: Option<Vec<u8>>,
    scratch: Rc<Scratch>,
    /// What was there before it was started.
    before: BTreeSet<String>,
    /// Whether it may leave what `isobar gc` removes.
    may_leave: bool,
}

impl Running {
    /// The process number of `isobar` itself.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(self.child.as_ref().expect("it is there until it was awaited"))
    }

    /// Sends a signal to `isobar` itself.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it runs until it was awaited");
    }

    /// Gives some more input; only after [`Isobar::stdin`], which keeps it open until the wait.
    pub(crate) fn give(&mut self, bytes: &[u8]) {
        use std::io::Write as _;
        let child = self.child.as_mut().expect("it is there until it was awaited");
        child.stdin.as_mut().expect("standard input is a pipe").write_all(bytes).unwrap();
    }

    /// Reads exactly `length` bytes of standard output.
    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        use std::io::Read as _;
        let child = self.child.as_mut().expect("it is there until it was awaited");
        let stdout = child.stdout.as_mut().expect("standard output is a pipe");
        let mut bytes = vec![0; length];
        for piece in bytes.chunks_mut(65536) {
            let comes = pump::readable(&*stdout, PATIENCE);
            assert!(comes, "the guest was silent for {PATIENCE:?}");
            stdout.read_exact(piece).expect("the guest has written as much");
        }
        bytes
    }

    /// Waits until the guest has made `name` in the scratch directory, which it does to say that
    /// it has come so far.
    pub(crate) fn until_exists(&mut self, name: &str) {
        let path = self.scratch.test.path().join(name);
        let child = self.child.as_mut().expect("it is there until it was awaited");
        let mut over = false;
        leaks::until(PATIENCE, || {
            over = over || child.try_wait().expect("a child can be asked").is_some();
            over || path.exists()
        });
        assert!(path.exists(), "the guest never made {name}");
    }

    /// Waits until isobar reads the named pipe `name` of the scratch directory, and holds it there
    /// until the answer is dropped.
    pub(crate) fn until_reads(&mut self, name: &str) -> OwnedFd {
        let path = self.scratch.test.path().join(name);
        let child = self.child.as_mut().expect("it is there until it was awaited");
        let mut held = None;
        let mut over = false;
        leaks::until(PATIENCE, || {
            over = over || child.try_wait().expect("a child can be asked").is_some();
            held = open(&path, OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty()).ok();
            over || held.is_some()
        });
        held.unwrap_or_else(|| panic!("isobar never came to read {name}"))
    }

    /// Waits for the end and checks that nothing is left.
    pub(crate) fn wait(mut self) -> Ended {
        let child = self.child.as_mut().expect("it is there until it was awaited");
        let (stdout, stderr) = pump::pump(child, self.stdin.take(), PATIENCE);
        self.conclude(stdout, stderr)
    }

    /// As [`Running::wait`], for one that may leave what `isobar gc` removes.
    pub(crate) fn wait_as_if_killed(mut self) -> Ended {
        self.may_leave = true;
        self.wait()
    }

    /// Waits for the end of one that was killed, and looks for nothing: the test does.
    pub(crate) fn leave(mut self) -> Left {
        let mut child = self.child.take().expect("it is there until it was awaited");
        child.wait().expect("a child can be awaited");
        leaks::ended(child.id());
        Left { scratch: Rc::clone(&self.scratch), before: std::mem::take(&mut self.before) }
    }

    fn conclude(mut self, stdout: Vec<u8>, stderr: Vec<u8>) -> Ended {
        let mut child = self.child.take().expect("it is there until it was awaited");
        let pid = child.id();
        let status = child.wait().expect("a child can be awaited");
        leaks::ended(pid);
        let ended = Ended::new(status, stdout, stderr, Rc::clone(&self.scratch));
        if self.may_leave || ended.signal.is_some() {
            // The next start collects what is dead by then; what was still dying, the one after.
            leaks::until(PATIENCE, || {
                let left = leaks::left_now(self.scratch.test.path(), &self.before);
                if !left.is_empty() {
                    collect_abandoned();
                }
                left.is_empty()
            });
        }
        leaks::assert_nothing_left(self.scratch.test.path(), &self.before, &ended);
        ended
    }
}

/// What a run that was killed has left.
#[derive(Debug)]
pub(crate) struct Left {
    scratch: Rc<Scratch>,
    before: BTreeSet<String>,
}

impl Left {
    /// What is left at this moment; some of it may yet go by itself.
    pub(crate) fn now(&self) -> Vec<String> {
        leaks::left_now(self.scratch.test.path(), &self.before)
    }
}

/// A supervisor that was killed leaves an unlocked slot and empty control groups, for whoever comes
/// next to remove.
fn collect_abandoned() {
    let running = Isobar::new().arg("gc").spawn();
    running.leave();
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only for one that has ended, which is what is wanted.
            child.kill().ok();
            child.wait().ok();
            leaks::ended(child.id());
        }
    }
}
