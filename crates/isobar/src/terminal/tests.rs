//! The filter against what terminals are known to obey, against every short input, and against
//! random ones.

use super::*;

fn filtered(bytes: &[u8]) -> Vec<u8> {
    let mut filter = Filter::new(false);
    let mut out = Vec::new();
    filter.filter(bytes, &mut out);
    out
}

fn finished(bytes: &[u8]) -> Vec<u8> {
    let mut filter = Filter::new(false);
    let mut out = Vec::new();
    filter.filter(bytes, &mut out);
    filter.finish(&mut out);
    out
}

/// A second reader of the same language, written from the promise and not from the machine: what
/// is not text, one of four controls, or a whole SGR sequence is a fault.
pub(super) fn fault(out: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(out) else { return Some("not UTF-8".to_owned()) };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\t' | '\n' | '\r' | '\u{8}' => {}
            '\u{1b}' => {
                let Some(after) = rest.strip_prefix('[') else { return Some("bare ESC".into()) };
                let end =
                    after.trim_start_matches(|c: char| c.is_ascii_digit() || ";:".contains(c));
                let Some(after) = end.strip_prefix('m') else { return Some("not SGR".into()) };
                rest = after;
            }
            c if c.is_control() => return Some(format!("control U+{:04X}", u32::from(c))),
            _ => {}
        }
    }
    None
}

/// Numbers for tests, the same in each run: xorshift64*.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// Bytes in which sequences, broken ones too, are frequent.
    pub(super) fn hostile(&mut self) -> Vec<u8> {
        const PIECES: &[&[u8]] = &[
            b"\x1b",
            b"[",
            b"]",
            b"52;c;",
            b"\x07",
            b"\x1b\\",
            b"m",
            b"31",
            b";",
            b":",
            b"?",
            b"P",
            b"_",
            b"^",
            b"X",
            b"k",
            b"\x9b",
            b"\x9d",
            b"\x9c",
            b"\xc2\x9b",
            b"\xc2",
            b"\xe2\x82",
            b"\xac",
            b"\xf0\x9f\x98\x80",
            b"\xff",
            b"\n",
            b"\r",
            b"\x18",
            b" ",
            b"!",
            b"text",
            b"0",
            b"\x7f",
            b"\0",
            b"\x0e",
            b"\x85",
            b"\xc3\xa9",
            b">",
            b"38;2;1;2;3",
        ];
        let mut bytes = Vec::new();
        for _ in 0..self.below(40) {
            bytes.extend_from_slice(PIECES[self.below(PIECES.len())]);
            if self.below(8) == 0 {
                bytes.push(self.next().to_le_bytes()[7]);
            }
        }
        bytes
    }
}

#[test]
fn text_and_colour_pass_unchanged() {
    for text in [
        "plain\n",
        "tab\tcarriage\r\n",
        "progress 10%\x08\x08\x0820%",
        "Grüße 世界 😀\n",
        "\x1b[1;31mred\x1b[0m\n",
        "\x1b[mreset",
        "\x1b[38;2;255;0;10mtrue colour\x1b[m",
        "\x1b[4:3mcurly\x1b[0m",
    ] {
        assert_eq!(filtered(text.as_bytes()), text.as_bytes(), "{text:?} harms no terminal");
    }
}

#[test]
fn what_terminals_obey_is_dropped() {
    for (bytes, left, what) in [
        (&b"a\x1b]52;c;ZXZpbA==\x07b"[..], &b"ab"[..], "OSC 52 writes the clipboard"),
        (b"a\x1b]0;title\x1b\\b", b"ab", "OSC 0 renames the window"),
        (b"a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", b"alinkb", "OSC 8 links elsewhere"),
        (b"a\x1bP+q544e\x1b\\b", b"ab", "DCS asks, and the answer is typed into the shell"),
        (b"a\x1b_Gf=100;AAAA\x1b\\b", b"ab", "APC loads images from files"),
        (b"a\x1b^pm\x1b\\b\x1bXsos\x1b\\c", b"abc", "PM and SOS"),
        (b"a\x1bktitle\x1b\\b", b"ab", "the window title of screen"),
        (b"a\x1b[2J\x1b[Hb", b"ab", "erase and move"),
        (b"a\x1b[6nb\x1b[cc", b"abc", "reports are typed into the shell"),
        (b"a\x1b[?1049hb", b"ab", "the alternate screen"),
        (b"a\x1b[>4;2mb", b"ab", "a private sequence that ends in m changes the keyboard"),
        (b"a\x1b[?4mb", b"ab", "so does its question"),
        (b"a\x1b[0 mb", b"ab", "an intermediate byte makes it another sequence"),
        (b"a\x1b[!pb", b"ab", "soft reset"),
        (b"a\x1bcb\x1b7c\x1b#8d\x1b(0e", b"abcde", "reset, save, alignment, character set"),
        (b"a\x9b2Jb\x9d0;t\x07c", b"abc", "C1 in one byte"),
        (b"a\xc2\x9b2Jb\xc2\x9d0;t\x07c", b"abc", "C1 as UTF-8"),
        (b"a\x05b\x07c\x0ed\x0fe\x7ff\0g", b"abcdefg", "answer-back, bell, shifts, delete, NUL"),
        (b"a\x1b\x1b[2Jb", b"ab", "ESC twice"),
        (b"a\x1b]0;x\x1b[2Jb", b"ab", "a sequence breaks a string off and is judged itself"),
    ] {
        let seen = filtered(bytes);
        assert_eq!(seen, left, "{what}: {}", String::from_utf8_lossy(&seen).escape_debug());
    }
}

