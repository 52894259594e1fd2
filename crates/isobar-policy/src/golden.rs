//! Files that must say what the code says: generated once, compared ever after.
//!
//! With ISOBAR_BLESS=1 in the environment a test writes its file instead of comparing it; the
//! change then shows in the diff, where a reviewer judges it.

use std::path::{Path, PathBuf};

/// Compares the file at `path`, from the crate's directory, with `expected`.
#[track_caller]
pub(crate) fn check(path: &str, expected: &str) {
    let path = absolute(path);
    if std::env::var_os("ISOBAR_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, expected).expect("the golden file can be written");
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        found,
        expected,
        "{} is generated and out of date: run this test with ISOBAR_BLESS=1 and review the diff",
        path.display()
    );
}

/// As [`check`], for the part of the file between the comments `<!-- NAME -->` and
/// `<!-- end of NAME -->`, which stand on lines of their own. The rest is written by people.
#[track_caller]
pub(crate) fn check_part(path: &str, name: &str, expected: &str) {
    let text = read(path);
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
    let (before, rest) = text.split_once(&open).expect("the opening comment is there");
    let (_, after) = rest.split_once(&close).expect("the closing comment is there");
    check(path, &format!("{before}{open}{expected}{close}{after}"));
}

/// The text of a file of this checkout.
#[track_caller]
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(absolute(path)).expect("the file belongs to the checkout")
}

fn absolute(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
