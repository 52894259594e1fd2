//! One system call, and its answer as a result.

use rustix::io::Errno;

/// Makes one system call.
///
/// # Safety
/// The call with these arguments must not touch memory that others own.
pub(super) unsafe fn call<const N: usize>(
    number: u32,
    arguments: [usize; N],
) -> Result<usize, Errno> {
    let mut all = [0; 6];
    for (place, argument) in all.iter_mut().zip(arguments) {
        *place = argument;
    }
    // SAFETY: passed on from the caller.
    let answer = unsafe { super::x86_64::syscall(number as usize, all) };
    match usize::try_from(answer) {
        Ok(value) => Ok(value),
        // The kernel's errors are -4095 to -1 (MAX_ERRNO in include/linux/err.h).
        Err(_) => Err(Errno::from_raw_os_error(i32::try_from(-answer).unwrap_or(i32::MAX))),
    }
}
