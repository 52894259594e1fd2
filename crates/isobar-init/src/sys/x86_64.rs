//! x86-64: the first instruction, system calls, clone, and the calls that the kill rules are for.
//!
//! What the kernel and the ABI say about registers is said where it matters. The byte loops are a
//! file of their own, so that a test can include them.

mod bytes;

use core::arch::{asm, global_asm};

use linux_raw_sys::general::{__NR_arch_prctl, __NR_clone, __NR_getpid};

pub(super) use bytes::{copy_backward, copy_forward, equal_prefix, fill, until_nul};

// At entry the stack pointer is at the number of arguments, aligned to 16 bytes (System V ABI,
// AMD64 supplement, 3.4.1). `call` then leaves it as a function expects it.
global_asm!(
    ".globl _start",
    ".type _start,@function",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {enter}",
    "ud2",
    ".size _start, . - _start",
    enter = sym super::start::enter,
);

// The prebuilt `core` names this function of the standard library in its unwind tables. A panic
// ends this process without unwinding, so nobody calls it. Weak, for the builds that do link `std`.
global_asm!(
    ".weak rust_eh_personality",
    ".type rust_eh_personality,@function",
    "rust_eh_personality:",
    "ud2",
    ".size rust_eh_personality, . - rust_eh_personality",
);

/// The number of `getpid` in the table of 32-bit calls (`arch/x86/entry/syscalls/syscall_32.tbl`).
const I386_GETPID: u32 = 20;
/// What x32 adds to a call's number (`__X32_SYSCALL_BIT`).
const X32_BIT: u32 = 0x4000_0000;

/// Makes a system call; returns what the kernel left in `rax`.
///
/// # Safety
/// The call with these arguments must not touch memory or descriptors that others own.
pub(super) unsafe fn syscall6(number: usize, arguments: [usize; 6]) -> isize {
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

/// Sets the register through which libc finds its thread control block.
pub(super) fn set_thread_pointer(pointer: usize) {
    /// `ARCH_SET_FS` of `arch/x86/include/uapi/asm/prctl.h`.
    const SET_FS: usize = 0x1002;
    // SAFETY: no code of ours uses the register, and the kernel stores the address only.
    unsafe {
        syscall6(__NR_arch_prctl as usize, [SET_FS, pointer, 0, 0, 0, 0]);
    }
}

/// clone(2): the child calls `entry(argument)` on the stack that ends at `stack_top`.
///
/// # Safety
/// `stack_top` must be the end of a stack, aligned to 16 bytes, that nobody else uses while the
/// child lives; `argument` must be what `entry` expects. With `CLONE_VM` in `flags` the child
/// shares this memory.
pub(super) unsafe fn clone(
    flags: usize,
    stack_top: *mut u8,
    entry: extern "C" fn(*const u8) -> !,
    argument: *const u8,
) -> isize {
    let result;
    // SAFETY: in the parent this is a plain system call. The child never comes out of the block:
    // it has registers of its own, and `call` pushes on its own stack: the caller answers for it.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") __NR_clone as usize => result,
            in("rdi") flags,
            in("rsi") stack_top,
            in("rdx") 0_usize,
            in("r10") 0_usize,
            in("r8") 0_usize,
            in("r12") argument,
            in("r13") entry,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Makes a harmless call by the 32-bit gate. A filter that allows 64-bit calls only kills us here.
pub(super) fn call_i386() {
    // SAFETY: `getpid` takes no argument and touches no memory. Old kernels clear `r8` to `r11`.
    unsafe {
        asm!(
            "int 0x80",
            inlateout("eax") I386_GETPID => _,
            out("r8") _,
            out("r9") _,
            out("r10") _,
            out("r11") _,
            options(nostack),
        );
    }
}

/// Makes a harmless call with an x32 number. A filter that allows 64-bit calls only kills us here.
pub(super) fn call_x32() {
    // SAFETY: `getpid` takes no argument and touches no memory.
    unsafe {
        syscall6((X32_BIT | __NR_getpid) as usize, [0; 6]);
    }
}
