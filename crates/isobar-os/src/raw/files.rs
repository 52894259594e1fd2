//! Descriptors, files, directories.

use core::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

use linux_raw_sys::general as linux;
use rustix::io::Errno;

use super::call::{call, number};

/// A descriptor as a number of the calling process's table. It owns nothing: whoever made it is
/// still its owner, or exec closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fd(i32);

impl Fd {
    /// Relative paths start at the working directory.
    pub const CWD: Self = Self(linux::AT_FDCWD);

    /// The number of a descriptor that somebody else keeps open for as long as this is used.
    #[must_use]
    pub fn of(descriptor: BorrowedFd<'_>) -> Self {
        Self(descriptor.as_raw_fd())
    }

    /// The descriptor of that number, for the fixed numbers that programs of ours are started with.
    #[must_use]
    pub const fn numbered(number: i32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// What the kernel takes: the register holds the number, sign-extended.
    #[expect(clippy::cast_sign_loss, reason = "the kernel reads the low 32 bits as an int")]
    pub(super) const fn register(self) -> usize {
        self.0 as isize as usize
    }

    pub(super) fn from_answer(answer: usize) -> Self {
        // Descriptors are below 2^31: the kernel returns them as int.
        Self(i32::try_from(answer).unwrap_or(-1))
    }
}

/// Closes a descriptor of the stage's own table.
///
/// # Errors
/// As close(2).
pub fn close(fd: Fd) -> Result<(), Errno> {
    // SAFETY: close takes a number only. A caller that closes a number that it does not own can
    // confuse itself, but breaks no memory; owners in Rust live in other processes' tables here.
    unsafe { call(number::CLOSE, [fd.register()]) }.map(drop)
}

/// Makes `to` a duplicate of `from`, without close-on-exec (dup3(2)). Equal numbers are refused by
/// the kernel (EINVAL).
///
/// # Errors
/// As dup3(2).
pub fn duplicate_to(from: Fd, to: Fd) -> Result<(), Errno> {
    // SAFETY: two numbers, no pointer.
    unsafe { call(number::DUP3, [from.register(), to.register(), 0]) }.map(drop)
}

/// Marks every descriptor from `first` up close-on-exec (close_range(2), Linux 5.11).
///
/// # Errors
/// As close_range(2).
pub fn close_on_exec_from(first: Fd) -> Result<(), Errno> {
    /// linux/close_range.h
    const CLOSE_RANGE_CLOEXEC: usize = 1 << 2;
    let last = u32::MAX as usize;
    // SAFETY: numbers only.
    unsafe { call(number::CLOSE_RANGE, [first.register(), last, CLOSE_RANGE_CLOEXEC]) }.map(drop)
}

fn open_with(directory: Fd, path: &CStr, flags: u32, mode: u32) -> Result<Fd, Errno> {
    let flags = (flags | linux::O_CLOEXEC) as usize;
    // SAFETY: `path` is NUL-terminated and borrowed for the call.
    unsafe {
        call(number::OPENAT, [directory.register(), path.as_ptr() as usize, flags, mode as usize])
    }
    .map(Fd::from_answer)
}

/// Opens an existing file for reading.
///
/// # Errors
/// As openat(2).
pub fn open_read(directory: Fd, path: &CStr) -> Result<Fd, Errno> {
    open_with(directory, path, linux::O_RDONLY, 0)
}

/// Opens an existing file for writing, without creating or truncating it.
///
/// # Errors
/// As openat(2).
pub fn open_write(directory: Fd, path: &CStr) -> Result<Fd, Errno> {
    open_with(directory, path, linux::O_WRONLY, 0)
}

/// Opens a path as O_PATH without following any link on the way (openat2(2), Linux 5.6).
///
/// # Errors
/// As openat2(2); ELOOP where a component is a link.
pub fn open_path_beneath(directory: Fd, path: &CStr) -> Result<Fd, Errno> {
    let how = linux::open_how {
        flags: u64::from(linux::O_PATH | linux::O_CLOEXEC | linux::O_NOFOLLOW),
        mode: 0,
        resolve: u64::from(linux::RESOLVE_NO_SYMLINKS | linux::RESOLVE_NO_MAGICLINKS),
    };
    let size = size_of::<linux::open_how>();
    // SAFETY: `path` is NUL-terminated, `how` lives across the call and has the size that is said.
    unsafe {
        call(
            number::OPENAT2,
            [directory.register(), path.as_ptr() as usize, &raw const how as usize, size],
        )
    }
    .map(Fd::from_answer)
}

/// Makes new files get exactly the mode that their maker names (umask(2)). Concerns the calling
/// process alone, unless it shares its maker's file system attributes (CLONE_FS).
pub fn clear_mode_mask() {
    // SAFETY: a number only; the call cannot fail.
    unsafe { call(number::UMASK, [0]) }.ok();
}

/// Makes a directory. One that exists already is no error.
///
/// # Errors
/// As mkdirat(2), but for EEXIST.
pub fn make_directory(directory: Fd, path: &CStr, mode: u32) -> Result<(), Errno> {
    // SAFETY: `path` is NUL-terminated and borrowed for the call.
    let made = unsafe {
        call(number::MKDIRAT, [directory.register(), path.as_ptr() as usize, mode as usize])
    };
    match made {
        Err(Errno::EXIST) => Ok(()),
        other => other.map(drop),
    }
}

/// Makes a symbolic link.
///
/// # Errors
/// As symlinkat(2).
pub fn make_symlink(target: &CStr, directory: Fd, path: &CStr) -> Result<(), Errno> {
    // SAFETY: both strings are NUL-terminated and borrowed for the call.
    unsafe {
        call(
            number::SYMLINKAT,
            [target.as_ptr() as usize, directory.register(), path.as_ptr() as usize],
        )
    }
    .map(drop)
}

/// Makes a new file with `content`; it must not exist.
///
/// # Errors
/// As openat(2) and write(2).
pub fn write_file(directory: Fd, path: &CStr, mode: u32, content: &[u8]) -> Result<(), Errno> {
    let flags = linux::O_WRONLY | linux::O_CREAT | linux::O_EXCL | linux::O_NOFOLLOW;
    let file = open_with(directory, path, flags, mode)?;
    let written = write_all(file, content);
    close(file)?;
    written
}

/// Writes everything. EINTR is retried: nobody waits for a signal here.
///
/// # Errors
/// As write(2); EIO where the kernel takes nothing.
pub fn write_all(fd: Fd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: the pointer and length are those of a slice that is borrowed for the call.
        let wrote =
            unsafe { call(number::WRITE, [fd.register(), bytes.as_ptr() as usize, bytes.len()]) };
        match wrote {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = bytes.get(count..).ok_or(Errno::IO)?,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Reads once, retrying EINTR, and says how many bytes came; 0 is the end.
///
/// # Errors
/// As read(2).
pub fn read_once(fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        // SAFETY: the pointer and length are those of a slice that is mutably borrowed for the call.
        let read = unsafe {
            call(number::READ, [fd.register(), buffer.as_mut_ptr() as usize, buffer.len()])
        };
        if read != Err(Errno::INTR) {
            return read;
        }
    }
}

/// Sends a frame without payload: length 1, then `kind`.
///
/// # Errors
/// As write(2).
pub fn send_byte_frame(fd: Fd, kind: u8) -> Result<(), Errno> {
    write_all(fd, &[1, 0, 0, 0, kind])
}

/// What tells one file from another, and a device from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    /// Device that holds it, as `st_dev` encodes it.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// File type bits of the mode (`S_IFMT`).
    pub kind: u32,
    /// Major and minor number, for a device node.
    pub node: (u32, u32),
}

/// The identity of an open file (statx(2) with AT_EMPTY_PATH).
///
/// # Errors
/// As statx(2).
pub fn identity_of(fd: Fd) -> Result<FileIdentity, Errno> {
    let mut answer = core::mem::MaybeUninit::<linux::statx>::zeroed();
    let flags = linux::AT_EMPTY_PATH as usize;
    let mask = linux::STATX_BASIC_STATS as usize;
    // SAFETY: the path is a static empty string; `answer` is a `struct statx` that is mutably
    // borrowed for the call.
    unsafe {
        call(
            number::STATX,
            [fd.register(), c"".as_ptr() as usize, flags, mask, answer.as_mut_ptr() as usize],
        )
    }?;
    // SAFETY: it was zeroed, and every bit pattern is a valid `struct statx` of integers.
    let answer = unsafe { answer.assume_init() };
    Ok(FileIdentity {
        device: rustix::fs::makedev(answer.stx_dev_major, answer.stx_dev_minor),
        inode: answer.stx_ino,
        kind: u32::from(answer.stx_mode) & linux::S_IFMT,
        node: (answer.stx_rdev_major, answer.stx_rdev_minor),
    })
}
