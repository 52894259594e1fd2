//! Fuzz target: the text of a policy, which a guest of an earlier run may have written.

use crate::{escape_bounded, mutation};

/// Whatever the bytes, reading ends, with a policy that survives being written or with an error of
/// two clean lines.
#[test]
fn fuzz_policy() {
    bolero::check!().with_max_len(8 << 10).for_each(|bytes: &[u8]| mutation::check(bytes));
}

/// What is shown of foreign text is bounded and drives no terminal.
#[test]
fn fuzz_escape() {
    bolero::check!().with_max_len(4 << 10).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let shown = escape_bounded(&text, 60);
        assert!(!shown.chars().any(char::is_control), "{text:?} became {shown:?}");
        // The longest escape of one character, and the mark of what was cut.
        assert!(shown.chars().count() <= 60 * 12 + 8, "{text:?} became {shown:?}");
    });
}
