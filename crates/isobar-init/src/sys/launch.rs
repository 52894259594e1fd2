//! Starts processes that share this memory until they execute a program or end.
//!
//! `CLONE_VM` without `CLONE_VFORK`, where the kernel takes it: nothing is copied, and the agent goes
//! on while the process waits for the host. The process runs on a stack in an [`Image`] and reads its arguments from
//! there. When it has left this memory, by execve or by its end, the kernel closes its copy of a
//! pipe: in both cases it switches memory first (`begin_new_exec` and `do_exit`, Linux 2.6 and
//! later), so after the pipe's end the image may go.

use core::mem::ManuallyDrop;

use linux_raw_sys::general::{CLONE_VM, SIGCHLD};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use rustix::io::{Errno, read};
use rustix::pipe::{PipeFlags, pipe_with};

use super::{Image, call, machine};

/// What lies at the top of the new stack.
struct Arguments<T> {
    entry: fn(&T, RawFd) -> !,
    plan: T,
    progress: RawFd,
}

extern "C" fn enter<T>(arguments: *const u8) -> ! {
    // SAFETY: `Launched::start` wrote them there for this process alone, and keeps the image until
    // the process has left this memory.
    let arguments = unsafe { &*arguments.cast::<Arguments<T>>() };
    (arguments.entry)(&arguments.plan, arguments.progress)
}

/// Puts `value` at the top of the image's stack; returns where it is, aligned to 16 bytes.
fn place<T>(image: &Image, value: T) -> *mut u8 {
    const { assert!(align_of::<T>() <= 16 && size_of::<T>() <= 4096) };
    let place = image.stack_top().wrapping_sub(size_of::<T>().next_multiple_of(16));
    // SAFETY: the range is inside the stack, which is far larger and in use by nobody yet.
    unsafe { place.cast::<T>().write(value) };
    place
}

fn clone(place: *mut u8, entry: extern "C" fn(*const u8) -> !) -> Result<i32, Errno> {
    match clone_with(CLONE_VM | SIGCHLD, place, entry) {
        // Before Linux 6.3 exec does not enter the time namespace that the stage made, and whoever
        // is to enter one must not share memory. A copy reads its plan as well, and the pipe tells
        // of its end as well.
        Err(Errno::INVAL) => clone_with(SIGCHLD, place, entry),
        other => other,
    }
}

fn clone_with(
    flags: u32,
    place: *mut u8,
    entry: extern "C" fn(*const u8) -> !,
) -> Result<i32, Errno> {
    // SAFETY: `place` is where the new process finds its arguments, and the end of what is left of
    // its stack. Both callers keep the image until the process has left this memory.
    let raw = unsafe { machine::clone(flags as usize, place, entry, place) };
    call::result(raw).and_then(|pid| i32::try_from(pid).map_err(|_| Errno::SRCH))
}

/// How a process left this memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// By execve, or by an end that nobody foresaw.
    Executed,
    /// It gave up, having said why on its process stream.
    GaveUp,
}

/// A process that may still share this memory. Dropping it leaves the image mapped.
pub(crate) struct Launched {
    /// Its number.
    pub(crate) pid: i32,
    image: ManuallyDrop<Image>,
    progress: OwnedFd,
    gave_up: bool,
}

impl Launched {
    /// Starts a process that runs `entry` with a copy of `plan` and the number of the pipe's write
    /// end.
    pub(crate) fn start<T: Copy>(
        image: Image,
        plan: T,
        entry: fn(&T, RawFd) -> !,
    ) -> Result<Self, Errno> {
        let (progress, theirs) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let arguments = Arguments { entry, plan, progress: theirs.as_raw_fd() };
        let pid = clone(place(&image, arguments), enter::<T>)?;
        Ok(Self { pid, image: ManuallyDrop::new(image), progress, gave_up: false })
    }

    /// What becomes readable when the process has left or gives up.
    pub(crate) fn progress(&self) -> BorrowedFd<'_> {
        self.progress.as_fd()
    }

    /// Whether it has left this memory; if not, gives itself back.
    pub(crate) fn left(mut self) -> Result<Left, Self> {
        let mut byte = [0; 1];
        loop {
            match read(&self.progress, &mut byte) {
                Ok(0) => break,
                // It still runs on its stack until it ends, so the pipe's end is waited for.
                Ok(_) => self.gave_up = true,
                Err(Errno::INTR) => {}
                Err(_) => return Err(self),
            }
        }
        drop(ManuallyDrop::into_inner(self.image));
        Ok(if self.gave_up { Left::GaveUp } else { Left::Executed })
    }
}

/// Runs `entry` in a process of its own until it ends; returns its status as wait4(2) gives it.
pub(super) fn run(entry: extern "C" fn(*const u8) -> !) -> Result<u32, Errno> {
    let image = ManuallyDrop::new(Image::new(0, 0)?);
    let pid = clone(place(&image, ()), entry)?;
    let ended = call::reap(pid, true)?.ok_or(Errno::CHILD)?;
    // It was reaped, so it left this memory. After an error nobody knows, and the image stays.
    drop(ManuallyDrop::into_inner(image));
    Ok(ended.status)
}
