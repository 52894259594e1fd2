//! Fuzz target: what a guest writes to a terminal.

use crate::terminal::Filter;

/// What passes of these pieces, without what the end of a stream adds.
fn filtered<'a>(draws: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut filter, mut out) = (Filter::new(draws), Vec::new());
    for piece in pieces {
        filter.filter(piece, &mut out);
    }
    out
}

/// What holds of both forms: whole characters, filtering twice is filtering once, and how the bytes
/// are cut makes no difference.
fn check(draws: bool, bytes: &[u8]) -> String {
    let whole = filtered(draws, [bytes]);
    assert_eq!(filtered(draws, [whole.as_slice()]), whole, "filtering twice is filtering once");
    let cut = bytes.first().map_or(0, |first| usize::from(*first)).min(bytes.len());
    let (head, tail) = bytes.split_at(cut);
    assert_eq!(filtered(draws, [head, tail]), whole, "how it is cut makes no difference");
    String::from_utf8(whole).expect("a terminal gets UTF-8")
}

/// The invariants of `terminal.rs`, for any bytes, cut anywhere.
#[test]
fn fuzz_terminal() {
    bolero::check!().with_max_len(8 << 10).for_each(|bytes: &[u8]| {
        let text = check(false, bytes);
        let mut rest = text.as_str();
        while let Some((_, after)) = rest.split_once('\u{1b}') {
            let sequence = after.strip_prefix('[').and_then(|after| after.split_once('m'));
            let (parameters, beyond) = sequence.expect("an escape begins a colour");
            let plain = parameters.bytes().all(|byte| matches!(byte, b'0'..=b';'));
            assert!(plain, "nothing else hides in it: {parameters:?}");
            rest = beyond;
        }
        let acts =
            |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{8}' | '\u{1b}');
        assert!(!text.chars().any(acts), "no other character acts: {text:?}");
    });
}

/// With `-t`: what draws passes, what asks or acts does not.
#[test]
fn fuzz_drawing() {
    bolero::check!().with_max_len(8 << 10).for_each(|bytes: &[u8]| {
        let text = check(true, bytes);
        for (at, _) in text.match_indices('\u{1b}') {
            let next = text.get(at + 1..).and_then(|after| after.chars().next());
            // Strings (OSC, DCS, APC, PM, SOS, titles), a reset, a question of what it is.
            let acts = matches!(next, None | Some(']' | 'P' | '_' | '^' | 'X' | 'k' | 'c' | 'Z'));
            assert!(!acts, "{bytes:?} became {text:?}");
        }
        let acts = |c: char| matches!(c, '\u{5}' | '\u{80}'..='\u{9f}');
        assert!(!text.chars().any(acts), "no character asks or introduces: {text:?}");
    });
}
