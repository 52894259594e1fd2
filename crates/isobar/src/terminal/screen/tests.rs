//! Two streams, one terminal that takes little at a time, and what arrives there.

use std::cell::Cell;
use std::rc::Rc;

use super::super::tests::{Numbers, fault};
use super::*;

/// A terminal that takes so many bytes, and then none until it is given room again.
#[derive(Debug, Default)]
struct Tty {
    seen: RefCell<Vec<u8>>,
    room: Cell<usize>,
    gone: Cell<bool>,
}

impl Writer for Rc<Tty> {
    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone.get() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let taken = self.room.get().min(bytes.len());
        if taken == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room.set(self.room.get() - taken);
        self.seen.borrow_mut().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

fn bench() -> (Rc<Tty>, Screen<Rc<Tty>>) {
    let tty = Rc::new(Tty::default());
    let screen = Screen::new((Rc::clone(&tty), Passage::Text), (Rc::clone(&tty), Passage::Text));
    (tty, screen)
}

/// What the engine does: tries, and keeps what is not taken.
fn offer(screen: &Screen<Rc<Tty>>, stream: Stream, bytes: &[u8]) -> usize {
    match screen.sink(stream).write(bytes) {
        Ok(taken) => taken,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        Err(error) => panic!("the terminal is there: {error}"),
    }
}

const STREAMS: [(Stream, Stream); 2] = [(Stream::Out, Stream::Err), (Stream::Err, Stream::Out)];

#[test]
fn no_stream_completes_what_the_other_began() {
    let sent = "é\x1b[31mred\x1b[0m".as_bytes();
    for (first, second) in STREAMS {
        for cut in 0..sent.len() {
            let (tty, screen) = bench();
            tty.room.set(cut);
            assert_eq!(offer(&screen, first, sent), sent.len(), "the filter has them all");
            assert_eq!(offer(&screen, second, b"c"), 0, "cut at {cut}: the other waits");
            assert_eq!(tty.seen.borrow().as_slice(), &sent[..cut], "and nothing of it is there");
            tty.room.set(usize::MAX);
            assert_eq!(offer(&screen, second, b"c"), 1, "once there is room, it is served");
            let expected = [sent, b"c"].concat();
            assert_eq!(*tty.seen.borrow(), expected, "cut at {cut}: after the whole piece");
        }
    }
}

#[test]
fn a_stream_that_is_never_served_again_stops_nobody() {
    let (tty, screen) = bench();
    tty.room.set(1);
    offer(&screen, Stream::Err, b"\x1b[31m");
    tty.room.set(usize::MAX);
    screen.sink(Stream::Out).flush().unwrap();
    assert_eq!(tty.seen.borrow().as_slice(), b"\x1b[31m", "the other stream wrote the rest");
}

#[test]
fn a_sequence_that_stays_cut_is_broken_off_before_our_own_words() {
    let sent = b"a\x1b[31mb\x1b[0mc";
    for (first, _) in STREAMS {
        for cut in 0..sent.len() {
            let (tty, screen) = bench();
            tty.room.set(cut);
            offer(&screen, first, sent);
            let mut endings = screen.endings().into_iter();
            let (stream, end) = endings.next().unwrap();
            assert_eq!(stream, first, "it goes where the cut sequence went, and goes first");
            let in_sequence = (2..6).contains(&cut) || (8..11).contains(&cut);
            let expected: &[u8] = if in_sequence { b"\x18\x1b[0m" } else { b"\x1b[0m" };
            assert_eq!(end, expected, "cut at {cut}: CAN only where there is something to cancel");
            assert!(endings.all(|(_, end)| end.is_empty()), "and nothing is left to undo");
        }
    }
}

#[test]
fn what_is_written_whole_needs_no_cancel() {
    let (tty, screen) = bench();
    tty.room.set(usize::MAX);
    offer(&screen, Stream::Out, b"\x1b[31m");
    let expected = vec![(Stream::Out, b"\x1b[0m".to_vec()), (Stream::Err, Vec::new())];
    assert_eq!(screen.endings(), expected, "only the style is undone");
}

#[test]
fn a_terminal_that_goes_away_is_told_to_both() {
    let (tty, screen) = bench();
    tty.room.set(1);
    offer(&screen, Stream::Out, b"\x1b[31m");
    tty.gone.set(true);
    for stream in [Stream::Out, Stream::Err] {
        let error = screen.sink(stream).write(b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{stream:?} does not wait for it");
    }
}

#[test]
fn a_stream_that_is_no_terminal_waits_for_nobody() {
    let (tty, pipe) = (Rc::new(Tty::default()), Rc::new(Tty::default()));
    let screen = Screen::new((Rc::clone(&pipe), Passage::Raw), (Rc::clone(&tty), Passage::Text));
    tty.room.set(1);
    offer(&screen, Stream::Err, b"\x1b[31m");
    pipe.room.set(usize::MAX);
    assert_eq!(offer(&screen, Stream::Out, b"\x1bc"), 2, "a pipe is no part of the terminal");
    assert_eq!(pipe.seen.borrow().as_slice(), b"\x1bc", "and gets every byte");
}

/// What a filter lets pass when it is alone.
fn alone(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Filter::new(false).filter(bytes, &mut out);
    out
}

/// Offers some of what is left of `sent`.
fn advance(screen: &Screen<Rc<Tty>>, stream: Stream, sent: &[u8], at: &mut usize, most: usize) {
    let rest = &sent[*at..];
    if !rest.is_empty() {
        *at += offer(screen, stream, &rest[..most.min(rest.len())]);
    }
}

#[test]
fn however_the_streams_are_cut_and_mixed_only_text_and_colour_arrive() {
    let mut numbers = Numbers(0x5eed);
    for round in 0..3000 {
        let (tty, screen) = bench();
        let (out, err) = (numbers.hostile(), numbers.hostile());
        let (mut out_at, mut err_at) = (0, 0);
        while out_at < out.len() || err_at < err.len() {
            tty.room.set(numbers.below(4));
            let most = 1 + numbers.below(9);
            if numbers.below(2) == 0 {
                advance(&screen, Stream::Out, &out, &mut out_at, most);
            } else {
                advance(&screen, Stream::Err, &err, &mut err_at, most);
            }
        }
        tty.room.set(usize::MAX);
        screen.sink(Stream::Out).flush().unwrap();
        let seen = tty.seen.borrow();
        assert_eq!(fault(&seen), None, "round {round}: {out:?} and {err:?} gave {seen:?}");
        let length = alone(&out).len() + alone(&err).len();
        assert_eq!(seen.len(), length, "round {round}: nothing is lost or doubled");
    }
}

#[test]
fn a_kill_at_any_time_leaves_a_terminal_that_shows_our_own_words() {
    let mut numbers = Numbers(0xdead);
    for round in 0..3000 {
        let (tty, screen) = bench();
        for _ in 0..numbers.below(12) {
            tty.room.set(numbers.below(6));
            let (stream, bytes) = (STREAMS[numbers.below(2)].0, numbers.hostile());
            offer(&screen, stream, &bytes);
        }
        let mut seen = tty.seen.borrow().clone();
        for (_, end) in screen.endings() {
            seen.extend_from_slice(&end);
        }
        seen.extend_from_slice(b"cm our own words");
        assert_eq!(fault(&as_shown(&seen)), None, "round {round}: {seen:?}");
    }
}

/// `bytes` as a terminal takes them: without sequences that CAN breaks off, and with a mark for
/// a character that was cut.
fn as_shown(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    for byte in bytes {
        if *byte == CAN {
            let begun = kept.iter().rposition(|byte| *byte == ESC).expect("there is one to cancel");
            kept.truncate(begun);
        } else {
            kept.push(*byte);
        }
    }
    String::from_utf8_lossy(&kept).into_owned().into_bytes()
}
