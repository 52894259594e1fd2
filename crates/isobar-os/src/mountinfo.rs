//! `/proc/PID/mountinfo` (proc_pid_mountinfo(5)), parsed. Paths are unescaped.

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The directory of the file system that is the root of this mount.
    pub root: String,
    /// Where it is mounted, seen from the root of whoever was asked.
    pub point: String,
    /// Options of the mount, such as `ro` and `nosuid`.
    pub options: Vec<String>,
    /// Propagation tags, such as `shared:1`.
    pub propagation: Vec<String>,
    /// Type of the file system.
    pub kind: String,
    /// Options of the file system.
    pub super_options: Vec<String>,
}

impl Mount {
    /// Whether the mount has the option.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|one| one == option)
    }

    /// Whether it shows the kernel itself, not files that somebody stored.
    #[must_use]
    pub fn shows_kernel(&self) -> bool {
        OF_THE_KERNEL.contains(&self.kind.as_str())
    }
}

/// Types of file systems that show the kernel itself, not files that somebody stored.
const OF_THE_KERNEL: &[&str] = &[
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "mqueue",
    "nfsd",
    "nsfs",
    "proc",
    "pstore",
    "resctrl",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "sysfs",
    "tracefs",
];

/// Parses the whole text. A line that does not have the documented form is left out: the caller
/// compares against what it expects, so a line that vanishes cannot hide a mount that matters.
#[must_use]
pub fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(|text| line(text, |_| true)).collect()
}

/// As [`parse`], of file systems of these types only: a host has many mounts, and each start reads
/// them.
#[must_use]
pub fn parse_kinds(text: &str, kinds: &[&str]) -> Vec<Mount> {
    text.lines().filter_map(|text| line(text, |kind| kinds.contains(&kind))).collect()
}

fn line(text: &str, is_wanted: impl Fn(&str) -> bool) -> Option<Mount> {
    let (front, back) = text.split_once(" - ")?;
    if !back.split(' ').next().is_some_and(is_wanted) {
        return None;
    }
    let mut front = front.split(' ').skip(3);
    let (root, point, options) = (front.next()?, front.next()?, front.next()?);
    // The kernel names a place by the directories that lead to it, none of which is called so.
    if point.split('/').any(|part| part == "..") {
        return None;
    }
    let mut back = back.split(' ');
    let (kind, _source, super_options) = (back.next()?, back.next()?, back.next().unwrap_or(""));
    let list = |text: &str| text.split(',').map(str::to_owned).collect();
    Some(Mount {
        root: unescape(root),
        point: unescape(point),
        options: list(options),
        propagation: front.map(str::to_owned).collect(),
        kind: kind.to_owned(),
        super_options: list(super_options),
    })
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(byte) if byte.is_ascii() => {
                out.push(char::from(byte));
                rest = after.get(3..).unwrap_or_default();
            }
            _ => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_read_whole() {
        let text = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\n";
        let mounts = parse(text);
        let mount = mounts.first().expect("the example of the manual page is a mount");
        assert_eq!(mount.point, "/mnt 2", "spaces are escaped in octal");
        assert_eq!(mount.propagation, ["master:1", "shared:2"], "optional fields end at the dash");
        assert_eq!(mount.kind, "ext3", "the type follows the dash");
        assert!(mount.has("noatime") && !mount.has("ro"), "options are compared whole");
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(unescape("a\\b\\1"), "a\\b\\1", "nothing may be swallowed");
        assert_eq!(unescape("\\134"), "\\", "a backslash is escaped too");
    }
}
