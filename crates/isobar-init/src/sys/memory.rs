//! The functions of libc that compilers take for granted, under their C names.
//!
//! They are small rather than quick: the agent copies arguments once a process and no data at all.
//! The work is done by the machine's byte loops; here are the names and what C promises of them.

use core::ffi::c_int;

use super::machine;

/// memcpy(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the ranges do not overlap and are valid, as the contract in C says.
    unsafe { machine::copy_forward(to, from, count) };
    to
}

/// memmove(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // Below `from` the difference wraps and is larger than any range: forward is right then.
    if to.addr().wrapping_sub(from.addr()) >= count {
        // SAFETY: the ranges are valid, and `to` does not begin inside `from`.
        unsafe { machine::copy_forward(to, from, count) };
    } else {
        // SAFETY: the ranges are valid, and `to` overlaps `from` from above.
        unsafe { machine::copy_backward(to, from, count) };
    }
    to
}

/// memset(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: c_int, count: usize) -> *mut u8 {
    let [byte, ..] = byte.to_le_bytes();
    // SAFETY: the range is valid, as the contract in C says.
    unsafe { machine::fill(to, byte, count) };
    to
}

/// memcmp(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> c_int {
    // SAFETY: both ranges are valid, as the contract in C says.
    let equal = unsafe { machine::equal_prefix(one, other, count) };
    if equal == count {
        return 0;
    }
    // SAFETY: `equal` is below `count`, so the byte is in the first range.
    let left = unsafe { one.wrapping_add(equal).read() };
    // SAFETY: `equal` is below `count`, so the byte is in the second range.
    let right = unsafe { other.wrapping_add(equal).read() };
    c_int::from(left) - c_int::from(right)
}

/// bcmp(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> c_int {
    // SAFETY: both ranges are valid, as the contract in C says.
    let equal = unsafe { machine::equal_prefix(one, other, count) };
    c_int::from(equal != count)
}

/// strlen(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(string: *const u8) -> usize {
    // SAFETY: a NUL follows, as the contract in C says.
    unsafe { machine::until_nul(string) }
}
