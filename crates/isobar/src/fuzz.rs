//! Fuzz target: what a guest writes to a terminal.

use crate::terminal::Filter;

fn filtered<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let (mut filter, mut out) = (Filter::new(), Vec::new());
    for piece in pieces {
        filter.filter(piece, &mut out);
    }
    filter.finish(&mut out);
    out
}

/// The invariants of `terminal.rs`, for any bytes, cut anywhere.
#[test]
fn fuzz_terminal() {
    bolero::check!().with_max_len(8 << 10).for_each(|bytes: &[u8]| {
        let whole = filtered([bytes]);
        let text = std::str::from_utf8(&whole).expect("a terminal gets UTF-8");
        let mut rest = text;
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
        assert_eq!(filtered([whole.as_slice()]), whole, "filtering twice is filtering once");
        let cut = bytes.first().map_or(0, |first| usize::from(*first)).min(bytes.len());
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(filtered([head, tail]), whole, "how it is cut makes no difference");
    });
}
