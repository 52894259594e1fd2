//! Fuzz target: what is read of files that a guest of an earlier run may have written, to find a
//! program's interpreter and installation.

use super::{interpreter, pyenv, virtualenv};

/// First lines, `pyvenv.cfg` and version files are read to a name or to nothing.
#[test]
fn fuzz_steering_text() {
    bolero::check!().with_max_len(4 << 10).for_each(|bytes: &[u8]| {
        if let Some(found) = interpreter::parse(bytes) {
            assert!(!found.path.as_os_str().is_empty(), "{bytes:?} starts nothing");
            let name = found.name.unwrap_or_default();
            assert!(!name.as_encoded_bytes().contains(&b'\n'), "a name is of the first line");
        }
        let text = String::from_utf8_lossy(bytes);
        if let Some(home) = virtualenv::value_of(&text, "home") {
            assert!(
                !home.contains('\n') && home.trim() == home,
                "a value is of one line: {text:?}"
            );
        }
        for name in pyenv::names_in(&text) {
            assert!(!name.is_empty() && !name.contains(char::is_whitespace), "a word: {text:?}");
        }
    });
}
