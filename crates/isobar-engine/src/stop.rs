//! Why a run does not start.
//!
//! Both forms become the same kind of [`Report`] as a run that started, so that whoever reads
//! reports meets one form only.

use std::ffi::OsString;

use isobar_policy::{Diagnostic, End, Policy, Refusal, Report};

use crate::report;

/// Why a run does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// What was asked cannot be had: every reason, not only the first.
    Refused(Vec<Refusal>),
    /// isobar itself could not go on.
    Failed(Diagnostic),
}

impl Stop {
    /// How the run ended: [`End::Refused`] or [`End::Failed`].
    #[must_use]
    pub fn into_end(self) -> End {
        match self {
            Self::Refused(refusals) => End::Refused { refusals },
            Self::Failed(diagnostic) => End::Failed { diagnostic },
        }
    }

    /// A report without lines, since nothing was bound. `policy` and `command` are what the
    /// [`Ask`](crate::Ask) held.
    #[must_use]
    pub fn into_report(self, policy: Policy, command: &[OsString]) -> Report {
        report::without_run(policy, report::shown_command(command), self.into_end())
    }
}
