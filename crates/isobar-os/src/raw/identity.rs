//! Who a process is and which namespaces it is in.

use core::ffi::CStr;

use linux_raw_sys::general as linux;
use rustix::io::Errno;

use super::call::{call, faulty, number};
use super::files::Fd;

/// Moves the caller into new namespaces (unshare(2)).
///
/// # Errors
/// As unshare(2).
pub fn unshare(flags: u32) -> Result<(), Errno> {
    #[cfg(isobar_fault)]
    let flags = flags & !crate::fault::unshared_flags();
    if flags == 0 {
        return Ok(());
    }
    // SAFETY: a number only. The caller is single-threaded in its thread group.
    unsafe { call(number::UNSHARE, [flags as usize]) }.map(drop)
}

/// Joins a namespace by descriptor (setns(2)).
///
/// # Errors
/// As setns(2).
pub fn join_namespace(fd: Fd, kind: u32) -> Result<(), Errno> {
    faulty!(SkipNetNamespace, Ok(()));
    // SAFETY: numbers only.
    unsafe { call(number::SETNS, [fd.register(), kind as usize]) }.map(drop)
}

/// Drops all supplementary groups (setgroups(2)).
///
/// # Errors
/// As setgroups(2).
pub fn clear_groups() -> Result<(), Errno> {
    faulty!(KeepGroups, Ok(()));
    // SAFETY: a count of zero means that the pointer is not read.
    unsafe { call(number::SETGROUPS, [0, 0]) }.map(drop)
}

/// Sets real, effective and saved group number (setresgid(2)).
///
/// # Errors
/// As setresgid(2).
pub fn set_gid(gid: u32) -> Result<(), Errno> {
    let gid = gid as usize;
    // SAFETY: numbers only; raw, so it concerns the calling task alone, as intended.
    unsafe { call(number::SETRESGID, [gid, gid, gid]) }.map(drop)
}

/// Sets real, effective and saved user number (setresuid(2)).
///
/// # Errors
/// As setresuid(2).
pub fn set_uid(uid: u32) -> Result<(), Errno> {
    let uid = uid as usize;
    // SAFETY: as in `set_gid`.
    unsafe { call(number::SETRESUID, [uid, uid, uid]) }.map(drop)
}

/// Sets the host name of the current uts namespace (sethostname(2)).
///
/// # Errors
/// As sethostname(2).
pub fn set_hostname(name: &CStr) -> Result<(), Errno> {
    faulty!(SkipHostname, Ok(()));
    // In the caller's uts namespace nobody here has the right to.
    faulty!(SkipUtsNamespace, Ok(()));
    // SAFETY: pointer and length are those of a string that is borrowed for the call.
    unsafe { call(number::SETHOSTNAME, [name.as_ptr() as usize, name.count_bytes()]) }.map(drop)
}

/// Switches the loopback interface of the current network namespace on (netdevice(7),
/// SIOCSIFFLAGS). The kernel gives it 127.0.0.1 and ::1 by itself.
///
/// # Errors
/// As socket(2) and ioctl(2).
pub fn loopback_up() -> Result<(), Errno> {
    const AF_INET: usize = 2;
    const SOCK_DGRAM: usize = 2;
    const SIOCSIFFLAGS: usize = 0x8914;
    /// `struct ifreq`: a name of 16 bytes, then a union of 24 of which the flags are a short.
    const IFREQ: usize = 40;
    const IFF_UP: u8 = 1;
    let mut request = [0_u8; IFREQ];
    let (name, union) = request.split_at_mut(16);
    for (place, byte) in name.iter_mut().zip(*b"lo") {
        *place = byte;
    }
    if let Some(flags) = union.first_mut() {
        *flags = IFF_UP;
    }
    let kind = SOCK_DGRAM | linux::O_CLOEXEC as usize;
    // SAFETY: numbers only.
    let socket = Fd::from_answer(unsafe { call(number::SOCKET, [AF_INET, kind, 0]) }?);
    // SAFETY: `request` is as large as `struct ifreq` and lives across the call.
    let set = unsafe {
        call(number::IOCTL, [socket.register(), SIOCSIFFLAGS, request.as_ptr() as usize])
    };
    super::files::close(socket)?;
    set.map(drop)
}
