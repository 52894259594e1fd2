//! An interpreter for filters, so that what a filter does can be known without a kernel.
//!
//! Tests compare it with the table for every call; `isobar explain` answers questions with it.
//! Invariant: it only runs checked programs, in which every path ends in a return.

use super::filter::Filter;
use super::instruction::{ANY_BIT, AT_LEAST, EQUAL, Instruction, JUMP, LOAD, MASK, RETURN};

/// The `AUDIT_ARCH_*` number of the architecture that isobar is built for (linux/audit.h).
#[cfg(target_arch = "x86_64")]
pub const NATIVE_ARCH: u32 = linux_raw_sys::ptrace::AUDIT_ARCH_X86_64;
/// The `AUDIT_ARCH_*` number of the architecture that isobar is built for (linux/audit.h).
#[cfg(target_arch = "aarch64")]
pub const NATIVE_ARCH: u32 = linux_raw_sys::ptrace::AUDIT_ARCH_AARCH64;

/// What a filter sees of a call: `struct seccomp_data` of linux/seccomp.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeccompData {
    /// The call's number.
    pub number: u32,
    /// The `AUDIT_ARCH_*` value of the calling convention.
    pub arch: u32,
    /// Address of the instruction that made the call.
    pub instruction_pointer: u64,
    /// The six argument registers, whole.
    pub args: [u64; 6],
}

impl SeccompData {
    /// A call in the native calling convention.
    #[must_use]
    pub fn native(number: u32, args: [u64; 6]) -> Self {
        Self { number, arch: NATIVE_ARCH, instruction_pointer: 0, args }
    }

    /// The word at `offset` bytes, as a little-endian kernel lays it out.
    fn word(&self, offset: u32) -> Option<u32> {
        let half = |value: u64, upper: bool| {
            #[expect(clippy::cast_possible_truncation, reason = "half of the value is wanted")]
            let word = if upper { value >> 32 } else { value } as u32;
            word
        };
        let upper = offset % 8 == 4;
        match offset {
            0 => Some(self.number),
            4 => Some(self.arch),
            8 | 12 => Some(half(self.instruction_pointer, upper)),
            _ => {
                let argument = usize::try_from(offset.checked_sub(16)? / 8).ok()?;
                self.args.get(argument).map(|value| half(*value, upper))
            }
        }
    }
}

/// What the kernel does with a call: the filter's return value, decoded (linux/seccomp.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The call is served.
    Allow,
    /// The call is not served and returns this errno.
    Errno(u16),
    /// The process is killed.
    KillProcess,
    /// A return value that the assembler never emits.
    Other(u32),
}

impl Action {
    /// Decodes a filter's return value.
    #[must_use]
    pub fn from_return(value: u32) -> Self {
        use linux_raw_sys::ptrace::{
            SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ALLOW, SECCOMP_RET_DATA, SECCOMP_RET_ERRNO,
            SECCOMP_RET_KILL_PROCESS,
        };
        match value & SECCOMP_RET_ACTION_FULL {
            SECCOMP_RET_ALLOW => Self::Allow,
            SECCOMP_RET_KILL_PROCESS => Self::KillProcess,
            SECCOMP_RET_ERRNO => {
                let errno = (value & SECCOMP_RET_DATA) as u16;
                Self::Errno(errno)
            }
            _ => Self::Other(value),
        }
    }
}

/// One passage through a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    /// The return value.
    pub(super) value: u32,
    /// Position of the return.
    pub(super) at: usize,
    /// Instructions executed, the return included.
    pub(super) executed: usize,
}

/// What `filter` does with `call`.
#[must_use]
pub fn simulate(filter: &Filter, call: &SeccompData) -> Action {
    // A filter is checked when it is made, so there always is a passage; were there none, the
    // kernel would not have taken the filter either.
    execute(filter.instructions(), call)
        .map_or(Action::KillProcess, |passage| Action::from_return(passage.value))
}

/// Runs `program`; nothing when it leaves its instructions or meets one that `check` refuses.
pub(super) fn execute(program: &[Instruction], call: &SeccompData) -> Option<Passage> {
    let mut accumulator = 0;
    let mut at = 0_usize;
    let mut executed = 0;
    loop {
        let Instruction { code, jt, jf, k } = *program.get(at)?;
        executed += 1;
        let branch = |holds: bool| usize::from(if holds { jt } else { jf });
        let skip = match code {
            LOAD => {
                accumulator = call.word(k)?;
                0
            }
            MASK => {
                accumulator &= k;
                0
            }
            JUMP => usize::try_from(k).ok()?,
            EQUAL => branch(accumulator == k),
            AT_LEAST => branch(accumulator >= k),
            ANY_BIT => branch(accumulator & k != 0),
            RETURN => return Some(Passage { value: k, at, executed }),
            _ => return None,
        };
        at = at.checked_add(skip)?.checked_add(1)?;
    }
}
