//! Takes out of a text what differs from run to run and from machine to machine.

use std::path::Path;

/// `text` with the scratch directory as `SCRATCH`, digests as `DIGEST` and the build as `BUILD`.
pub(crate) fn scrub(text: &str, scratch: &Path) -> String {
    let shown = scratch.to_str().expect("a scratch directory has a plain name");
    let mut text = text.replace(shown, "SCRATCH");
    text = hexadecimal(&text, 64, "DIGEST");
    hexadecimal(&text, 16, "BUILD")
}

/// Replaces each run of exactly `length` hexadecimal digits.
fn hexadecimal(text: &str, length: usize, name: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let mut scrubbed = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_digit) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_digit(c)).unwrap_or(from.len());
        let (digits, after) = from.split_at(end);
        scrubbed.push_str(before);
        scrubbed.push_str(if digits.len() == length { name } else { digits });
        rest = after;
    }
    scrubbed.push_str(rest);
    scrubbed
}
