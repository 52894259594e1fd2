//! The places at which a guest may see something that the policy gives it.
//!
//! A target is the guest's path, so it is judged without a look at the host: the same rule serves
//! the policy's check and the resolver, whose targets come from resolved host paths.

use crate::escape_bounded;

/// The longest path that the kernel takes, without the closing NUL (PATH_MAX, limits.h).
const MAX_PATH: usize = 4095;
/// The longest name within a path (NAME_MAX, limits.h).
const MAX_NAME: usize = 255;
/// The host's system directories, which the guest sees at their own places. Nothing can be made in
/// them to mount on.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// How much of a target a message repeats.
const SHOWN: usize = 80;

/// Why nothing can be seen at a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Not absolute.
    #[error("the target \"{}\" is not absolute", escape_bounded(target, SHOWN))]
    Relative {
        /// The target.
        target: String,
    },
    /// Contains `..`.
    #[error("the target \"{}\" contains `..`", escape_bounded(target, SHOWN))]
    Climbs {
        /// The target.
        target: String,
    },
    /// Contains a NUL.
    #[error("the target \"{}\" contains a NUL", escape_bounded(target, SHOWN))]
    Nul {
        /// The target.
        target: String,
    },
    /// Longer than the kernel takes.
    #[error("the target \"{}\" is longer than a path may be", escape_bounded(target, SHOWN))]
    TooLong {
        /// The target.
        target: String,
    },
    /// Taken by the sandbox itself.
    #[error("the target \"{}\" belongs to the sandbox: {owner}", escape_bounded(target, SHOWN))]
    Reserved {
        /// The target.
        target: String,
        /// What it is there.
        owner: &'static str,
    },
}

impl TargetError {
    /// What the user can do, in one line.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Relative { .. } => "write the target from the guest's root, such as /data",
            Self::Climbs { .. } => "write the target without `..`",
            Self::Nul { .. } => "write the target without NUL",
            Self::TooLong { .. } => {
                "use a target of at most 4095 bytes, with names of at most 255 bytes"
            }
            Self::Reserved { .. } => "choose another target, such as /data (PATH:TARGET)",
        }
    }
}

/// The one way to write `target`: absolute, no empty or `.` parts, no closing slash.
///
/// # Errors
/// What makes it no place for a grant: see [`TargetError`].
pub fn check_target(target: &str) -> Result<String, TargetError> {
    let owned = || target.to_owned();
    if target.contains('\0') {
        return Err(TargetError::Nul { target: owned() });
    }
    if !target.starts_with('/') {
        return Err(TargetError::Relative { target: owned() });
    }
    let mut plain = String::with_capacity(target.len());
    for name in target.split('/').filter(|name| !name.is_empty() && *name != ".") {
        if name == ".." {
            return Err(TargetError::Climbs { target: owned() });
        }
        if name.len() > MAX_NAME {
            return Err(TargetError::TooLong { target: owned() });
        }
        plain.push('/');
        plain.push_str(name);
    }
    if plain.len() > MAX_PATH {
        return Err(TargetError::TooLong { target: owned() });
    }
    match reserved(&plain) {
        Some(owner) => Err(TargetError::Reserved { target: owned(), owner }),
        None => Ok(plain),
    }
}

/// What of the sandbox's own stands at `plain`.
fn reserved(plain: &str) -> Option<&'static str> {
    let within = |root: &str| {
        plain
            .strip_prefix(root)
            .is_some_and(|rest| matches!(rest.bytes().next(), None | Some(b'/')))
    };
    match plain {
        "" => Some("it is the guest's root"),
        "/tmp" => Some("it is the guest's own /tmp, which limits.tmp-bytes sizes"),
        _ if within("/tmp/.shm") => Some("it is the guest's shared memory"),
        _ if within("/.isobar") => Some("it holds what the sandbox needs of its own"),
        _ if within("/etc") => Some("it holds the guest's few settings, made for it"),
        _ if SYSTEM.iter().any(|root| within(root)) => {
            Some("the host's system directories are visible there already, read-only")
        }
        _ if within("/proc") => Some("it shows the guest's own processes"),
        _ if within("/dev") => Some("it holds the guest's few devices"),
        _ if within("/sys") => Some("it would show the host's kernel objects"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_form() {
        for (target, plain) in [
            ("/data", "/data"),
            ("/data/", "/data"),
            ("//a/./b//", "/a/b"),
            ("/tmp/x", "/tmp/x"),
            ("/devel", "/devel"),
            ("/etcetera", "/etcetera"),
            ("/library", "/library"),
            ("/tmp/.shm2", "/tmp/.shm2"),
            ("/...", "/..."),
        ] {
            assert_eq!(check_target(target).as_deref(), Ok(plain), "{target} names this place");
        }
    }

    #[test]
    fn what_is_no_place_says_why() {
        type Is = fn(&TargetError) -> bool;
        let (relative, climbs): (Is, Is) = (
            |e| matches!(e, TargetError::Relative { .. }),
            |e| matches!(e, TargetError::Climbs { .. }),
        );
        let (reserved, long): (Is, Is) = (
            |e| matches!(e, TargetError::Reserved { .. }),
            |e| matches!(e, TargetError::TooLong { .. }),
        );
        let (deep, wide) = ("/a".repeat(2048), format!("/{}", "a".repeat(256)));
        for (target, is) in [
            ("", relative),
            ("data", relative),
            ("./data", relative),
            ("~/x", relative),
            ("/a/../etc", climbs),
            ("/..", climbs),
            ("/", reserved),
            ("//.", reserved),
            ("/tmp/", reserved),
            ("/proc", reserved),
            ("/proc/self/mem", reserved),
            ("/dev/null", reserved),
            ("/./sys//fs", reserved),
            ("/.isobar", reserved),
            ("/.isobar/x", reserved),
            ("/tmp/.shm", reserved),
            ("/tmp/.shm/x", reserved),
            ("/etc", reserved),
            ("/etc/passwd", reserved),
            ("/usr", reserved),
            ("/usr/share/x", reserved),
            ("/bin", reserved),
            ("/sbin/x", reserved),
            ("/lib", reserved),
            ("/lib32", reserved),
            ("/lib64/ld-linux-x86-64.so.2", reserved),
            ("/libx32", reserved),
            (deep.as_str(), long),
            (wide.as_str(), long),
        ] {
            let error = check_target(target).expect_err("no place for a grant");
            assert!(is(&error), "{target} is refused for another reason: {error}");
            assert!(!error.remedy().is_empty(), "a refusal without a next step helps nobody");
        }
        assert_eq!(
            check_target("/a\0b"),
            Err(TargetError::Nul { target: "/a\0b".to_owned() }),
            "the kernel would see another path than the one checked",
        );
    }

    #[test]
    fn the_longest_path_is_accepted_and_one_more_byte_is_not() {
        let names = format!("/{}", "a".repeat(254)).repeat(16); // 16 * 255 = 4080
        let longest = format!("{names}/{}", "b".repeat(14));
        assert_eq!(longest.len(), MAX_PATH, "the case sits on the edge");
        assert!(check_target(&longest).is_ok(), "PATH_MAX counts the closing NUL");
        assert!(check_target(&format!("{longest}b")).is_err(), "the kernel would say ENAMETOOLONG");
    }
}
