//! Points at which isobar waits, so that a test can let something happen just then.

use std::sync::atomic::{AtomicBool, Ordering};

/// Where the environment says `ISOBAR_FAULT_PAUSE=POINT=FIFO`, waits at `point`, the first time
/// that it is reached, until the test has opened that named pipe for writing and closed it again.
/// The test knows that isobar is there when its own opening succeeds (fifo(7)), and fails where it
/// never does.
pub fn pause(point: &str) {
    static PAUSED: AtomicBool = AtomicBool::new(false);
    let Ok(asked) = std::env::var("ISOBAR_FAULT_PAUSE") else { return };
    let fifo = asked.strip_prefix(point).and_then(|rest| rest.strip_prefix('='));
    if let Some(fifo) = fifo
        && !PAUSED.swap(true, Ordering::Relaxed)
    {
        std::fs::read(fifo).ok();
    }
}
