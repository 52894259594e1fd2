//! Reading small text files that steer the search for a program: shims, version files,
//! `pyvenv.cfg`, first lines.

use std::io::Read;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

/// What is read of such a file. All of those that are meant are far smaller.
const MAX_BYTES: u64 = 64 * 1024;

/// The beginning of the regular file `path`, links followed; at most `limit` bytes.
pub(super) fn read_head(path: &Path, limit: u64) -> Option<Vec<u8>> {
    // Non-blocking: opening a named pipe that has this name must not wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut head = Vec::new();
    std::fs::File::from(file).take(limit).read_to_end(&mut head).ok()?;
    Some(head)
}

/// The text of `path`; `None` where it is no regular file, not UTF-8, or too long.
pub(super) fn read_text(path: &Path) -> Option<String> {
    let head = read_head(path, MAX_BYTES + 1)?;
    if u64::try_from(head.len()).is_ok_and(|length| length <= MAX_BYTES) {
        String::from_utf8(head).ok()
    } else {
        None
    }
}
