//! Feeds and drains a child's streams in one loop, for a bounded time.
//!
//! No thread and no file: isobar behaves differently towards pipes, so it gets pipes.

use std::io::{Read as _, Write as _};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A pipe that poll(2) calls writable takes this much at once (PIPE_BUF, pipe(7)).
const PIECE: usize = 4096;

/// Gives `input`, takes what comes until both streams are closed.
pub(super) fn pump(
    child: &mut Child,
    input: Option<Vec<u8>>,
    patience: Duration,
) -> (Vec<u8>, Vec<u8>) {
    let started = Instant::now();
    let mut stdin = child.stdin.take();
    let mut outputs = [
        (child.stdout.take().map(std::os::fd::OwnedFd::from), Vec::new()),
        (child.stderr.take().map(std::os::fd::OwnedFd::from), Vec::new()),
    ];
    let input = input.unwrap_or_default();
    let mut given = 0;
    loop {
        if given == input.len() {
            stdin = None;
        }
        let mut asked: Vec<PollFd<'_>> = Vec::new();
        asked
            .extend(outputs.iter().flat_map(|(fd, _)| fd).map(|fd| PollFd::new(fd, PollFlags::IN)));
        if asked.is_empty() {
            break;
        }
        let readers = asked.len();
        asked.extend(stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        let Some(left) = patience.checked_sub(started.elapsed()) else {
            child.kill().expect("an overdue child can be killed");
            panic!("isobar ran past {patience:?} and was killed");
        };
        let timeout = Timespec::try_from(left).expect("a minute fits");
        poll(&mut asked, Some(&timeout)).expect("pipes can be polled");
        let ready: Vec<bool> = asked.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(asked);
        let open = outputs.iter_mut().filter(|(fd, _)| fd.is_some());
        for ((fd, taken), _) in open.zip(&ready).filter(|(_, ready)| **ready) {
            let mut buffer = [0; 65536];
            let mut file = std::fs::File::from(fd.take().expect("filtered for being open"));
            match file.read(&mut buffer).expect("a pipe can be read") {
                0 => {}
                read => {
                    taken.extend_from_slice(&buffer[..read]);
                    *fd = Some(file.into());
                }
            }
        }
        if ready.get(readers) == Some(&true) {
            let piece = &input[given..input.len().min(given + PIECE)];
            match stdin.as_mut().expect("it was polled").write(piece) {
                Ok(written) => given += written,
                // The guest does not want more.
                Err(_) => given = input.len(),
            }
        }
    }
    let [(_, stdout), (_, stderr)] = outputs;
    (stdout, stderr)
}

/// Whether `fd` has something to read within `patience`.
pub(super) fn readable(fd: impl std::os::fd::AsFd, patience: Duration) -> bool {
    let fd = fd.as_fd();
    let mut asked = [PollFd::new(&fd, PollFlags::IN)];
    let timeout = Timespec::try_from(patience).expect("a minute fits");
    poll(&mut asked, Some(&timeout)).expect("it can be polled") > 0
}
