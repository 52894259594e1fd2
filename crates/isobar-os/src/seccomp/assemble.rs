//! From rows to a filter.
//!
//! The program first kills foreign calling conventions (32-bit and x32 code), then looks the call's
//! number up by a balanced search over ranges, then decides by arguments where a row has a rule.
//! Installing a linear program costs 4.5 us an instruction, since the kernel runs it for every call
//! number; the tree keeps every path short. Calls that are always allowed cost nothing later: the
//! kernel finds them on installation (Linux 5.11) and skips the filter.
//! Invariant: the reserved call has a leaf of its own, which `Filter::seal` fills.

use std::collections::BTreeMap;

use linux_raw_sys::errno::EPERM;
use linux_raw_sys::ptrace::{SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS};
use serde::{Deserialize, Serialize};

use super::filter::{Filter, FilterError, PROBE_BLANK, PROBE_CALL};
use super::program::{Comparison, Id, Program};
use super::rule::{Answer, Rule, errno_code};
use super::simulate::NATIVE_ARCH;
use super::table::{Row, UNKNOWN, Verdict, rows};

/// Offset of `nr` in `struct seccomp_data`.
const NUMBER_OFFSET: u32 = 0;
/// Offset of `arch` in `struct seccomp_data`.
const ARCH_OFFSET: u32 = 4;
/// The first number that is no native call: x32 calls carry this bit (`__X32_SYSCALL_BIT`,
/// asm/unistd.h) under the arch value of x86-64. Number -1 is above it too.
const FOREIGN_NUMBERS: u32 = 0x4000_0000;

/// The greatest errno that a filter can return (linux/err.h); the kernel clamps to it.
const MAX_ERRNO: u16 = 4095;

/// On whom `prlimit64`, `sched_*`, `setpriority` and `ioprio_set` may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessRule {
    /// On any process that the kernel's own rules give: for a guest under another uid than PID 1.
    Any,
    /// Only on the caller, named by pid 0: for a guest that shares PID 1's uid. A caller that
    /// names itself by its number (`pthread_setaffinity_np` does) is denied too, since a filter
    /// cannot know the caller's number.
    SelfOnly,
}

/// How known-bad calls are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DeniedAnswer {
    /// The call returns EPERM.
    Errno,
}

/// What kind of filter is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRequest {
    /// On whom scheduling and limit calls may work.
    pub processes: ProcessRule,
    /// How known-bad calls are answered.
    pub denied: DeniedAnswer,
}

/// Why rows give no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// Two rows have one number.
    #[error("call {number} is listed twice, the second time as {name}")]
    Twice {
        /// The number.
        number: u32,
        /// Name in the second row.
        name: &'static str,
    },
    /// A row has the number of the reserved call, or one that no native call can have.
    #[error("call number {number} of {name} is reserved or foreign")]
    Number {
        /// The number.
        number: u32,
        /// Name in the row.
        name: &'static str,
    },
    /// The program is no filter; with too many rows it is too long.
    #[error("the assembled program is refused")]
    Program(#[source] FilterError),
}

/// The filter of the reviewed table: the guest's filter.
///
/// ```
/// use isobar_os::seccomp::{
///     Action, DeniedAnswer, FilterRequest, ProcessRule, SeccompData, assemble, simulate,
/// };
///
/// let filter =
///     assemble(&FilterRequest { processes: ProcessRule::Any, denied: DeniedAnswer::Errno });
/// let reserved = SeccompData::native(filter.probe_call(), [0; 6]);
/// assert_eq!(simulate(&filter, &reserved), Action::Errno(filter.probe_errno()));
/// ```
///
/// # Panics
/// Never: the table is constant, and a test assembles it with every request.
#[must_use]
pub fn assemble(request: &FilterRequest) -> Filter {
    #[expect(
        clippy::expect_used,
        reason = "the table is constant and a request has two values; a test assembles both"
    )]
    assemble_from(rows(), UNKNOWN, request).expect("the reviewed table assembles")
}

