//! Reads the number of tasks of a process from the directory `/proc/N/task`.
//!
//! Its link count is 2 plus the number of tasks (`proc_task_getattr`, Linux 2.6 and later), which
//! costs one stat and no parsing of text. PID 1 is the agent itself and never counted.

/// Bytes of the longest path that [`task_path`] makes: ten digits and the rest.
pub const TASK_PATH: usize = 10 + b"/task\0".len();

/// The path below `/proc` whose link count tells the tasks of the process that an entry of `/proc`
/// names; `None` where it names none, or the agent itself.
pub fn task_path<'out>(
    entry: &core::ffi::CStr,
    out: &'out mut [u8; TASK_PATH],
) -> Option<&'out core::ffi::CStr> {
    let name = entry.to_bytes();
    let digits = !name.is_empty() && name.iter().all(u8::is_ascii_digit);
    if !digits || name == b"1" {
        return None;
    }
    let (head, tail) = out.split_at_mut_checked(name.len())?;
    head.copy_from_slice(name);
    tail.get_mut(..6)?.copy_from_slice(b"/task\0");
    core::ffi::CStr::from_bytes_until_nul(out).ok()
}

/// The tasks that a link count stands for.
#[must_use]
pub fn guest_tasks(links: u64) -> u32 {
    u32::try_from(links.saturating_sub(2)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processes_of_the_guest_have_a_path() {
        let mut out = [0xff; TASK_PATH];
        assert_eq!(task_path(c"4194304", &mut out), Some(c"4194304/task"), "a process");
        assert_eq!(task_path(c"12", &mut out), Some(c"12/task"), "after a longer one");
        assert_eq!(task_path(c"2147483647", &mut out), Some(c"2147483647/task"), "the longest");
        let others = [c"1", c"", c".", c"self", c"12a", c"-3", c"99999999999", c"thread-self"];
        for other in others {
            assert_eq!(task_path(other, &mut out), None, "{other:?} is no process of the guest");
        }
    }

    #[test]
    fn links_are_two_more_than_tasks() {
        assert_eq!(guest_tasks(3), 1, "one thread");
        assert_eq!(guest_tasks(0), 0, "a file system that lies must not wrap");
        assert_eq!(guest_tasks(u64::MAX), u32::MAX, "nor truncate");
    }
}
