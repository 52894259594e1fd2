//! What a caller wants to run: the merged policy, a command, and where the caller stands.
//!
//! An [`Ask`] is the only input of [`Engine::prepare`](crate::Engine::prepare). Nothing in it was
//! checked against the world yet.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use isobar_policy::Policy;

use crate::Caller;

/// What a caller wants to run.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The merged policy: profile, then file, then flags.
    pub policy: Policy,
    /// The command: the program, then its arguments. An empty one is refused.
    pub argv: Vec<OsString>,
    /// The source text that `argv` carries, where the caller gave a language and not a program.
    /// `argv` is then what [`InlineCode::argv`] returned.
    pub code: Option<InlineCode>,
    /// The guest's working directory, as the guest sees it: absolute, or relative to the
    /// workspace's target. `None`: see [`Prepared::request`](crate::Prepared::request).
    pub cwd: Option<String>,
    /// The program gets a terminal of the sandbox's own, which the caller's standard input and
    /// output are for the time of the run: see [`Engine::run`](crate::Engine::run).
    pub terminal: bool,
    /// Where the caller stands.
    pub caller: Caller,
}

/// A language whose interpreter isobar knows how to hand a source text to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Language {
    /// `python3 -c CODE`.
    Python,
    /// `bash -c CODE`.
    Bash,
    /// `node -e CODE`.
    Js,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::Python, Self::Bash, Self::Js];

    /// The name as the command line writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Bash => "bash",
            Self::Js => "js",
        }
    }

    /// The interpreter, looked up in the caller's PATH, and the option that takes a source text.
    #[must_use]
    pub const fn interpreter(self) -> (&'static str, &'static str) {
        match self {
            Self::Python => ("python3", "-c"),
            Self::Bash => ("bash", "-c"),
            Self::Js => ("node", "-e"),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Language {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or(())
    }
}

/// A source text and its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineCode {
    /// The language.
    pub language: Language,
    /// The source text.
    pub code: OsString,
}

impl InlineCode {
    /// The command that runs the source text.
    #[must_use]
    pub fn argv(&self) -> Vec<OsString> {
        let (interpreter, option) = self.language.interpreter();
        vec![interpreter.into(), option.into(), self.code.clone()]
    }
}
