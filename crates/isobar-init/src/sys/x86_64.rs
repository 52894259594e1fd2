//! x86-64: the first instruction, system calls, clone, and byte loops.
//!
//! The byte loops are string instructions and not Rust, since LLVM makes of a loop that copies a
//! call of `memcpy`, which would then call itself. The ABI guarantees a clear direction flag.

use core::arch::{asm, global_asm};

use linux_raw_sys::general::{__NR_arch_prctl, __NR_clone, __NR_getpid};

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

// The prebuilt `core` names this function of the standard library in its unwind tables. A panic ends
// this process without unwinding, so nobody calls it. Weak, for the builds that do link `std`.
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
/// child lives; `argument` must be what `entry` expects. With `CLONE_VM` in `flags` the child shares
/// this memory.
pub(super) unsafe fn clone(
    flags: usize,
    stack_top: *mut u8,
    entry: extern "C" fn(*const u8) -> !,
    argument: *const u8,
) -> isize {
    let result;
    // SAFETY: in the parent this is a plain system call. The child never comes out of the block:
    // it has registers of its own, and `call` pushes on its own stack, which the caller answers for.
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

/// Copies `count` bytes, lowest address first.
///
/// # Safety
/// As memcpy(3), but that `to` may overlap `from` from below.
pub(super) unsafe fn copy_forward(to: *mut u8, from: *const u8, count: usize) {
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
pub(super) unsafe fn copy_backward(to: *mut u8, from: *const u8, count: usize) {
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
pub(super) unsafe fn fill(to: *mut u8, byte: u8, count: usize) {
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
pub(super) unsafe fn equal_prefix(one: *const u8, other: *const u8, count: usize) -> usize {
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
pub(super) unsafe fn until_nul(string: *const u8) -> usize {
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