/// A filter of any rows, with `unknown` for every call that they do not list. Helpers of ours give
/// their own few rows and [`Answer::Kill`].
///
/// # Errors
/// See [`AssembleError`]; rows that assembled once always do.
pub fn assemble_from<'a>(
    rows: impl IntoIterator<Item = &'a Row>,
    unknown: Answer,
    request: &FilterRequest,
) -> Result<Filter, AssembleError> {
    let mut compiler = Compiler { program: Program::default(), denied: request.denied };
    let mut calls = BTreeMap::new();
    for row in rows {
        if row.number == PROBE_CALL || row.number >= FOREIGN_NUMBERS {
            return Err(AssembleError::Number { number: row.number, name: row.name });
        }
        let target = compiler.rule(&row.verdict.rule(request.processes));
        if calls.insert(row.number, target).is_some() {
            return Err(AssembleError::Twice { number: row.number, name: row.name });
        }
    }
    let Compiler { mut program, denied } = compiler;
    calls.insert(PROBE_CALL, program.end(PROBE_BLANK));
    let calls: Vec<(u32, Id)> = calls.into_iter().collect();

    let unknown = program.end(return_value(unknown, denied));
    let kill = program.end(SECCOMP_RET_KILL_PROCESS);
    let listed = program.lookup(&calls, unknown);
    let native = if cfg!(target_arch = "x86_64") {
        program.branch(Comparison::AtLeast, FOREIGN_NUMBERS, kill, listed)
    } else {
        listed
    };
    let number = program.load(NUMBER_OFFSET, native);
    let arch = program.branch(Comparison::Equal, NATIVE_ARCH, number, kill);
    let entry = program.load(ARCH_OFFSET, arch);
    Filter::seal(program.layout(entry)).map_err(AssembleError::Program)
}

/// Turns rules into nodes.
struct Compiler {
    program: Program,
    denied: DeniedAnswer,
}

impl Compiler {
    fn rule(&mut self, rule: &Rule) -> Id {
        match *rule {
            Rule::Answer(answer) => self.program.end(return_value(answer, self.denied)),
            Rule::AnyBit { argument, bits, some, none } => {
                let (yes, no) = (self.rule(some), self.rule(none));
                let branch = self.program.branch(Comparison::AnyBit, bits, yes, no);
                self.program.load(argument.offset(), branch)
            }
            Rule::Switch { argument, mask, cases, otherwise } => {
                let otherwise = self.rule(otherwise);
                let mut points = BTreeMap::new();
                for case in cases {
                    let then = self.rule(&case.then);
                    points.extend(case.values.iter().map(|value| (*value, then)));
                }
                let points: Vec<(u32, Id)> = points.into_iter().collect();
                let lookup = self.program.lookup(&points, otherwise);
                let masked = self.program.mask(mask, lookup);
                self.program.load(argument.offset(), masked)
            }
        }
    }
}

/// The filter's return value for an answer (linux/seccomp.h).
fn return_value(answer: Answer, denied: DeniedAnswer) -> u32 {
    match answer {
        Answer::Allow => SECCOMP_RET_ALLOW,
        Answer::Errno(errno) => SECCOMP_RET_ERRNO | u32::from(errno.clamp(1, MAX_ERRNO)),
        Answer::Kill => SECCOMP_RET_KILL_PROCESS,
        Answer::Deny => match denied {
            DeniedAnswer::Errno => SECCOMP_RET_ERRNO | u32::from(errno_code(EPERM)),
        },
    }
}

impl Verdict {
    /// The rule that this verdict stands for.
    pub(super) fn rule(&self, processes: ProcessRule) -> Rule {
        match *self {
            Self::Allow => Rule::Answer(Answer::Allow),
            Self::Deny => Rule::Answer(Answer::Deny),
            Self::Absent => Rule::Answer(UNKNOWN),
            Self::Check(check) => check.rule,
            Self::Guard(check) => match processes {
                ProcessRule::Any => Rule::Answer(Answer::Allow),
                ProcessRule::SelfOnly => check.rule,
            },
        }
    }
}
