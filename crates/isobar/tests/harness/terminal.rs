//! A pseudo-terminal, to see what isobar does when a person looks.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcsetattr};

/// Both ends.
#[derive(Debug)]
pub(crate) struct Terminal {
    near: File,
    far: OwnedFd,
}

impl Terminal {
    /// A new one, which passes output on as it is.
    pub(crate) fn open() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let near = openpt(flags).expect("a pseudo-terminal");
        grantpt(&near).expect("of one's own");
        unlockpt(&near).expect("and unlocked");
        let name = ptsname(&near, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let far = rustix::fs::open(name, flags, Mode::empty()).expect("the other end");
        let mut modes = tcgetattr(&far).expect("a terminal has modes");
        modes.output_modes.remove(OutputModes::OPOST);
        tcsetattr(&far, OptionalActions::Now, &modes).expect("they can be set");
        Self { near: near.into(), far }
    }

    /// Types `keys`, before or while somebody reads.
    pub(super) fn type_in(&mut self, keys: &[u8]) {
        self.near.write_all(keys).expect("a terminal takes a line of keys");
    }

    /// The end for a child.
    pub(crate) fn far(&self) -> Stdio {
        self.far.try_clone().expect("it can be duplicated").into()
    }

    /// Reads until every process has closed the other end.
    pub(super) fn read_to_end(self, child: &mut Child, patience: Duration) -> Vec<u8> {
        let Self { mut near, far } = self;
        drop(far);
        let started = Instant::now();
        let mut taken = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let left = patience.checked_sub(started.elapsed());
            if !left.is_some_and(|left| super::pump::readable(&near, left)) {
                child.kill().expect("an overdue child can be killed");
                panic!("isobar ran past {patience:?} and was killed");
            }
            match near.read(&mut buffer) {
                // EIO is how Linux says that the other end is closed (pty(7) says nothing of it).
                Ok(0) | Err(_) => return taken,
                Ok(read) => taken.extend_from_slice(&buffer[..read]),
            }
        }
    }
}
