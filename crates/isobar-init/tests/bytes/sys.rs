//! The loops with slices in the place of pointers.

use super::raw;

/// Copies inside `memory`, in the direction that memmove would choose.
pub(crate) fn move_inside(memory: &mut [u8], from: usize, to: usize, count: usize) {
    assert!(from + count <= memory.len() && to + count <= memory.len(), "a test stays inside");
    let base = memory.as_mut_ptr();
    let (source, target) = (base.wrapping_add(from), base.wrapping_add(to));
    if to > from {
        // SAFETY: both ranges are inside `memory`, and the target is above the source.
        unsafe { raw::copy_backward(target, source, count) };
    } else {
        // SAFETY: both ranges are inside `memory`, and the target is not above the source.
        unsafe { raw::copy_forward(target, source, count) };
    }
}

pub(crate) fn fill(memory: &mut [u8], byte: u8) {
    // SAFETY: the range is that of the slice.
    unsafe { raw::fill(memory.as_mut_ptr(), byte, memory.len()) };
}

pub(crate) fn equal_prefix(one: &[u8], other: &[u8]) -> usize {
    assert_eq!(one.len(), other.len(), "both are read to the same length");
    // SAFETY: both ranges are those of the slices.
    unsafe { raw::equal_prefix(one.as_ptr(), other.as_ptr(), one.len()) }
}

pub(crate) fn until_nul(string: &std::ffi::CStr) -> usize {
    // SAFETY: a `CStr` ends in a NUL.
    unsafe { raw::until_nul(string.as_ptr().cast()) }
}
