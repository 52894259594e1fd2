//! System calls on x86-64 (syscall(2), "Architecture calling conventions"): number in rax,
//! arguments in rdi, rsi, rdx, r10, r8, r9; rcx and r11 are lost.

use core::arch::asm;

/// Makes one system call and returns the kernel's raw answer, negative errno included.
///
/// # Safety
/// Every argument must be what the call of that number expects: pointers valid for the access
/// that the kernel makes, for as long as it makes it.
pub(super) unsafe fn syscall(number: u32, arguments: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = arguments;
    let answer: isize;
    // SAFETY: the caller vouches for the arguments; the assembly touches only the registers that
    // it declares, and the kernel preserves all others and the stack.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as usize => answer,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    answer
}

/// clone3(2) with a stack of the child's own; the child calls `entry(argument)` and never returns.
///
/// # Safety
/// `arguments` points to a `clone_args` of `size` bytes whose stack is mapped, unused by anybody
/// else and stays so while the child runs on it; `entry` upholds whatever `argument` needs.
pub(super) unsafe fn clone3_on_stack(
    arguments: usize,
    size: usize,
    entry: extern "C" fn(usize) -> !,
    argument: usize,
) -> isize {
    let answer: isize;
    // SAFETY: the caller vouches for the arguments. In the child rsp is the top of its own stack,
    // 16-byte aligned, so that `call` gives `entry` the alignment of the System V ABI; `entry`
    // does not return, and `ud2` stands behind it. In the parent only declared registers change.
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
            inlateout("rax") super::call::number::CLONE3 as usize => answer,
            in("rdi") arguments, in("rsi") size, in("r12") argument, in("r13") entry,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    answer
}
