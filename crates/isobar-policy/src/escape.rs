//! Making text from a guest, a file or a flag fit to be shown to a person.
//!
//! A terminal obeys control sequences, and an eye is misled by what has no width or turns the
//! direction of writing. All of these become visible here. The aim is a display that says what is
//! there, not an encoding that can be undone: a backslash stays as it is.
//!
//! What is replaced: control characters (Unicode category Cc: C0, DEL and C1), line and paragraph
//! separators (Zl, Zp), everything with the property `Default_Ignorable_Code_Point` of Unicode 16
//! (it has no width: zero-width space and joiners, bidirectional controls, tags, variation
//! selectors), interlinear annotations, and bytes that are not UTF-8.

/// `text` with everything visible: tab, line feed and carriage return as `\t`, `\n`, `\r`, other
/// ASCII controls as `\x1b`, all else as `\u{202e}`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut shown, c);
    }
    shown
}

/// As [`escape`]; a byte that is not part of UTF-8 text becomes `\xff`.
#[must_use]
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            push_byte(&mut shown, *byte);
        }
    }
    shown
}

/// As [`escape`], but at most `limit` characters long: what is longer ends in `…`.
///
/// Reads no more of `text` than it shows. A replacement is never cut in two.
#[must_use]
pub fn escape_bounded(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    let (mut width, mut fitting) = (0_usize, 0_usize);
    let mut one = String::new();
    for c in text.chars() {
        one.clear();
        push(&mut one, c);
        width += one.chars().count();
        if width > limit {
            shown.truncate(fitting);
            if limit > 0 {
                shown.push('…');
            }
            return shown;
        }
        shown.push_str(&one);
        if width < limit {
            fitting = shown.len();
        }
    }
    shown
}

fn push(shown: &mut String, c: char) {
    match c {
        '\t' => shown.push_str("\\t"),
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\0'..='\x7f' if c.is_ascii_control() => {
            let mut byte = [0];
            for one in c.encode_utf8(&mut byte).bytes() {
                push_byte(shown, one);
            }
        }
        _ if misleads(c) => {
            shown.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        }
        _ => shown.push(c),
    }
}

fn push_byte(shown: &mut String, byte: u8) {
    shown.push_str(&format!("\\x{byte:02x}"));
}

/// Whether `c` drives a terminal or cannot be seen.
const fn misleads(c: char) -> bool {
    matches!(c,
        // Cc, Zl, Zp.
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}'
        // Default_Ignorable_Code_Point, DerivedCoreProperties.txt of Unicode 16.
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        // Interlinear annotations hide what stands between them.
        | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_byte_is_shown_as_printable_ascii() {
        for byte in 0..=u8::MAX {
            let shown = escape_bytes(&[byte]);
            assert!(shown.bytes().all(|b| (0x20..0x7f).contains(&b)), "{byte:#x} became {shown:?}");
            let expected = match byte {
                b'\t' => "\\t".to_owned(),
                b'\n' => "\\n".to_owned(),
                b'\r' => "\\r".to_owned(),
                0x20..=0x7e => char::from(byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            };
            assert_eq!(shown, expected, "{byte:#x} has one form");
        }
    }

    #[test]
    fn every_pair_of_bytes_is_free_of_control_characters() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let shown = escape_bytes(&[first, second]);
                let clean = !shown.chars().any(char::is_control);
                assert!(clean, "{first:#x} {second:#x} must not reach a terminal as {shown:?}");
            }
        }
    }

    #[test]
    fn every_character_is_either_kept_or_shown_as_ascii() {
        for c in char::MIN..=char::MAX {
            let text = c.to_string();
            let shown = escape(&text);
            if misleads(c) {
                assert!(
                    shown.starts_with('\\') && shown.is_ascii(),
                    "U+{:04X} is visible",
                    u32::from(c)
                );
            } else {
                assert_eq!(shown, text, "U+{:04X} says what it is", u32::from(c));
            }
            assert!(!c.is_control() || misleads(c), "U+{:04X} is a control", u32::from(c));
        }
    }

    #[test]
    fn what_misleads_a_reader_is_named() {
        for (text, shown) in [
            ("\u{1b}[2J", "\\x1b[2J"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("pass\u{200b}word", "pass\\u{200b}word"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("C:\\x1b", "C:\\x1b"),
            ("Grüße, 世界", "Grüße, 世界"),
        ] {
            assert_eq!(escape(text), shown, "the one form of {text:?}");
        }
        assert_eq!(escape_bytes(b"a\xc3\x28\xff"), "a\\xc3(\\xff", "broken UTF-8 keeps its bytes");
    }

    #[test]
    fn a_bound_holds_and_cuts_no_replacement_in_two() {
        let text = "ab\u{1b}cd\u{202e}ef";
        let whole = escape(text);
        for limit in 0..=whole.len() + 1 {
            let shown = escape_bounded(text, limit);
            assert!(shown.chars().count() <= limit, "{limit} characters are asked, not {shown:?}");
            let kept = shown.strip_suffix('…').unwrap_or(&shown);
            assert!(whole.starts_with(kept), "{shown:?} is a beginning of {whole:?}");
            assert!(
                !kept.ends_with("\\x1") && !kept.ends_with("\\u{20"),
                "{shown:?} is cut between"
            );
        }
        assert_eq!(escape_bounded("abc", 3), "abc", "what fits is whole");
        assert_eq!(escape_bounded("abcd", 3), "ab…", "what does not fit says so");
    }
}
