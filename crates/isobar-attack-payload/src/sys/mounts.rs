//! mount_setattr(2), for which there is no safe interface yet.

use std::ffi::CStr;

use linux_raw_sys::general as linux;
use rustix::io::Errno;

use super::call::call;

/// `AT_FDCWD`: paths are absolute or relative to the working directory.
const HERE: usize = (-100_isize).cast_unsigned();

/// Makes the mount at `path` writable.
pub(crate) fn clear_read_only(path: &CStr) -> Result<(), Errno> {
    let change = linux::mount_attr {
        attr_set: 0,
        attr_clr: u64::from(linux::MOUNT_ATTR_RDONLY),
        propagation: 0,
        userns_fd: 0,
    };
    let size = size_of_val(&change);
    // SAFETY: `path` is NUL-terminated, `change` has the size that is said; both are borrowed for
    // the call.
    unsafe {
        call(
            linux::__NR_mount_setattr,
            [HERE, path.as_ptr() as usize, 0, &raw const change as usize, size],
        )
    }
    .map(drop)
}
