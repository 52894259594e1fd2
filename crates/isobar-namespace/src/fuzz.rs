//! Fuzz target: the stream from `isobar-init`, as a guest that took it over would fill it.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use isobar_boundary::Process as _;
use isobar_boundary::protocol::MAX_FRAME;

use crate::process::NamespaceProcess;
use crate::stream::FrameStream;

/// Whatever comes, in whatever pieces, reading ends: with frames within their bound, or with an
/// error; and no frame is made up.
#[test]
fn fuzz_stream() {
    bolero::check!().with_max_len(16 << 10).for_each(|bytes: &[u8]| {
        let (mut guest, host) = UnixStream::pair().expect("a pair of sockets");
        let mut stream = FrameStream::new(OwnedFd::from(host));
        let (mut given, mut taken) = (0, 0);
        // The first byte says how the rest is cut.
        let piece = 1 + usize::from(bytes.first().copied().unwrap_or(1)) * 16;
        for part in bytes.get(1..).unwrap_or_default().chunks(piece) {
            guest.write_all(part).expect("a socket holds this much");
            given += part.len();
            loop {
                let received = stream.try_receive();
                assert!(stream.kept() <= MAX_FRAME, "no more than one frame is kept");
                match received {
                    Ok(Some(frame)) => {
                        taken += frame.payload.len() + 5;
                        assert!(frame.payload.len() < MAX_FRAME, "a frame is within its bound");
                        assert!(taken <= given, "no frame holds what was not sent");
                    }
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
        }
        drop(guest);
        while let Ok(Some(_)) = stream.try_receive() {}
    });
}

/// Whatever the stream of a process says, asking for its end takes a bounded number of frames: it has
/// ended, or what was sent is used up. Once it has ended it stays so.
#[test]
fn fuzz_process() {
    bolero::check!().with_max_len(16 << 10).for_each(|bytes: &[u8]| {
        let (mut guest, host) = UnixStream::pair().expect("a pair of sockets");
        let watch_pids = u32::from(bytes.first().copied().unwrap_or(0));
        guest.write_all(bytes.get(1..).unwrap_or_default()).expect("a socket holds this much");
        let mut process = NamespaceProcess::over(OwnedFd::from(host), watch_pids);
        if let Some(report) = process.try_wait() {
            assert_eq!(process.try_wait(), Some(report), "an end is an end");
            return;
        }
        assert_eq!(process.try_wait(), None, "there was nothing more to read");
        drop(guest);
        assert!(process.try_wait().is_some(), "whose stream has ended has ended");
    });
}
