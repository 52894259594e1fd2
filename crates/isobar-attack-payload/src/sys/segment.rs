//! Shared memory segments of System V (shmget(2), shmat(2)), for which there is no safe interface.

use linux_raw_sys::general as linux;
use rustix::io::Errno;

use super::call::call;

/// How long a segment of ours is: one page.
const LENGTH: usize = 4096;
/// `IPC_PRIVATE` (linux/ipc.h): a new segment without a key.
const PRIVATE: usize = 0;
/// `IPC_CREAT`, and read and write for everybody.
const CREATE_FOR_ALL: usize = 0o1000 | 0o666;
/// `IPC_RMID`: remove it with its last user.
const REMOVE: usize = 0;
/// `SHM_RDONLY` (linux/shm.h).
const READ_ONLY: usize = 0o10000;

/// Makes a segment that begins with `content` and that everybody may use. It vanishes with this
/// process, however that ends: it is marked for removal while this process is attached. Until then
/// others can attach to it by its number (shmctl(2), "Linux permits").
pub(crate) fn publish(content: &[u8]) -> Result<usize, Errno> {
    // SAFETY: numbers only.
    let id = unsafe { call(linux::__NR_shmget, [PRIVATE, LENGTH, CREATE_FOR_ALL]) }?;
    // SAFETY: with a null address the kernel chooses where; nobody else knows the new mapping.
    let start = unsafe { call(linux::__NR_shmat, [id, 0, 0]) }?;
    // SAFETY: numbers only.
    unsafe { call(linux::__NR_shmctl, [id, REMOVE, 0]) }?;
    let content = content.get(..LENGTH).unwrap_or(content);
    // SAFETY: the mapping is one page, writable, made above; `content` is no longer, and both are
    // distinct.
    unsafe { std::ptr::copy_nonoverlapping(content.as_ptr(), start as *mut u8, content.len()) };
    Ok(id)
}

/// Attaches to the segment `id` and copies its beginning.
pub(crate) fn read(id: usize) -> Result<Vec<u8>, Errno> {
    // SAFETY: with a null address the kernel chooses where; nobody else knows the new mapping.
    let start = unsafe { call(linux::__NR_shmat, [id, 0, READ_ONLY]) }?;
    let mut content = vec![0; LENGTH];
    // SAFETY: a segment is at least one page long, and the mapping lives until it is detached;
    // another process may write to it, of which bytes without meaning are the worst that comes.
    unsafe { std::ptr::copy_nonoverlapping(start as *const u8, content.as_mut_ptr(), LENGTH) };
    // SAFETY: the mapping that was made above, which nothing refers to.
    unsafe { call(linux::__NR_shmdt, [start]) }?;
    Ok(content)
}
