//! The names of error numbers that attempts meet (errno(3)).

use rustix::io::Errno;

const NAMES: [(Errno, &str); 25] = [
    (Errno::PERM, "EPERM"),
    (Errno::NOENT, "ENOENT"),
    (Errno::SRCH, "ESRCH"),
    (Errno::INTR, "EINTR"),
    (Errno::IO, "EIO"),
    (Errno::BADF, "EBADF"),
    (Errno::AGAIN, "EAGAIN"),
    (Errno::NOMEM, "ENOMEM"),
    (Errno::ACCESS, "EACCES"),
    (Errno::FAULT, "EFAULT"),
    (Errno::BUSY, "EBUSY"),
    (Errno::EXIST, "EEXIST"),
    (Errno::XDEV, "EXDEV"),
    (Errno::NODEV, "ENODEV"),
    (Errno::NOTDIR, "ENOTDIR"),
    (Errno::INVAL, "EINVAL"),
    (Errno::NOSPC, "ENOSPC"),
    (Errno::ROFS, "EROFS"),
    (Errno::NOSYS, "ENOSYS"),
    (Errno::LOOP, "ELOOP"),
    (Errno::OPNOTSUPP, "EOPNOTSUPP"),
    (Errno::CONNREFUSED, "ECONNREFUSED"),
    (Errno::NETUNREACH, "ENETUNREACH"),
    (Errno::AFNOSUPPORT, "EAFNOSUPPORT"),
    (Errno::USERS, "EUSERS"),
];

/// The name of `errno`, or its number.
pub(crate) fn of(errno: Errno) -> String {
    NAMES
        .iter()
        .find(|(known, _)| *known == errno)
        .map_or_else(|| format!("errno {}", errno.raw_os_error()), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_number_is_still_said() {
        assert_eq!(of(Errno::PERM), "EPERM", "people know names");
        assert_eq!(of(Errno::from_raw_os_error(132)), "errno 132", "and can look numbers up");
    }
}
