//! A finished filter, and the answer by which its presence is proven.
//!
//! The kernel tells how many filters a process has, not which. So each filter answers one reserved
//! call with an errno derived from the digest of its own instructions: whoever gets that errno back
//! has this filter above it. Two filters give the same errno with a chance of about 1 in 3,100.
//! Invariant: the instructions pass `check`, and the reserved call's answer matches the digest.

use linux_raw_sys::ptrace::SECCOMP_RET_ERRNO;
use serde::{Deserialize, Serialize};

use super::instruction::{Flaw, Instruction, check};
use super::simulate::{SeccompData, execute};

/// The reserved call: a number that no Linux implements (the table of 6.18 ends at 469), and that
/// has no x32 bit.
pub const PROBE_CALL: u32 = 1000;

/// What the reserved call returns before the digest is known. No rule answers errno 0.
pub(super) const PROBE_BLANK: u32 = SECCOMP_RET_ERRNO;

/// Lowest probe errno. Real ones end at 133 (asm-generic/errno.h); 512 to 531 are the kernel's own
/// (linux/errno.h), and some of those make it restart the call when a signal is pending.
const PROBE_LOWEST: u16 = 600;
/// Highest probe errno, under `MAX_ERRNO` (4095, linux/err.h).
const PROBE_HIGHEST: u16 = 3700;

/// A classic BPF program that the kernel accepts as a seccomp filter.
///
/// It is serialised as its instructions; reading it back checks them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Instruction>", into = "Vec<Instruction>")]
pub struct Filter {
    instructions: Vec<Instruction>,
    digest: u64,
}

/// Why instructions are no [`Filter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// The kernel, or our stricter check, refuses the program.
    #[error("the instructions are no seccomp filter")]
    Flawed(#[source] Flaw),
    /// The answer to the reserved call is not the one that the instructions' digest gives.
    #[error("call {PROBE_CALL} is answered with {found:#x} and not with errno {expected}")]
    Digest {
        /// The errno that belongs to these instructions.
        expected: u16,
        /// The return value found.
        found: u32,
    },
}

impl Filter {
    /// Fills the blank answer of the reserved call with the errno of the digest.
    pub(super) fn seal(mut instructions: Vec<Instruction>) -> Result<Self, FilterError> {
        let found = probe(&instructions).map_err(FilterError::Flawed)?;
        let digest = digest(&instructions, found.at);
        if let Some(leaf) = instructions.get_mut(found.at)
            && leaf.k == PROBE_BLANK
        {
            leaf.k |= u32::from(probe_errno(digest));
        }
        Self::try_from(instructions)
    }

    /// The program, ready for the kernel.
    #[must_use]
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Digest (64-bit FNV-1a) of the instructions, with a blank answer to the reserved call.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The reserved call: always [`PROBE_CALL`].
    #[must_use]
    pub fn probe_call(&self) -> u32 {
        PROBE_CALL
    }

    /// The errno with which this filter, and hardly another, answers the reserved call: 600 to
    /// 3700.
    #[must_use]
    pub fn probe_errno(&self) -> u16 {
        probe_errno(self.digest)
    }
}

impl TryFrom<Vec<Instruction>> for Filter {
    type Error = FilterError;

    fn try_from(instructions: Vec<Instruction>) -> Result<Self, FilterError> {
        let found = probe(&instructions).map_err(FilterError::Flawed)?;
        let digest = digest(&instructions, found.at);
        let expected = probe_errno(digest);
        if found.value != PROBE_BLANK | u32::from(expected) {
            return Err(FilterError::Digest { expected, found: found.value });
        }
        Ok(Self { instructions, digest })
    }
}

impl From<Filter> for Vec<Instruction> {
    fn from(filter: Filter) -> Self {
        filter.instructions
    }
}

/// Checks the program, then asks it the reserved call.
fn probe(instructions: &[Instruction]) -> Result<super::simulate::Passage, Flaw> {
    check(instructions)?;
    // A checked program ends in a return on every path.
    execute(instructions, &SeccompData::native(PROBE_CALL, [0; 6])).ok_or(Flaw::End)
}

/// Digest over all instructions, the one at `leaf` with a blank answer.
fn digest(instructions: &[Instruction], leaf: usize) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for (at, instruction) in instructions.iter().enumerate() {
        let k = if at == leaf { PROBE_BLANK } else { instruction.k };
        instruction.code.to_le_bytes().into_iter().for_each(&mut add);
        add(instruction.jt);
        add(instruction.jf);
        k.to_le_bytes().into_iter().for_each(&mut add);
    }
    hash
}

fn probe_errno(digest: u64) -> u16 {
    let count = u64::from(PROBE_HIGHEST - PROBE_LOWEST) + 1;
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below 3101")]
    let step = (digest % count) as u16;
    PROBE_LOWEST + step
}
