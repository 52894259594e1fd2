//! What came of an attempt.
//!
//! An attempt has several ways. It succeeds with the first that works; it is refused when all were
//! tried, and then the detail says what answered each of them.

use rustix::io::Errno;

use crate::names;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// One way worked: which, or the secret that it brought.
    Succeeded(String),
    /// No way worked: what answered.
    Refused(String),
}

/// The attempt could not be tried, and says nothing about the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unable(pub(crate) String);

/// The argument at `index`, which the attempt needs.
pub(crate) fn argument<'a>(
    arguments: &'a [String],
    index: usize,
    what: &str,
) -> Result<&'a str, Unable> {
    arguments.get(index).map(String::as_str).ok_or_else(|| Unable(format!("needs {what}")))
}

/// The ways that were refused.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    answers: Vec<String>,
}

impl Refusals {
    /// The kernel's answer to a way.
    pub(crate) fn errno(&mut self, way: &str, errno: Errno) {
        self.other(way, &names::of(errno));
    }

    /// The answer to a way, from the standard library.
    pub(crate) fn error(&mut self, way: &str, error: &std::io::Error) {
        match error.raw_os_error() {
            Some(number) => self.errno(way, Errno::from_raw_os_error(number)),
            None => self.other(way, &error.kind().to_string()),
        }
    }

    /// An answer that is no error number, such as a signal.
    pub(crate) fn other(&mut self, way: &str, answer: &str) {
        let answer = format!("{way} {answer}");
        if !self.answers.contains(&answer) {
            self.answers.push(answer);
        }
    }

    /// Every way was tried.
    pub(crate) fn verdict(self) -> Verdict {
        Verdict::Refused(self.answers.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_answer_to_the_same_way_is_said_once() {
        let mut refusals = Refusals::default();
        refusals.errno("clone", Errno::PERM);
        refusals.errno("clone", Errno::PERM);
        refusals.errno("clone3", Errno::NOSYS);
        let Verdict::Refused(text) = refusals.verdict() else { panic!("nothing succeeded") };
        assert_eq!(text, "clone EPERM, clone3 ENOSYS", "one answer for each way");
    }
}
