//! What came of an attempt.

use serde::Serialize;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The canary is untouched, and it is known what refused the attempt.
    Held {
        /// What: the error of each way, or the outcome of the run.
        by: String,
    },
    /// The attempt succeeded.
    Escaped {
        /// How it is known.
        how: String,
    },
    /// It cannot be tried here.
    NotRun {
        /// What is missing.
        why: String,
    },
    /// Nothing can be said: the run failed, or ended in a way that proves nothing.
    Error {
        /// What went wrong.
        why: String,
    },
}

impl Verdict {
    /// The word for tables.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Escaped { .. } => "ESCAPED",
            Self::NotRun { .. } => "not run",
            Self::Error { .. } => "error",
        }
    }

    /// The detail.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Held { by: text }
            | Self::Escaped { how: text }
            | Self::NotRun { why: text }
            | Self::Error { why: text } => text,
        }
    }
}
