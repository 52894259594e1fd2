//! What is known of an `isobar` that has ended.

use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::rc::Rc;

use serde_json::Value;

use super::Scratch;

/// Everything that came out of a run.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code, unless a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// Standard output; on a terminal, everything.
    pub(crate) stdout: Vec<u8>,
    /// Standard error.
    pub(crate) stderr: Vec<u8>,
    /// The report, where one was asked for and written.
    pub(crate) report: Option<Value>,
    /// The status lines.
    pub(crate) status: Vec<Value>,
    scratch: Rc<Scratch>,
}

impl Ended {
    pub(super) fn new(
        status: ExitStatus,
        stdout: Vec<u8>,
        stderr: Vec<u8>,
        scratch: Rc<Scratch>,
    ) -> Self {
        let own = scratch.own.path();
        let text = fs::read_to_string(own.join("status")).unwrap_or_default();
        let status_lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let report = fs::read(own.join("report.json")).ok();
        Self {
            code: status.code(),
            signal: status.signal(),
            stdout,
            stderr,
            report: report.map(|text| serde_json::from_slice(&text).unwrap()),
            status: status_lines,
            scratch,
        }
    }

    /// Standard output as text.
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The content of a file of the scratch directory.
    #[track_caller]
    pub(crate) fn kept(&self, name: &str) -> Vec<u8> {
        let path = self.scratch.test.path().join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{error}: {}: {self}", path.display()))
    }

    /// The scratch directory of its test.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.test.path()
    }

    /// Standard error as text.
    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The value at a JSON pointer of the report, such as `/outcome/end/how`.
    #[track_caller]
    pub(crate) fn reported(&self, pointer: &str) -> &Value {
        let report = self.report.as_ref().unwrap_or_else(|| panic!("no report: {self}"));
        report.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {report:#}"))
    }

    /// How the run ended, by its report: `exited`, `killed`, `refused`, …
    #[track_caller]
    pub(crate) fn how(&self) -> &str {
        self.reported("/outcome/end/how").as_str().expect("an end has a name")
    }

    /// The codes that standard error names, in order.
    pub(crate) fn codes(&self) -> Vec<String> {
        let named = |line: &str| Some(line.strip_prefix("error[")?.split_once("]:")?.0.to_owned());
        self.err().lines().filter_map(named).collect()
    }
}

impl fmt::Display for Ended {
    /// For the messages of assertions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code {:?}, signal {:?}", self.code, self.signal)?;
        writeln!(f, "--- standard output\n{}", self.out())?;
        writeln!(f, "--- standard error\n{}", self.err())?;
        for line in &self.status {
            writeln!(f, "--- status {line}")?;
        }
        Ok(())
    }
}
