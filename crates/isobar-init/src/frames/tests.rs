//! Frames survive every way in which a stream can be cut, and no bytes lead out of bounds.
//!
//! The streams come from a generator with a fixed seed: noise that nobody thought of, and the same
//! noise again when it finds something.

use isobar_boundary::protocol::{MAX_FRAME, encode_frame};

use super::*;

/// Feeds `stream` in pieces whose sizes `piece` chooses; returns the frames and the first error.
fn cut<const N: usize>(
    stream: &[u8],
    mut piece: impl FnMut() -> usize,
) -> (Vec<(u8, Vec<u8>)>, Option<FrameError>) {
    let mut buffer = FrameBuffer::<N>::new();
    let (mut frames, mut rest) = (Vec::new(), stream);
    loop {
        loop {
            match buffer.next_frame() {
                Ok(Some(frame)) => frames.push((frame.kind, frame.payload.to_vec())),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        if rest.is_empty() {
            return (frames, None);
        }
        let space = buffer.space();
        assert!(!space.is_empty(), "a buffer without a whole frame must have space, or it hangs");
        let count = piece().clamp(1, space.len()).min(rest.len());
        space[..count].copy_from_slice(&rest[..count]);
        buffer.filled(count);
        rest = &rest[count..];
    }
}

/// A small generator of pseudo-random numbers (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 8).expect("56 bits fit")
    }
}

#[test]
fn frames_do_not_depend_on_how_the_stream_is_cut() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut stream, mut sent) = (Vec::new(), Vec::new());
    let mut out = vec![0; 64];
    for kind in 0..100_u8 {
        let payload = vec![kind; random.next() % 40];
        stream.extend_from_slice(encode_frame(kind, &payload, &mut out).expect("40 bytes fit 64"));
        sent.push((kind, payload));
    }
    for _ in 0..200 {
        let (frames, error) = cut::<48>(&stream, || 1 + random.next() % 60);
        assert_eq!(error, None, "what encode_frame made is sound");
        assert_eq!(frames, sent, "every frame arrives once and whole");
    }
}

#[test]
fn the_largest_frame_fits_and_one_byte_more_does_not() {
    let mut out = vec![0; MAX_FRAME];
    let payload = vec![7; MAX_FRAME - HEADER];
    let largest = encode_frame(4, &payload, &mut out).expect("a payload of that size is allowed");
    let (frames, error) = cut::<MAX_FRAME>(largest, || 4096);
    assert_eq!((frames.len(), error), (1, None), "the bound itself is inside");
    assert_eq!(frames[0].1.len(), payload.len(), "and nothing of it is lost");

    let (frames, error) = cut::<32>(&[28 + 1, 0, 0, 0, 9], || 5);
    assert!(frames.is_empty(), "the frame cannot be whole");
    assert_eq!(error, Some(FrameError::Length { announced: 29 }), "33 bytes never fit 32");
    let (_, error) = cut::<32>(&[27 + 1, 0, 0, 0, 9], || 5);
    assert_eq!(error, None, "32 bytes do, and are waited for");
}

#[test]
fn random_bytes_never_leave_the_bounds() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut whole, mut refused) = (0, 0);
    for round in 0..20_000 {
        let mut stream: Vec<u8> =
            (0..random.next() % 300).map(|_| random.next().to_le_bytes()[0]).collect();
        // Pure noise announces absurd lengths at once; most rounds get small ones to go on with.
        if round % 4 != 0 {
            for start in (0..stream.len().saturating_sub(4)).step_by(9) {
                stream[start + 1..start + 4].fill(0);
                stream[start] %= 40;
            }
        }
        let (frames, error) = cut::<32>(&stream, || 1 + random.next() % 50);
        let taken: usize = frames.iter().map(|(_, payload)| HEADER + payload.len()).sum();
        assert!(taken <= stream.len(), "frames hold no byte that was not sent");
        assert!(
            frames.iter().all(|(_, payload)| payload.len() <= 32 - HEADER),
            "nor over-long ones"
        );
        whole += frames.len();
        refused += usize::from(error.is_some());
    }
    assert!(whole > 1000 && refused > 1000, "noise must reach both outcomes: {whole}, {refused}");
}
