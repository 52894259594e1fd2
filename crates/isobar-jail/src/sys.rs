//! Where memory is shared between processes: the entry points of stage and helper.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use isobar_os::Errno;
use isobar_os::pidfd::Child;
use isobar_os::raw::{ChildStack, SpawnFlags, exit_now, spawn_sharing_memory};

use rustix::event::{PollFd, PollFlags, poll};

use crate::stage::{self, Helper, Prepared};

/// A process in its stage, with all that it uses of our memory.
///
/// The memory stays in place until the process has executed its program or was reaped: fields drop
/// in their order, and dropping the child kills and reaps it.
#[derive(Debug)]
pub(crate) struct Stage {
    child: Child,
    memory: Option<Memory>,
}

#[derive(Debug)]
struct Memory {
    prepared: Box<Prepared>,
    /// Its other end closes when the process executes a program (after its memory was replaced) or
    /// ends.
    executed: OwnedFd,
    _stack: ChildStack,
    _descriptors: Vec<OwnedFd>,
}

impl Stage {
    /// Starts the stage in a new user and process namespace, and in the control group `group`.
    /// `descriptors` are those whose numbers `prepared` names.
    ///
    /// # Errors
    /// As mmap(2), pipe(2) and clone3(2).
    pub(crate) fn start(
        prepared: Prepared,
        descriptors: Vec<OwnedFd>,
        group: Option<BorrowedFd<'_>>,
    ) -> Result<Self, Errno> {
        let stack = ChildStack::new()?;
        let (executed, held) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let prepared = Box::new(prepared);
        let flags = SpawnFlags::USER.with(SpawnFlags::PID);
        // SAFETY: stack and box go into `memory`, which lives until the process has executed its
        // program (`release` makes sure) or was reaped (drop order). `stage_entry` calls only
        // `stage::run`, which keeps to `isobar_os::raw`.
        let (pid, pidfd) =
            unsafe { spawn_sharing_memory(flags, group, &stack, stage_entry, &*prepared) }?;
        drop(held);
        let memory = Memory { prepared, executed, _stack: stack, _descriptors: descriptors };
        Ok(Self { child: Child::new(pid, pidfd), memory: Some(memory) })
    }

    /// The process.
    pub(crate) const fn child(&self) -> &Child {
        &self.child
    }

    /// The process.
    pub(crate) const fn child_mut(&mut self) -> &mut Child {
        &mut self.child
    }

    /// What the stage reads, while it may still read it.
    pub(crate) fn prepared(&self) -> Option<&Prepared> {
        self.memory.as_ref().map(|memory| &*memory.prepared)
    }

    /// Waits until the process has executed its program, and gives back the memory that it used of
    /// ours. Says whether that is so; a stage that failed, or that takes longer than `patience`,
    /// has not, and its memory stays.
    pub(crate) fn release(&mut self, patience: Duration) -> bool {
        let Some(memory) = &self.memory else { return true };
        let Ok(patience) = rustix::time::Timespec::try_from(patience) else { return false };
        let mut ends = [PollFd::new(&memory.executed, PollFlags::IN)];
        let closed = loop {
            match poll(&mut ends, Some(&patience)) {
                Err(Errno::INTR) => {}
                other => break other.is_ok_and(|ready| ready > 0),
            }
        };
        // The pipe also closes when the process ends. A step that failed is still to be told; a
        // process that was killed no longer uses anything.
        let executed = closed && memory.prepared.words.failed_step.get() == 0;
        if executed {
            self.memory = None;
        }
        executed
    }
}

extern "C" fn stage_entry(argument: usize) -> ! {
    // SAFETY: `Stage::start` passed a reference to a `Prepared` that outlives this process's use of
    // it, and nothing mutates it but atomics.
    let prepared = unsafe { &*(argument as *const Prepared) };
    let failure = stage::run(prepared);
    let words = &prepared.words;
    words.failed_errno.set(failure.errno.raw_os_error().unsigned_abs());
    words.failed_index.set(u32::try_from(failure.index).unwrap_or(u32::MAX));
    words.failed_step.set(failure.step.number());
    exit_now(1)
}

/// Starts the network helper and returns its number. It shares the stage's memory and descriptor table and ends before the
/// stage goes on to exec: the stage waits for its answer, after which it touches nothing.
///
/// # Errors
/// As clone3(2).
pub(crate) fn start_helper(helper: &Helper) -> Result<i32, Errno> {
    // SAFETY: `helper` lies in a `Prepared`, which outlives the stage; the stage's process
    // namespace dies with the stage, and with it the helper. `helper_entry` keeps to
    // `isobar_os::raw`.
    let (pid, pidfd) = unsafe {
        spawn_sharing_memory(SpawnFlags::FILES, None, &helper.stack, helper_entry, helper)
    }?;
    // The descriptor closes at exec; closing it here would go through the C library.
    let _open = std::mem::ManuallyDrop::new(pidfd);
    Ok(pid)
}

extern "C" fn helper_entry(argument: usize) -> ! {
    // SAFETY: as in `stage_entry`, of a `Helper`.
    let helper = unsafe { &*(argument as *const Helper) };
    stage::helper(helper);
    exit_now(0)
}
