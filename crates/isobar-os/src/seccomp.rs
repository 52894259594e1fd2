//! The seccomp allow-list: reviewed data, and the pure code that makes a filter of it.
//!
//! Flow: [`table()`] lists every call of the running architecture with its verdict and reason.
//! [`assemble`] turns the table and a [`FilterRequest`] into a [`Filter`], a tree-shaped classic
//! BPF program. The filter travels in a plan; the launch installs it; evidence asks the reserved
//! call [`Filter::probe_call`] and compares the answer with [`Filter::probe_errno`].
//! [`simulate`] runs a filter without a kernel, for tests and for `isobar explain`.
//! A helper of ours with its own small list uses [`assemble_from`], of which `assemble` is one use.
//!
//! Invariants: no system call, no I/O and no unsafe here. Default-deny: what the table does not
//! list answers ENOSYS. A [`Filter`] always passes [`check`], also one that was deserialised.
//! Every checked argument is a 32-bit (or 16-bit) integer in the kernel, which drops the upper half
//! of the register; so the filter compares the lower half only.

mod assemble;
mod checks;
mod filter;
mod instruction;
mod program;
mod rule;
mod simulate;
mod table;
#[cfg(test)]
mod tests;

pub use assemble::{
    AssembleError, DeniedAnswer, FilterRequest, ProcessRule, assemble, assemble_from,
};
pub use filter::{Filter, FilterError, PROBE_CALL};
pub use instruction::{Flaw, Instruction, MAX_INSTRUCTIONS, check};
pub use rule::{Answer, Argument, Case, Check, Rule};
pub use simulate::{Action, NATIVE_ARCH, SeccompData, simulate};
pub use table::{Counts, Group, Row, Verdict, counts, row_of, rows, table};
