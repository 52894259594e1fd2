//! Counts the tasks of the guest in `/proc`.
//!
//! The agent's own view of the process table is the whole guest: it is PID 1 of the namespace. What
//! disappears during a count is passed over.

use core::mem::MaybeUninit;

use isobar_init::{TASK_PATH, guest_tasks, task_path};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, openat, statat};

/// How many tasks there are besides the agent; `None` where `/proc` cannot be read.
pub(crate) fn tasks() -> Option<u32> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, c"/proc", flags, Mode::empty()).ok()?;
    let mut buffer = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(&directory, &mut buffer);
    let mut path = [0; TASK_PATH];
    let mut count = 0_u32;
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let Some(path) = task_path(entry.file_name(), &mut path) else { continue };
        if let Ok(status) = statat(&directory, path, AtFlags::empty()) {
            count = count.saturating_add(guest_tasks(status.st_nlink));
        }
    }
    Some(count)
}
