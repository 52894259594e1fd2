//! An allocator that notices other processes: a child that shares our memory and allocates would
//! use, and corrupt, the heap of its supervisor.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use isobar_os::pidfd::Child;
use isobar_os::raw::{ChildStack, Shared, SpawnFlags, exit_now, spawn_sharing_memory};
use rustix::process::getpid;

/// The process that owns the heap: the first one that allocates.
static OWNER: AtomicI32 = AtomicI32::new(0);
/// What anybody else asked of the allocator, in memory that all of them see.
static FOREIGN: AtomicUsize = AtomicUsize::new(0);

/// How often a process that does not own the heap used it since the last call.
pub(crate) fn foreign_uses() -> usize {
    FOREIGN.swap(0, Ordering::SeqCst)
}

struct Watched;

#[global_allocator]
static WATCHED: Watched = Watched;

impl Watched {
    /// Whether the caller owns the heap.
    fn is_owner() -> bool {
        let pid = getpid().as_raw_nonzero().get();
        match OWNER.compare_exchange(0, pid, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => true,
            Err(owner) => owner == pid,
        }
    }

    fn note() {
        FOREIGN.fetch_add(1, Ordering::SeqCst);
    }
}

// SAFETY: every call of the owner goes to the system's allocator unchanged; anybody else gets no
// memory, which is an answer that an allocator may give, and frees nothing.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if Self::is_owner() {
            // SAFETY: the caller keeps the contract of this very function.
            return unsafe { System.alloc(layout) };
        }
        Self::note();
        std::ptr::null_mut()
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if Self::is_owner() {
            // SAFETY: as above; the owner's memory all came from `System`.
            unsafe { System.dealloc(pointer, layout) };
        } else {
            Self::note();
        }
    }
}

/// A child that breaks the rule: it allocates while it shares our memory.
pub(crate) fn allocate_in_a_child() {
    extern "C" fn entry(_argument: usize) -> ! {
        let layout = Layout::new::<u64>();
        // SAFETY: the layout has a size; the answer is not used.
        let memory = unsafe { std::alloc::alloc(layout) };
        exit_now(i32::from(!memory.is_null()))
    }
    let stack = ChildStack::new().unwrap();
    let nothing = Shared::new();
    // SAFETY: both outlive the child, which is reaped below. It allocates, against the contract,
    // from an allocator that gives it nothing.
    let (pid, pidfd) =
        unsafe { spawn_sharing_memory(SpawnFlags::NONE, None, &stack, entry, &nothing) }.unwrap();
    Child::new(pid, pidfd).reap().unwrap();
}
