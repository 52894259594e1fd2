//! Processes that share their maker's memory until they execute something.
//!
//! clone3(2) with CLONE_VM and without CLONE_VFORK or CLONE_FILES: maker and child run at the same
//! time in one address space with separate descriptor tables. That is 60 us however large the
//! maker's memory is, and it demands that the child touches nothing but what it was given.

use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicU32, Ordering};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;

use linux_raw_sys::general as linux;
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use super::call::{call, number};
use super::files::Fd;

/// A stack for one child, with a guard page below it.
#[derive(Debug)]
pub struct ChildStack {
    base: NonNull<core::ffi::c_void>,
}

impl ChildStack {
    const GUARD: usize = 4096;
    const USABLE: usize = 128 * 1024;
    const TOTAL: usize = Self::GUARD + Self::USABLE;

    /// Maps a stack of 128 KiB.
    ///
    /// # Errors
    /// As mmap(2).
    pub fn new() -> Result<Self, Errno> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::STACK | MapFlags::NORESERVE;
        // SAFETY: a null address lets the kernel choose; nobody else knows the new mapping.
        let base = unsafe { mmap_anonymous(std::ptr::null_mut(), Self::TOTAL, protection, flags) }?;
        let stack = Self { base: NonNull::new(base).ok_or(Errno::NOMEM)? };
        // SAFETY: the first page of the mapping that was just made, which nothing uses.
        unsafe { mprotect(base, Self::GUARD, MprotectFlags::empty()) }?;
        Ok(stack)
    }
}

impl Drop for ChildStack {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and whoever drops a stack has
        // seen its child exec or end (the contract of `spawn_sharing_memory`).
        let unmapped = unsafe { munmap(self.base.as_ptr(), Self::TOTAL) };
        debug_assert!(unmapped.is_ok());
    }
}

// SAFETY: the mapping belongs to the address space, not to a thread.
unsafe impl Send for ChildStack {}
// SAFETY: no method reads or writes the mapping.
unsafe impl Sync for ChildStack {}

/// A word that maker and child both see.
#[derive(Debug)]
pub struct Shared(AtomicU32);

impl Shared {
    /// A word of value zero.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Its value.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Changes it.
    pub fn set(&self, value: u32) {
        self.0.store(value, Ordering::Release);
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new()
    }
}

