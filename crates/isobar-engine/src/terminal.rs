//! The caller's terminal for the time of a run with a terminal of the sandbox's own.
//!
//! Keys go to the guest as they are typed, ^C and ^Z too, so the caller's terminal is in raw mode
//! while it is ours: from the start of the guest's program to its end, and only in the foreground.
//! It is put back on every end that this process lives to see, a panic included. Its descriptor
//! never leaves the supervisor.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::panic::PanicHookInfo;
use std::sync::Arc;

use isobar_boundary::WindowSize;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// The size of `terminal`; unknown where it is none.
pub(crate) fn size(terminal: BorrowedFd<'_>) -> WindowSize {
    tcgetwinsize(terminal).map_or_else(
        |_| WindowSize::default(),
        |size| WindowSize { rows: size.ws_row, columns: size.ws_col },
    )
}

/// The caller's terminal. Dropping it puts it back.
pub(crate) struct CallerTerminal<'a> {
    descriptor: BorrowedFd<'a>,
    /// The modes to put back, while it is in raw mode.
    before: Option<Termios>,
    /// What was to be called on a panic before this came in between.
    hook: Option<Arc<Hook>>,
}

impl<'a> CallerTerminal<'a> {
    /// Takes `descriptor`, in whatever mode it is.
    pub(crate) const fn new(descriptor: BorrowedFd<'a>) -> Self {
        Self { descriptor, before: None, hook: None }
    }

    /// Its size now.
    pub(crate) fn size(&self) -> WindowSize {
        size(self.descriptor)
    }

    /// Puts it into raw mode, unless somebody else has the `foreground`: whoever takes a terminal
    /// back, as a shell does, sets its modes anew.
    pub(crate) fn keep_raw(&mut self, foreground: bool) {
        if !foreground {
            self.before = None;
        } else if self.before.is_none() {
            self.enter();
        }
    }

    /// As after a time in which the process was stopped.
    pub(crate) fn again(&mut self, foreground: bool) {
        self.before = None;
        self.keep_raw(foreground);
    }

    fn enter(&mut self) {
        let Ok(before) = tcgetattr(self.descriptor) else { return };
        if let Ok(own) = self.descriptor.try_clone_to_owned() {
            self.hook.get_or_insert_with(|| restore_on_panic(own, before.clone()));
        }
        let mut raw = before.clone();
        raw.make_raw();
        // Not when the output has drained: a terminal that was stopped with ^S would never be ours.
        if tcsetattr(self.descriptor, OptionalActions::Now, &raw).is_ok() {
            self.before = Some(before);
        }
    }
}

/// Panics end the process before anything is dropped where it is built to abort.
fn restore_on_panic(terminal: OwnedFd, modes: Termios) -> Arc<Hook> {
    let before: Arc<Hook> = Arc::from(std::panic::take_hook());
    let then = Arc::clone(&before);
    std::panic::set_hook(Box::new(move |info| {
        tcsetattr(&terminal, OptionalActions::Now, &modes).ok();
        then(info);
    }));
    before
}

impl Drop for CallerTerminal<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that is gone needs no modes.
            tcsetattr(self.descriptor, OptionalActions::Now, before).ok();
        }
        // The hook cannot be changed by a thread that panics, and has done its work then.
        if let Some(hook) = self.hook.take()
            && !std::thread::panicking()
        {
            std::panic::set_hook(Box::new(move |info| hook(info)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
    use rustix::termios::LocalModes;

    use super::*;

    fn pair() -> (OwnedFd, OwnedFd) {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        unlockpt(&near).expect("of one's own");
        let far = ioctl_tiocgptpeer(&near, OpenptFlags::RDWR | OpenptFlags::NOCTTY);
        (near, far.expect("it has another end"))
    }

    fn echoes(terminal: &OwnedFd) -> bool {
        let modes = tcgetattr(terminal).expect("a terminal has modes");
        modes.local_modes.contains(LocalModes::ECHO)
    }

    // One test, since the hook of panics is one a process.
    #[test]
    fn it_is_put_back_on_every_end() {
        let (_near, far) = pair();
        let mut caller = CallerTerminal::new(far.as_fd());
        caller.keep_raw(false);
        assert!(echoes(&far), "somebody else's terminal is left alone");
        caller.keep_raw(true);
        assert!(!echoes(&far), "keys go to the guest, which echoes them");
        drop(caller);
        assert!(echoes(&far), "and afterwards the caller types as before");

        let (_near, other) = pair();
        std::panic::catch_unwind(|| {
            let mut caller = CallerTerminal::new(other.as_fd());
            caller.keep_raw(true);
            // As where a panic aborts: nothing is dropped.
            let caller = std::mem::ManuallyDrop::new(caller);
            assert!(caller.before.is_none(), "this is the panic");
        })
        .expect_err("it panicked");
        assert!(echoes(&other), "the hook put it back");
    }
}
