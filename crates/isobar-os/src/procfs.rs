//! What the kernel says about another process in `/proc`. Read by the supervisor, as evidence.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, open, openat2};

use crate::namespaces::NamespaceKind;

/// The most bytes that are read of one file: mount tables of busy hosts are some 100 KiB.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Reads `/proc/PID/NAME`.
///
/// # Errors
/// As open(2) and read(2).
pub fn read(pid: i32, name: &str) -> io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(format!("/proc/{pid}/{name}"))?;
    file.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

/// The root directory of a process, as it sees it.
///
/// # Errors
/// As open(2); EACCES where the caller may not trace the process (proc_pid_root(5)).
pub fn root(pid: i32) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(format!("/proc/{pid}/root"), flags, Mode::empty())?)
}

/// Which file is at the absolute `path` below `root`, looked up as whoever has that root would, but
/// following no link: device and inode number as stat(2) gives them.
///
/// # Errors
/// As openat2(2); ELOOP where a link is on the way.
pub fn file_below(root: &OwnedFd, path: &str) -> io::Result<(u64, u64)> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let stat = fstat(openat2(root, path, flags, Mode::empty(), resolve)?)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// The identity of the namespace that the children of a process have, such as `net:[4026531840]`.
///
/// # Errors
/// As readlink(2).
pub fn namespace(pid: i32, kind: NamespaceKind) -> io::Result<String> {
    let link = std::fs::read_link(format!("/proc/{pid}/ns/{}", kind.link_of_children()))?;
    Ok(link.to_string_lossy().into_owned())
}

/// The identity of a namespace of the calling process.
///
/// # Errors
/// As readlink(2).
pub fn own_namespace(kind: NamespaceKind) -> io::Result<String> {
    let link = std::fs::read_link(format!("/proc/self/ns/{}", kind.link()))?;
    Ok(link.to_string_lossy().into_owned())
}

/// `/proc/PID/status` by field (proc_pid_status(5)).
#[derive(Debug, Clone)]
pub struct Status {
    fields: BTreeMap<String, String>,
}

impl Status {
    /// Reads the status of `pid`.
    ///
    /// # Errors
    /// As open(2) and read(2).
    pub fn read(pid: i32) -> io::Result<Self> {
        read(pid, "status").map(|text| Self::parse(&text))
    }

    /// Parses the text of a status file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let fields = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), words(value)))
            .collect();
        Self { fields }
    }

    /// The value of a field with single spaces between its words; empty where there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Soft and hard limit as `/proc/PID/limits` prints them, by the name of the line.
///
/// # Errors
/// As open(2) and read(2).
pub fn limits(pid: i32) -> io::Result<BTreeMap<String, (String, String)>> {
    read(pid, "limits").map(|text| parse_limits(&text))
}

fn parse_limits(text: &str) -> BTreeMap<String, (String, String)> {
    // The kernel prints "%-25s %-20s %-20s %-10s" (fs/proc/base.c).
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let name = line.get(..25)?.trim().to_owned();
            let mut values = line.get(25..)?.split_whitespace();
            Some((name, (values.next()?.to_owned(), values.next()?.to_owned())))
        })
        .collect()
}

/// The text with every run of white space as one space.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An identity map (user_namespaces(7)) as the kernel prints it, in normal form: `inside outside
/// count` a line.
///
/// # Errors
/// As open(2) and read(2).
pub fn id_map(pid: i32, name: &str) -> io::Result<String> {
    let text = read(pid, name)?;
    Ok(text.lines().map(words).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_status_and_limits_are_read() {
        let pid = i32::try_from(std::process::id()).expect("process numbers are small");
        let status = Status::read(pid).expect("every process may read itself");
        assert_eq!(status.field("Pid"), pid.to_string(), "the status is ours");
        let limits = limits(pid).expect("every process may read its own limits");
        assert!(
            limits.contains_key("Max open files"),
            "the kernel's table has this line: {limits:?}"
        );
    }

    #[test]
    fn fields_are_compared_with_single_spaces() {
        let status = Status::parse("Uid:\t1000\t1000\t1000\t1000\nGroups:\t \n");
        assert_eq!(status.field("Uid"), "1000 1000 1000 1000", "tabs become spaces");
        assert_eq!(status.field("Groups"), "", "no groups is the empty text");
    }
}
