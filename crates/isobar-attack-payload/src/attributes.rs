//! Change what belongs to a file but is not its content: mode, times, extended attributes.
//!
//! Apart from writing, since Landlock has no right for any of it: only the mount's own flag holds.

use std::ffi::CString;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Mode, Timespec, Timestamps, XattrFlags, chmodat, setxattr, utimensat,
};

use crate::verdict::{Refusals, Unable, Verdict, argument};

/// `DIRECTORY`: it holds the file `canary`.
pub(crate) fn attempt(arguments: &[String]) -> Result<Verdict, Unable> {
    let canary = Path::new(argument(arguments, 0, "a directory")?).join("canary");
    let path = CString::new(canary.to_string_lossy().as_bytes())
        .map_err(|_| Unable("a path with a NUL".to_owned()))?;
    let long_ago = Timespec { tv_sec: 1, tv_nsec: 0 };
    let times = Timestamps { last_access: long_ago, last_modification: long_ago };
    let tried = [
        ("chmod", chmodat(CWD, &path, Mode::from_raw_mode(0o666), AtFlags::empty())),
        ("utimensat", utimensat(CWD, &path, &times, AtFlags::empty())),
        ("setxattr", setxattr(&path, c"user.attack", b"changed", XattrFlags::empty())),
    ];
    let mut refusals = Refusals::default();
    let mut worked = Vec::new();
    for (way, answer) in tried {
        match answer {
            Ok(()) => worked.push(way),
            Err(errno) => refusals.errno(way, errno),
        }
    }
    if worked.is_empty() {
        Ok(refusals.verdict())
    } else {
        Ok(Verdict::Succeeded(worked.join(", ")))
    }
}
