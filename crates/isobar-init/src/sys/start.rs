//! Where Rust begins. The machine's `_start` calls [`enter`] on the stack that the kernel made.
//!
//! A build of the whole workspace unifies features, and by them rustix and the protocol link the
//! standard library into this executable too. Descriptors then close through its libc, which reads
//! the thread control block that its own start code would have made. [`pretend_thread`] makes one,
//! so that such a build, which is for tests only, behaves as the real one.

use core::sync::atomic::{AtomicUsize, Ordering};

use super::{call, machine};

/// Words on either side of the thread pointer, all zero: more than libc's block and variables take.
const SIDE: usize = 512;

/// The first function. `stack` is where the kernel put the number of arguments, the arguments, the
/// environment and the auxiliary vector; none of them has a meaning for the agent, whatever starts
/// it.
pub(super) extern "C" fn enter(stack: *const usize) -> ! {
    let _ = stack;
    if isobar_boundary::protocol::STD_IS_LINKED {
        pretend_thread();
    }
    call::exit(crate::run().code())
}

fn pretend_thread() {
    static BLOCK: [AtomicUsize; 2 * SIDE] = [const { AtomicUsize::new(0) }; 2 * SIDE];
    let (_, block) = BLOCK.split_at(SIDE);
    let pointer = block.as_ptr().expose_provenance();
    // The block begins with its own address, and has it again as its third word.
    if let [own, _, again, ..] = block {
        own.store(pointer, Ordering::Relaxed);
        again.store(pointer, Ordering::Relaxed);
    }
    machine::set_thread_pointer(pointer);
}
