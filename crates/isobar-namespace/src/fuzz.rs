//! Fuzz target: the stream from `isobar-init`, as a guest that took it over would fill it.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use isobar_boundary::protocol::MAX_FRAME;

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
                match stream.try_receive() {
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
