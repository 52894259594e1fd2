//! Writing to a file through a shared mapping of it.

use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Maps the first page of `file`, shared and writable, and writes `byte` at its beginning.
pub(crate) fn write_first(file: impl AsFd, byte: u8) -> Result<(), Errno> {
    const PAGE: usize = 4096;
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a null address lets the kernel choose; nobody else knows the new mapping.
    let start = unsafe { mmap(std::ptr::null_mut(), PAGE, protection, MapFlags::SHARED, file, 0) }?;
    // SAFETY: the mapping is writable; the caller's file is not empty, so its first byte exists.
    unsafe { start.cast::<u8>().write_volatile(byte) };
    // SAFETY: the mapping that was made above, which nothing refers to.
    unsafe { munmap(start, PAGE) }
}
