//! Rules for calls that make files or change their mode.
//!
//! No file may get a setuid or setgid bit: on a host directory that was lent, it would outlive the
//! sandbox and give its owner's rights to whoever runs it. The kernel takes `umode_t`, sixteen bits.
//! `mkdir` needs no rule: the kernel drops both bits from a new directory's mode (`vfs_mkdir`).

use linux_raw_sys::errno::EINVAL;
use linux_raw_sys::general::{
    O_CREAT, O_DIRECTORY, O_TMPFILE, RENAME_WHITEOUT, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK, S_ISGID,
    S_ISUID,
};

use crate::seccomp::rule::{ALLOW, Argument, Case, Check, DENY, Rule, errno};

const PRIVILEGED_MODE: u32 = S_ISUID | S_ISGID;
/// The kernel reads the mode only when a flag says that a file may be made (`WILL_CREATE`,
/// fs/open.c); libraries pass whatever the register holds otherwise. `O_TMPFILE` contains
/// `O_DIRECTORY`, which makes nothing.
const CREATES: u32 = O_CREAT | (O_TMPFILE & !O_DIRECTORY);

const fn plain_mode(argument: Argument) -> Rule {
    Rule::AnyBit { argument, bits: PRIVILEGED_MODE, some: &DENY, none: &ALLOW }
}

const PLAIN_SECOND: Rule = plain_mode(Argument::Second);
const PLAIN_THIRD: Rule = plain_mode(Argument::Third);
#[cfg(target_arch = "x86_64")]
const OPEN_RULE: Rule =
    Rule::AnyBit { argument: Argument::Second, bits: CREATES, some: &PLAIN_THIRD, none: &ALLOW };
const PLAIN_FOURTH: Rule = plain_mode(Argument::Fourth);

const SAYS_MODE: &str = "no setuid or setgid bit in the mode; else EPERM";

/// `chmod`, `fchmod`, `creat`.
pub(in crate::seccomp) const MODE_SECOND: Check = Check { says: SAYS_MODE, rule: PLAIN_SECOND };

/// `fchmodat`, `fchmodat2`.
pub(in crate::seccomp) const MODE_THIRD: Check = Check { says: SAYS_MODE, rule: PLAIN_THIRD };

const SAYS_OPEN: &str = "no setuid or setgid bit in the mode of a new file; else EPERM";

/// `open`.
#[cfg(target_arch = "x86_64")]
pub(in crate::seccomp) const OPEN: Check = Check { says: SAYS_OPEN, rule: OPEN_RULE };

/// `openat`.
pub(in crate::seccomp) const OPENAT: Check = Check {
    says: SAYS_OPEN,
    rule: Rule::AnyBit {
        argument: Argument::Third,
        bits: CREATES,
        some: &PLAIN_FOURTH,
        none: &ALLOW,
    },
};

/// File types that are no device. No type at all means a regular file.
const PLAIN_TYPES: &[u32] = &[0, S_IFREG, S_IFIFO, S_IFSOCK];
const SAYS_MKNOD: &str =
    "regular files, FIFOs and sockets without setuid or setgid bits; devices get EPERM";

/// `mknod`.
#[cfg(target_arch = "x86_64")]
pub(in crate::seccomp) const MKNOD: Check = Check {
    says: SAYS_MKNOD,
    rule: Rule::Switch {
        argument: Argument::Second,
        mask: S_IFMT,
        cases: &[Case { values: PLAIN_TYPES, then: PLAIN_SECOND }],
        otherwise: &DENY,
    },
};

/// `mknodat`.
pub(in crate::seccomp) const MKNODAT: Check = Check {
    says: SAYS_MKNOD,
    rule: Rule::Switch {
        argument: Argument::Third,
        mask: S_IFMT,
        cases: &[Case { values: PLAIN_TYPES, then: PLAIN_THIRD }],
        otherwise: &DENY,
    },
};

/// `renameat2`: a whiteout is a device node (0, 0) that no capability is asked for.
pub(in crate::seccomp) const RENAME: Check = Check {
    says: "no RENAME_WHITEOUT, which leaves a device node; it gets EINVAL",
    rule: Rule::AnyBit {
        argument: Argument::Fifth,
        bits: RENAME_WHITEOUT,
        some: &errno(EINVAL),
        none: &ALLOW,
    },
};
