//! System calls that fail on purpose: `CALL=ERRNO` and `CALL=ERRNO@N`.

use std::sync::atomic::{AtomicU32, Ordering};

use rustix::io::Errno;

use crate::raw::NAMED_CALLS;

/// The errors that a test may ask for (errno(3)).
const ERRORS: [(&str, Errno); 16] = [
    ("EACCES", Errno::ACCESS),
    ("EAGAIN", Errno::AGAIN),
    ("EBUSY", Errno::BUSY),
    ("EINTR", Errno::INTR),
    ("EINVAL", Errno::INVAL),
    ("EIO", Errno::IO),
    ("ELOOP", Errno::LOOP),
    ("EMFILE", Errno::MFILE),
    ("ENFILE", Errno::NFILE),
    ("ENOENT", Errno::NOENT),
    ("ENOMEM", Errno::NOMEM),
    ("ENOSPC", Errno::NOSPC),
    ("ENOSYS", Errno::NOSYS),
    ("EOPNOTSUPP", Errno::OPNOTSUPP),
    ("EPERM", Errno::PERM),
    ("EROFS", Errno::ROFS),
];

/// One call that fails. Words, not a lock: it is read between clone and exec, by processes that
/// share this memory.
struct Failing {
    /// The call's number + 1; 0 where the place is free.
    call: AtomicU32,
    errno: AtomicU32,
    /// Which call fails, counted from 1; 0 for every one.
    at: AtomicU32,
    /// How many there were.
    seen: AtomicU32,
}

static FAILING: [Failing; 8] = [const {
    Failing {
        call: AtomicU32::new(0),
        errno: AtomicU32::new(0),
        at: AtomicU32::new(0),
        seen: AtomicU32::new(0),
    }
}; 8];

/// Takes `CALL=ERRNO[@N]`; `false` where it is none, or where no place is left.
pub(super) fn add(text: &str) -> bool {
    parse(text).is_some_and(|(call, errno, at)| {
        let free = |one: &&Failing| one.call.load(Ordering::Relaxed) == 0;
        let Some(place) = FAILING.iter().find(free) else { return false };
        place.errno.store(errno.raw_os_error().unsigned_abs(), Ordering::Relaxed);
        place.at.store(at, Ordering::Relaxed);
        place.call.store(call + 1, Ordering::Release);
        true
    })
}

fn parse(text: &str) -> Option<(u32, Errno, u32)> {
    let (name, rest) = text.split_once('=')?;
    let (error, at) = match rest.split_once('@') {
        Some((error, at)) => (error, at.parse().ok().filter(|at| *at > 0)?),
        None => (rest, 0),
    };
    // Whoever ends would never end.
    let of_name = |known: &str| known.strip_prefix("__NR_") == Some(name) && name != "exit_group";
    let (_, call) = NAMED_CALLS.iter().find(|(known, _)| of_name(known))?;
    let (_, errno) = ERRORS.iter().find(|(known, _)| *known == error)?;
    Some((*call, *errno, at))
}

/// The error with which this call of `number` fails, if it does.
pub(crate) fn failing(number: u32) -> Option<Errno> {
    let one = FAILING.iter().find(|one| one.call.load(Ordering::Acquire) == number + 1)?;
    let seen = one.seen.fetch_add(1, Ordering::Relaxed) + 1;
    let at = one.at.load(Ordering::Relaxed);
    let errno = i32::try_from(one.errno.load(Ordering::Relaxed)).ok()?;
    (at == 0 || at == seen).then(|| Errno::from_raw_os_error(errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_no_fault() {
        for text in ["setns", "setns=", "setns=EWHAT", "nocall=EPERM", "setns=EPERM@0"] {
            assert!(parse(text).is_none(), "{text} would let a test pass for nothing");
        }
        let (call, errno, at) = parse("setns=EPERM@3").expect("the documented form");
        assert_eq!((call, errno, at), (308, Errno::PERM, 3), "setns is 308 on x86-64");
    }
}
