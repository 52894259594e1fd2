//! Loops over bytes, as string instructions.
//!
//! Not in Rust, since LLVM makes of a loop that copies a call of `memcpy`, which would then call
//! itself. The ABI guarantees a clear direction flag. `tests/bytes.rs` compares each with what Rust
//! does.

use core::arch::asm;

/// Copies `count` bytes, lowest address first.
///
/// # Safety
/// As memcpy(3), but that `to` may overlap `from` from below.
pub(crate) unsafe fn copy_forward(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: the caller guarantees that both ranges are valid.
    unsafe {
        asm!(
            "rep movsb",
            inout("rcx") count => _,
            inout("rdi") to => _,
            inout("rsi") from => _,
            options(nostack, preserves_flags),
        );
    }
}

/// Copies `count` bytes, highest address first.
///
/// # Safety
/// As memcpy(3), but that `to` may overlap `from` from above.
pub(crate) unsafe fn copy_backward(to: *mut u8, from: *const u8, count: usize) {
    // SAFETY: the caller guarantees that both ranges are valid; with a count of 0 nothing is read.
    // The direction flag is clear again at the end.
    unsafe {
        asm!(
            "std",
            "rep movsb",
            "cld",
            inout("rcx") count => _,
            inout("rdi") to.wrapping_add(count).wrapping_sub(1) => _,
            inout("rsi") from.wrapping_add(count).wrapping_sub(1) => _,
            options(nostack),
        );
    }
}

/// Fills `count` bytes.
///
/// # Safety
/// As memset(3).
pub(crate) unsafe fn fill(to: *mut u8, byte: u8, count: usize) {
    // SAFETY: the caller guarantees that the range is valid.
    unsafe {
        asm!(
            "rep stosb",
            inout("rcx") count => _,
            inout("rdi") to => _,
            in("al") byte,
            options(nostack, preserves_flags),
        );
    }
}

/// How many bytes from the start are equal, at most `count`.
///
/// # Safety
/// Both ranges must be readable for `count` bytes.
pub(crate) unsafe fn equal_prefix(one: *const u8, other: *const u8, count: usize) -> usize {
    let (left, differ): (usize, u8);
    // SAFETY: the caller guarantees that both ranges are readable. `cmp` sets the flags as "equal"
    // first, for a count of 0.
    unsafe {
        asm!(
            "cmp rdi, rdi",
            "repe cmpsb",
            "setne {differ}",
            differ = out(reg_byte) differ,
            inout("rcx") count => left,
            inout("rdi") one => _,
            inout("rsi") other => _,
            options(nostack, readonly),
        );
    }
    // The byte that differs was counted down too.
    count - left - usize::from(differ)
}

/// The number of bytes before the first NUL.
///
/// # Safety
/// As strlen(3).
pub(crate) unsafe fn until_nul(string: *const u8) -> usize {
    let left: usize;
    // SAFETY: the caller guarantees that a NUL follows.
    unsafe {
        asm!(
            "repne scasb",
            inout("rcx") usize::MAX => left,
            inout("rdi") string => _,
            in("al") 0_u8,
            options(nostack, readonly),
        );
    }
    // One step more than the bytes before it: the NUL itself.
    usize::MAX - left - 1
}
