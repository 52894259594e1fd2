//! x86-64: its system calls, and those of the two other interfaces that its kernels may serve.

use core::arch::asm;

use linux_raw_sys::general::__NR_getpid;

/// The number of `getpid` in the table of 32-bit calls (`arch/x86/entry/syscalls/syscall_32.tbl`).
const I386_GETPID: usize = 20;
/// What x32 adds to a call's number (`__X32_SYSCALL_BIT`).
const X32_BIT: usize = 0x4000_0000;

/// Makes a system call; returns what the kernel left in `rax`.
///
/// # Safety
/// The call with these arguments must not touch memory that others own.
pub(super) unsafe fn syscall(number: usize, arguments: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the caller answers for what the kernel does; the instruction itself changes `rax`,
    // `rcx` and `r11` only.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            in("r10") d,
            in("r8") e,
            in("r9") f,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// The process number as the 32-bit interface tells it.
pub(crate) fn getpid_32() -> isize {
    let result: isize;
    // SAFETY: the call takes no argument and touches no memory. The kernel may clear `r8` to `r11`.
    unsafe {
        asm!(
            "int 0x80",
            inlateout("rax") I386_GETPID => result,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
            options(nostack),
        );
    }
    result
}

/// The process number as the x32 interface tells it.
pub(crate) fn getpid_x32() -> isize {
    // SAFETY: the call takes no argument and touches no memory.
    unsafe { syscall(__NR_getpid as usize | X32_BIT, [0; 6]) }
}
