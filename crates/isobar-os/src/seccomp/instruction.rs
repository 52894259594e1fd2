//! One classic BPF instruction, and the rules that a program of them must obey.
//!
//! The assembler emits five kinds: load a word of the call's data, mask it, jump, branch, return.
//! [`check`] accepts these and no other, so it is stricter than the kernel's own checker
//! (`bpf_check_classic` in net/core/filter.c and `seccomp_check_filter` in kernel/seccomp.c).
//! Invariant: whatever passes `check` ends in a return on every path; jumps only go forward.

use serde::{Deserialize, Serialize};

/// Longest program the kernel takes (`BPF_MAXINSNS`, linux/bpf_common.h).
pub const MAX_INSTRUCTIONS: usize = 4096;

/// Size of `struct seccomp_data` in bytes (linux/seccomp.h).
pub(super) const DATA_SIZE: u32 = 64;

/// `BPF_LD | BPF_W | BPF_ABS`: load the word at offset `k` of the call's data.
pub(super) const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`.
pub(super) const MASK: u16 = 0x54;
/// `BPF_JMP | BPF_JA`: skip `k` instructions.
pub(super) const JUMP: u16 = 0x05;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
pub(super) const EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JGE | BPF_K`, unsigned.
pub(super) const AT_LEAST: u16 = 0x35;
/// `BPF_JMP | BPF_JSET | BPF_K`.
pub(super) const ANY_BIT: u16 = 0x45;
/// `BPF_RET | BPF_K`.
pub(super) const RETURN: u16 = 0x06;

/// `struct sock_filter` of linux/filter.h; a slice of these can be handed to the kernel as it is.
///
/// It is serialised as the array `[code, jt, jf, k]`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "(u16, u8, u8, u32)", into = "(u16, u8, u8, u32)")]
pub struct Instruction {
    /// The operation.
    pub code: u16,
    /// How many instructions a branch skips when its test holds.
    pub jt: u8,
    /// How many instructions a branch skips when its test does not hold.
    pub jf: u8,
    /// The operand: offset, mask, comparison value, distance or return value.
    pub k: u32,
}

// The layout of struct sock_filter (linux/filter.h): u16, u8, u8, u32 without padding.
const _: () = assert!(size_of::<Instruction>() == 8 && align_of::<Instruction>() == 4);
const _: () = assert!(std::mem::offset_of!(Instruction, k) == 4);

impl From<(u16, u8, u8, u32)> for Instruction {
    fn from((code, jt, jf, k): (u16, u8, u8, u32)) -> Self {
        Self { code, jt, jf, k }
    }
}

impl From<Instruction> for (u16, u8, u8, u32) {
    fn from(instruction: Instruction) -> Self {
        (instruction.code, instruction.jt, instruction.jf, instruction.k)
    }
}

/// Why a program is no filter of ours. Positions count instructions from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// Empty, or longer than [`MAX_INSTRUCTIONS`].
    #[error("a program of {length} instructions, not of 1 to {MAX_INSTRUCTIONS}")]
    Length {
        /// The number of instructions.
        length: usize,
    },
    /// An operation that the assembler never emits.
    #[error("operation {code:#06x} at {at} is not one of the assembler's")]
    Operation {
        /// Position of the instruction.
        at: usize,
        /// Its operation.
        code: u16,
    },
    /// A load outside the call's data, or not at a multiple of four bytes.
    #[error("load at {at} from offset {offset}, which is unaligned or outside the call's data")]
    Load {
        /// Position of the instruction.
        at: usize,
        /// The offset in bytes.
        offset: u32,
    },
    /// A jump or branch past the last instruction.
    #[error("jump at {at} leaves the program")]
    Jump {
        /// Position of the instruction.
        at: usize,
    },
    /// The last instruction is no return.
    #[error("the program falls off its end")]
    End,
}

/// Checks a program as the kernel does before it accepts a filter, and more strictly.
///
/// # Errors
/// The first [`Flaw`], by position.
pub fn check(program: &[Instruction]) -> Result<(), Flaw> {
    let length = program.len();
    if length == 0 || length > MAX_INSTRUCTIONS {
        return Err(Flaw::Length { length });
    }
    for (at, instruction) in program.iter().enumerate() {
        // Instructions behind this one: a jump may skip fewer than that.
        let behind = length - at - 1;
        let stays = |skip: u32| usize::try_from(skip).is_ok_and(|skip| skip < behind);
        match instruction.code {
            LOAD if !instruction.k.is_multiple_of(4) || instruction.k >= DATA_SIZE => {
                return Err(Flaw::Load { at, offset: instruction.k });
            }
            JUMP if !stays(instruction.k) => return Err(Flaw::Jump { at }),
            EQUAL | AT_LEAST | ANY_BIT
                if !stays(instruction.jt.into()) || !stays(instruction.jf.into()) =>
            {
                return Err(Flaw::Jump { at });
            }
            LOAD | MASK | JUMP | EQUAL | AT_LEAST | ANY_BIT | RETURN => {}
            code => return Err(Flaw::Operation { at, code }),
        }
    }
    match program.last() {
        Some(Instruction { code: RETURN, .. }) => Ok(()),
        _ => Err(Flaw::End),
    }
}
