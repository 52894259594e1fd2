//! A shared memory segment on the host, held by a process of its own: the payload, outside of any
//! sandbox. It is marked for removal from the beginning, so it goes with its keeper, whatever
//! happens to this process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::{CanaryError, make};
use crate::{Payload, Token};

/// The process that holds the segment.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
    /// Its end tells the keeper to end.
    stdin: Option<ChildStdin>,
    segment: String,
}

impl Keeper {
    #[expect(
        clippy::disallowed_methods,
        reason = "a program of ours, on the host, that makes what a sandbox must not reach"
    )]
    pub(super) fn start(payload: &Payload, secret: &Token) -> Result<Self, CanaryError> {
        let mut child = Command::new(payload.path())
            .args(["hold-segment", secret.as_str()])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(make("a shared memory segment"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let mut keeper = Self { child, stdin, segment: String::new() };
        if let Some(stdout) = stdout {
            BufReader::new(stdout)
                .read_line(&mut keeper.segment)
                .map_err(make("a shared memory segment"))?;
        }
        keeper.segment = keeper.segment.trim_end().to_owned();
        if keeper.segment.is_empty() {
            return Err(make("a shared memory segment")(std::io::ErrorKind::Unsupported.into()));
        }
        Ok(keeper)
    }

    /// The segment's number.
    pub(super) fn segment(&self) -> &str {
        &self.segment
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It ends with its standard input; where it is gone already there is nothing to wait for.
        self.child.wait().ok();
    }
}
