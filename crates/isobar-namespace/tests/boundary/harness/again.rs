//! This test executable, run again for one test in another role: as a supervisor that is to be
//! killed, or on a host that can do less.
//!
//! A test that is run again finds its role in the environment and says what it has to say in lines
//! that begin with [`MARK`], since libtest prints around them.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Command};

const ROLE: &str = "ISOBAR_TEST_ROLE";
const MARK: &str = "@ ";

/// The role of this process, if it has one.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// The words that run `test` again, put behind `prefix`.
#[expect(clippy::disallowed_methods, reason = "a test runs itself again")]
pub(crate) fn again(prefix: &[&str], test: &str, role: &str) -> Command {
    let executable = std::env::current_exe().unwrap();
    let mut words = prefix.iter().map(std::ffi::OsString::from).collect::<Vec<_>>();
    words.push(executable.into_os_string());
    words.extend([test, "--exact", "--nocapture", "--test-threads=1"].map(Into::into));
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env(ROLE, role).env("ISOBAR_BIN_DIR", super::libexec());
    command
}

/// Says something to whoever runs this process again.
pub(crate) fn marked(text: &str) {
    // libtest may stand in the middle of a line.
    println!("\n{MARK}{text}");
}

/// What a process that was run again says.
pub(crate) fn lines_of(stdout: ChildStdout) -> impl Iterator<Item = String> {
    let lines = BufReader::new(stdout).lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix(MARK).map(str::to_owned))
}