#[test]
fn an_8_bit_colour_becomes_a_7_bit_one() {
    assert_eq!(filtered(b"\x9b31mx"), b"\x1b[31mx", "every terminal reads this form");
}

#[test]
fn a_line_feed_inside_a_sequence_ends_it() {
    assert_eq!(filtered(b"\x1b[3\n1mx"), b"\n1mx", "the sequence is dropped, the rest is text");
}

#[test]
fn broken_utf8_is_shown_as_such() {
    assert_eq!(filtered(b"a\xffb"), "a\u{fffd}b".as_bytes(), "no byte passes that is not text");
    assert_eq!(filtered(b"a\xe2\x82b"), "a\u{fffd}b".as_bytes(), "the next byte is kept");
    assert_eq!(finished(b"a\xe2\x82"), "a\u{fffd}".as_bytes(), "also at the end");
    assert_eq!(filtered(b"a\xe2\x82"), b"a", "half a character waits");
}

#[test]
fn style_does_not_outlive_the_stream() {
    assert_eq!(finished(b"\x1b[8mhidden"), b"\x1b[8mhidden\x1b[0m", "our own line must be seen");
    assert_eq!(finished(b"\x1b[31mx\x1b[0m"), b"\x1b[31mx\x1b[0m", "a guest that resets is done");
}

#[test]
fn a_string_without_end_swallows_a_bounded_amount() {
    let mut bytes = b"\x1b]52;c;".to_vec();
    bytes.resize(bytes.len() + MAX_STRING + 10, b'A');
    bytes.extend_from_slice(b"\nvisible");
    let out = filtered(&bytes);
    assert!(out.ends_with(b"\nvisible"), "what follows must not be lost for ever");
    assert!(out.len() < 32, "the string itself is dropped, {} bytes passed", out.len());
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let mut filter = Filter::new(false);
    let mut out = Vec::new();
    for piece in [&b"\x1b["[..], &[b'1'; 100_000], b"\x1b]", &[b'x'; 100_000], &[0xe2; 1000]] {
        filter.filter(piece, &mut out);
        out.clear();
        assert!(filter.parameters.capacity() <= 2 * MAX_PARAMETERS, "parameters are cut");
        assert!(filter.character.capacity() <= 8, "a character has four bytes");
    }
}

#[test]
fn every_input_of_two_bytes_after_every_introducer_gives_only_text_and_colour() {
    for introducer in [&b""[..], b"\x1b", b"\x1b[", b"\x1b[3", b"\x1b]", b"\xc2", b"\xe2\x82"] {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let bytes = [introducer, &[first, second][..], b"m".as_slice()].concat();
                let out = finished(&bytes);
                assert_eq!(fault(&out), None, "{bytes:02x?} became {out:02x?}");
            }
        }
    }
}

#[test]
fn random_sequences_give_only_text_and_colour_however_they_are_cut() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let bytes = numbers.hostile();
        let whole = finished(&bytes);
        assert_eq!(fault(&whole), None, "{bytes:02x?} became {whole:02x?}");
        assert_eq!(finished(&whole), whole, "filtering again must change nothing: {bytes:02x?}");
        let mut filter = Filter::new(false);
        let mut pieces = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(1 + numbers.below(rest.len()));
            let before = pieces.len();
            filter.filter(piece, &mut pieces);
            assert_eq!(fault(&pieces[before..]), None, "each write is whole by itself");
            rest = after;
        }
        filter.finish(&mut pieces);
        assert_eq!(pieces, whole, "cuts must make no difference: {bytes:02x?}");
    }
}

#[test]
fn the_reader_of_the_tests_finds_faults() {
    for bytes in [&b"\x1b[2J"[..], b"\x1b]0;t\x07", b"\x07", b"\xff", b"\x1b[31", b"\xc2\x9b"] {
        assert!(fault(bytes).is_some(), "{bytes:02x?} must not count as harmless");
    }
}
