//! The exit code of `isobar run`, as container tools use the numbers.
//!
//! A guest can return any of them, so the code alone proves nothing: the report and the status
//! descriptor say who chose it. The table is the documents' own (docs/exit-codes.md).

use crate::{End, KilledBy, Outcome};

/// A deadline passed, of wall or of processor time; as `timeout(1)` has it.
pub const EXIT_DEADLINE: u8 = 124;
/// Nothing ran, or isobar failed.
pub const EXIT_REFUSED: u8 = 125;
/// The program may not be executed.
pub const EXIT_NOT_EXECUTABLE: u8 = 126;
/// The program was not found.
pub const EXIT_NOT_FOUND: u8 = 127;
/// Added to the number of a signal that ended the program.
pub const EXIT_SIGNAL_BASE: u8 = 128;
/// The sandbox was killed (128 + SIGKILL): out of memory, or because the caller asked.
pub const EXIT_KILLED: u8 = 137;

/// The table for the documents: code and meaning.
pub const EXIT_CODES: &[(&str, &str)] = &[
    ("0 to 255", "The program's own exit code, when it ended by itself."),
    ("124", "A deadline passed: `limits.wall-time` or `limits.cpu-time`."),
    ("125", "Refused, or failed by isobar: the program was not run, or not to its end."),
    ("126", "The program was found and could not be executed."),
    ("127", "The program, or the interpreter that its first line names, was not found."),
    ("128 + N", "The signal N ended the program."),
    ("137", "The sandbox was killed: `limits.memory` was reached, or the caller asked."),
];

/// The exit code of `isobar` for `outcome`.
#[must_use]
pub fn exit_code(outcome: &Outcome) -> u8 {
    const ENOENT: u16 = 2;
    const ENOTDIR: u16 = 20;
    match &outcome.end {
        End::Exited { code } => *code,
        End::Signalled { signal } => EXIT_SIGNAL_BASE.saturating_add(*signal),
        End::Killed { by: KilledBy::WallTime | KilledBy::CpuTime } => EXIT_DEADLINE,
        End::Killed { by: KilledBy::Memory | KilledBy::User } => EXIT_KILLED,
        End::NotExecuted { errno: ENOENT | ENOTDIR, .. } => EXIT_NOT_FOUND,
        End::NotExecuted { .. } => EXIT_NOT_EXECUTABLE,
        End::Refused { refusals } => match refusals.as_slice() {
            // Only a program that is missing and nothing else may look like a shell's 127.
            [only] => only.code.exit_code(),
            _ => EXIT_REFUSED,
        },
        End::Failed { diagnostic } => diagnostic.code.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Diagnostic, Refusal};

    #[track_caller]
    fn check(end: End, code: u8) {
        assert_eq!(exit_code(&Outcome::only(end.clone())), code, "the documented code of {end:?}");
    }

    fn refusal(code: Code) -> Refusal {
        Refusal { code, clause: None, why: String::new(), remedy: String::new(), acceptable: None }
    }

    #[test]
    fn every_end_has_its_documented_code() {
        for code in 0..=u8::MAX {
            check(End::Exited { code }, code);
        }
        for signal in 1..=64 {
            check(End::Signalled { signal }, 128 + signal);
        }
        check(End::Signalled { signal: u8::MAX }, 255);
        check(End::Killed { by: KilledBy::WallTime }, 124);
        check(End::Killed { by: KilledBy::CpuTime }, 124);
        check(End::Killed { by: KilledBy::Memory }, 137);
        check(End::Killed { by: KilledBy::User }, 137);
        for (errno, code) in [(2, 127), (20, 127), (13, 126), (8, 126)] {
            check(End::NotExecuted { errno, reason: String::new() }, code);
        }
    }

    #[test]
    fn a_missing_program_alone_looks_as_a_shell_says_it() {
        let missing = || refusal(Code::ResolveProgramMissing);
        let limit = || refusal(Code::PolicyZeroLimit);
        check(End::Refused { refusals: vec![missing()] }, 127);
        check(End::Refused { refusals: vec![refusal(Code::ResolveProgramNotExecutable)] }, 126);
        check(End::Refused { refusals: vec![limit()] }, 125);
        check(End::Refused { refusals: vec![missing(), limit()] }, 125);
        check(End::Refused { refusals: vec![] }, 125);
        let failed = |code| End::Failed {
            diagnostic: Diagnostic {
                code,
                summary: String::new(),
                causes: vec![],
                remedy: String::new(),
            },
        };
        check(failed(Code::BoundaryFailed), 125);
    }
}