/// Blocks while the word is zero (futex(2), FUTEX_WAIT).
///
/// # Errors
/// As futex(2), but for EAGAIN and EINTR.
pub fn wait_while_zero(word: &Shared) -> Result<u32, Errno> {
    loop {
        let value = word.get();
        if value != 0 {
            return Ok(value);
        }
        let address = core::ptr::from_ref(&word.0) as usize;
        // SAFETY: the address is that of a live, aligned 32-bit word; no timeout is given.
        match unsafe { call(number::FUTEX, [address, linux::FUTEX_WAIT as usize, 0, 0]) } {
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Sets the word and wakes whoever waits for it.
///
/// # Errors
/// As futex(2).
pub fn wake(word: &Shared, value: u32) -> Result<(), Errno> {
    word.set(value);
    let address = core::ptr::from_ref(&word.0) as usize;
    // SAFETY: the address is that of a live, aligned 32-bit word.
    unsafe { call(number::FUTEX, [address, linux::FUTEX_WAKE as usize, i32::MAX as usize]) }
        .map(drop)
}

/// Which new namespaces a child gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpawnFlags(u64);

impl SpawnFlags {
    /// None.
    pub const NONE: Self = Self(0);
    /// A user namespace.
    pub const USER: Self = Self(linux::CLONE_NEWUSER as u64);
    /// A process namespace, of which the child is PID 1.
    pub const PID: Self = Self(linux::CLONE_NEWPID as u64);
    /// The maker's descriptor table, shared.
    pub const FILES: Self = Self(linux::CLONE_FILES as u64);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Makes a child that shares the caller's memory and runs `entry(argument)` on `stack`, in the
/// control group of version 2 whose directory `group` is (CLONE_INTO_CGROUP, Linux 5.7). Returns its
/// pid in the caller's pid namespace and a pidfd.
///
/// # Errors
/// As clone3(2).
///
/// # Safety
/// `stack`, `*argument` and everything that it leads to must stay valid and in place until the
/// child has executed a program or ended. The child may use only async-signal-safe code: nothing
/// that allocates, locks, panics or uses thread-local storage, which it shares with the caller.
pub unsafe fn spawn_sharing_memory<T: Sync>(
    flags: SpawnFlags,
    group: Option<BorrowedFd<'_>>,
    stack: &ChildStack,
    entry: extern "C" fn(usize) -> !,
    argument: &T,
) -> Result<(i32, OwnedFd), Errno> {
    const SIGCHLD: u64 = 17;
    #[cfg(isobar_fault)]
    let flags = SpawnFlags(flags.0 & !crate::fault::spawned_flags());
    #[cfg(isobar_fault)]
    let group = group.filter(|_| !crate::fault::active(crate::fault::Fault::SkipCgroup));
    let (into, group) = match group {
        Some(group) => (linux::CLONE_INTO_CGROUP, Fd::of(group).register()),
        None => (0, 0),
    };
    let mut pidfd: i32 = -1;
    let arguments = linux::clone_args {
        flags: flags.0 | u64::from(linux::CLONE_VM) | u64::from(linux::CLONE_PIDFD) | into,
        pidfd: &raw mut pidfd as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: SIGCHLD,
        stack: stack.base.as_ptr() as u64,
        stack_size: ChildStack::TOTAL as u64,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: group as u64,
    };
    // SAFETY: the stack is mapped and, by the contract above, stays so and is used by nobody else;
    // its top is page-aligned. `arguments` lives across the call.
    let answer = unsafe {
        super::x86_64::clone3_on_stack(
            &raw const arguments as usize,
            size_of_val(&arguments),
            entry,
            core::ptr::from_ref(argument) as usize,
        )
    };
    if answer < 0 {
        return Err(Errno::from_raw_os_error(i32::try_from(-answer).unwrap_or(i32::MAX)));
    }
    // SAFETY: the kernel wrote a new descriptor that nobody owns yet.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok((i32::try_from(answer).map_err(|_| Errno::OVERFLOW)?, pidfd))
}

/// Arguments and environment in the form that execve takes, made before the clone.
#[derive(Debug)]
pub struct ProcessArguments {
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    _strings: Vec<std::ffi::CString>,
}

impl ProcessArguments {
    /// Takes over the strings.
    #[must_use]
    pub fn new(argv: Vec<std::ffi::CString>, envp: Vec<std::ffi::CString>) -> Self {
        let pointers = |strings: &[std::ffi::CString]| {
            strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
        };
        // The heap buffers of the strings do not move when the vectors do.
        let (argv_pointers, envp_pointers) = (pointers(&argv), pointers(&envp));
        let strings = argv.into_iter().chain(envp).collect();
        Self { argv: argv_pointers, envp: envp_pointers, _strings: strings }
    }
}

// SAFETY: the pointers lead to strings that the value owns and never changes.
unsafe impl Sync for ProcessArguments {}
// SAFETY: as above.
unsafe impl Send for ProcessArguments {}

/// Executes the file behind `program` (execveat(2) with AT_EMPTY_PATH). Returns only on failure.
pub fn execute(program: Fd, arguments: &ProcessArguments) -> Errno {
    let flags = linux::AT_EMPTY_PATH as usize;
    let path: &CStr = c"";
    // SAFETY: both tables end in a null pointer and lead to NUL-terminated strings that
    // `arguments` owns; on success the caller's memory is gone and nothing is read later.
    let answer = unsafe {
        call(
            number::EXECVEAT,
            [
                program.register(),
                path.as_ptr() as usize,
                arguments.argv.as_ptr() as usize,
                arguments.envp.as_ptr() as usize,
                flags,
            ],
        )
    };
    answer.err().unwrap_or(Errno::INVAL)
}

/// Waits for a child's end and reaps it, retrying EINTR (wait4(2)).
///
/// # Errors
/// As wait4(2).
pub fn reap_child(pid: i32) -> Result<(), Errno> {
    let child = Fd::numbered(pid).register();
    loop {
        // SAFETY: neither status nor usage is asked for.
        match unsafe { call(number::WAIT4, [child, 0, 0, 0]) } {
            Err(Errno::INTR) => {}
            other => return other.map(drop),
        }
    }
}

/// Ends the calling process without running anything of the shared memory's (exit_group(2)).
pub fn exit_now(status: i32) -> ! {
    loop {
        #[expect(clippy::cast_sign_loss, reason = "the kernel keeps the low eight bits")]
        let register = status as usize;
        // SAFETY: a number only; the call does not return.
        let refused = unsafe { call(number::EXIT_GROUP, [register]) };
        debug_assert!(refused.is_err());
    }
}
