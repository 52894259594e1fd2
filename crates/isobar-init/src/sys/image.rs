//! The memory of one process until it executes its program: a guard, a stack, a table of pointers,
//! the strings that they point to.
//!
//! It is one anonymous mapping, unmapped when the last of it was used. There is no other heap.

use core::ffi::{c_char, c_void};
use core::ptr::null_mut;
use core::slice;

use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Unmapped room below the stack, a whole number of pages on every architecture.
const GUARD: usize = 64 * 1024;
/// The stack between clone and execve. Its deepest use is a frame of the protocol.
const STACK: usize = 64 * 1024;

/// One mapping, owned.
pub(crate) struct Image {
    base: *mut u8,
    pointers: usize,
    bytes: usize,
}

impl Image {
    /// Maps memory for so many pointers and bytes of strings, all zero.
    pub(crate) fn new(pointers: usize, bytes: usize) -> Result<Self, Errno> {
        let length = Self::length(pointers, bytes).ok_or(Errno::NOMEM)?;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses the place, so no other memory is touched.
        let base = unsafe { mmap_anonymous(null_mut(), length, protection, MapFlags::PRIVATE) }?;
        let image = Self { base: base.cast(), pointers, bytes };
        // SAFETY: the guard is the start of the mapping that was just made; nothing refers to it.
        unsafe { mprotect(base, GUARD, MprotectFlags::empty()) }?;
        Ok(image)
    }

    fn length(pointers: usize, bytes: usize) -> Option<usize> {
        let table = pointers.checked_mul(size_of::<*const c_char>())?;
        (GUARD + STACK).checked_add(table)?.checked_add(bytes)
    }

    /// The end of the stack, where the table of pointers begins.
    pub(super) fn stack_top(&self) -> *mut u8 {
        self.base.wrapping_add(GUARD + STACK)
    }

    /// The table of pointers and the strings.
    pub(crate) fn parts(&mut self) -> (&mut [*const c_char], &mut [u8]) {
        let table = self.stack_top().cast::<*const c_char>();
        let strings = table.wrapping_add(self.pointers).cast::<u8>();
        // SAFETY: the mapping holds so many pointers after the stack, aligned since GUARD and STACK
        // are multiples of a page; zero bytes are null pointers; `self` is borrowed meanwhile.
        let table = unsafe { slice::from_raw_parts_mut(table, self.pointers) };
        // SAFETY: the mapping ends with so many bytes, none of which is in the table; `self` is
        // borrowed meanwhile.
        let strings = unsafe { slice::from_raw_parts_mut(strings, self.bytes) };
        (table, strings)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let Some(length) = Self::length(self.pointers, self.bytes) else { return };
        // SAFETY: the mapping is ours, and its owner is gone. A process that still ran on it would
        // hold a `Launched`, which gives the image up only when that process has left it.
        let unmapped = unsafe { munmap(self.base.cast::<c_void>(), length) };
        // The only errors are those of a wrong range, which the constructor rules out.
        debug_assert!(unmapped.is_ok());
    }
}
