//! One process inside a sandbox, as its supervisor sees it.

use std::ffi::CString;
use std::os::fd::{BorrowedFd, OwnedFd};

use isobar_policy::{Diagnostic, Evidence};

/// What to execute. The values of `env` may be secret: this type is never serialised, and its
/// `Debug` form shows only their number.
#[derive(Clone)]
pub struct ProcessSpec {
    /// The path inside the sandbox.
    pub program: CString,
    /// Arguments, the program's own name first.
    pub argv: Vec<CString>,
    /// `NAME=value` each.
    pub env: Vec<CString>,
    /// Working directory inside the sandbox.
    pub cwd: CString,
    /// A terminal of the sandbox's own for the three standard streams, of this size at first. Only
    /// where the plan was made for one.
    pub terminal: Option<WindowSize>,
}

/// The size of a terminal in characters (TIOCSWINSZ(2const)); 0 where nobody knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowSize {
    /// Lines.
    pub rows: u16,
    /// Characters a line.
    pub columns: u16,
}

impl std::fmt::Debug for ProcessSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessSpec")
            .field("program", &self.program)
            .field("argv", &self.argv)
            .field("env", &format_args!("{} variables", self.env.len()))
            .field("cwd", &self.cwd)
            .field("terminal", &self.terminal)
            .finish()
    }
}

/// The host ends of a process's standard streams, which the caller pumps: pipes, or the two
/// directions of one terminal, of which there is no `stderr` then.
#[derive(Debug)]
pub struct Streams {
    /// Write end of standard input.
    pub stdin: Option<OwnedFd>,
    /// Read end of standard output.
    pub stdout: Option<OwnedFd>,
    /// Read end of standard error.
    pub stderr: Option<OwnedFd>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessEnd {
    /// By itself.
    Exited(u8),
    /// By a signal.
    Signalled(u8),
    /// It was never executed; the kernel's error number.
    NotExecuted(u16),
    /// The sandbox ended before anybody could say.
    Lost,
}

/// What is known of a process that ended. Apart from `end`, zero where nobody counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitReport {
    /// How.
    pub end: ProcessEnd,
    /// User time, microseconds.
    pub user_micros: u64,
    /// System time, microseconds.
    pub system_micros: u64,
    /// Largest resident set, bytes.
    pub peak_resident_bytes: u64,
    /// The guest was seen at its process limit with so many tasks.
    pub pids_reached: Option<u32>,
}

/// Why a process was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// What was observed of the process contradicts the plan. The sandbox is dead.
    #[error("boundary failed: what was observed of the process contradicts the plan")]
    Contradicted(Vec<Evidence>),
    /// The sandbox could not start it.
    #[error("{}", .0.summary)]
    Failed(Diagnostic),
}

/// A process inside a sandbox.
pub trait Process: std::fmt::Debug {
    /// The host ends of its standard streams; the caller may take them once.
    fn streams(&mut self) -> &mut Streams;

    /// Tells the terminal of the process, where it has one, another size. Its foreground gets
    /// SIGWINCH where that changes anything.
    ///
    /// # Errors
    /// [`Diagnostic`] where the terminal takes no size.
    fn resize(&mut self, size: WindowSize) -> Result<(), Diagnostic>;

    /// A descriptor that becomes readable when [`Process::try_wait`] has something new.
    fn pollable(&self) -> BorrowedFd<'_>;

    /// Whether it ended. Never blocks; may be called again after the end.
    fn try_wait(&mut self) -> Option<ExitReport>;

    /// Sends a signal to the process, or with `group` to its whole process group. A process that
    /// has ended is no error.
    ///
    /// # Errors
    /// [`Diagnostic`] where the sandbox cannot be reached.
    fn signal(&mut self, signal: u8, group: bool) -> Result<(), Diagnostic>;

    /// What was observed of this process before it ran the program.
    fn evidence(&self) -> &[Evidence];
}
