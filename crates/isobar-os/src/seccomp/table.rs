//! The reviewed table of system calls, by group.
//!
//! One group, one file-level list: name, number, verdict, and a reason where the group's own does
//! not say it all. The lists cover every call that Linux 6.18 has on x86-64; calls that another
//! architecture lacks stand at the end of their group. A newer call gets [`UNKNOWN`].
//! Invariants (tested): each number once; each row changes what a filter does, or says why the
//! default is right.

mod denied;
mod files;
mod memory;
mod processes;
mod retired;
mod sockets;
mod streams;
mod system;

use linux_raw_sys::errno::ENOSYS;

use super::rule::{Answer, Check, errno_code};

/// What every call without a row is answered: ENOSYS. Programs and C libraries take it as an older
/// kernel and fall back; EPERM would make them fail.
pub(super) const UNKNOWN: Answer = Answer::Errno(errno_code(ENOSYS));

/// Calls that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// A short name, for reports.
    pub name: &'static str,
    /// Why the calls of the group have their verdicts.
    pub reason: &'static str,
    /// The calls.
    pub rows: &'static [Row],
}

/// One system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The call's name, as in its manual page.
    pub name: &'static str,
    /// The call's number on this architecture.
    pub number: u32,
    /// What is done with it.
    pub verdict: Verdict,
    /// Why, where the group's reason does not say it; else empty.
    pub reason: &'static str,
}

/// What is done with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Always served.
    Allow,
    /// Served or not, by its arguments.
    Check(&'static Check),
    /// By its arguments under [`ProcessRule::SelfOnly`](super::ProcessRule::SelfOnly), else served.
    Guard(&'static Check),
    /// Known to be bad.
    Deny,
    /// ENOSYS: known and left out, in a way that programs are prepared for.
    Absent,
}

/// The whole table; the groups' order is the order in which to read it.
#[must_use]
pub fn table() -> &'static [Group] {
    TABLE
}

const TABLE: &[Group] = &[
    files::FILES,
    streams::STREAMS,
    memory::MEMORY,
    processes::PROCESSES,
    processes::THREADS,
    processes::SIGNALS,
    processes::IDENTITY,
    processes::LIMITS,
    sockets::SOCKETS,
    sockets::IPC,
    system::TIME,
    system::MACHINE,
    system::CONFINEMENT,
    denied::MOUNTS,
    denied::NAMESPACES,
    denied::INSPECTION,
    denied::KERNEL,
    denied::ADMINISTRATION,
    denied::HANDLES,
    retired::RINGS,
    retired::RETIRED,
];

/// All rows of the table, in its order.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().flat_map(|group| group.rows)
}

/// The group and row of a call number; nothing for a call that the table does not know.
#[must_use]
pub fn row_of(number: u32) -> Option<(&'static Group, &'static Row)> {
    TABLE.iter().find_map(|group| {
        group.rows.iter().find(|row| row.number == number).map(|row| (group, row))
    })
}

/// How many calls have which verdict. Every call that is not counted answers ENOSYS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Always served.
    pub allowed: usize,
    /// Served or not by their arguments, whatever the request.
    pub checked: usize,
    /// Served or not by their arguments where PID 1 shares the guest's uid, else always served.
    pub guarded: usize,
    /// Known to be bad: EPERM.
    pub denied: usize,
    /// Known and left out: ENOSYS.
    pub absent: usize,
}

/// Counts the table by verdict.
#[must_use]
pub fn counts() -> Counts {
    let mut counts = Counts::default();
    for row in rows() {
        let count = match row.verdict {
            Verdict::Allow => &mut counts.allowed,
            Verdict::Check(_) => &mut counts.checked,
            Verdict::Guard(_) => &mut counts.guarded,
            Verdict::Deny => &mut counts.denied,
            Verdict::Absent => &mut counts.absent,
        };
        *count += 1;
    }
    counts
}

/// The name of a call from the name of its constant, so that name and number cannot differ.
const fn call_name(constant: &'static str) -> &'static str {
    constant.split_at("__NR_".len()).1
}

/// Rows from lines `CONSTANT => verdict, reason;`. No verdict means `Verdict::Allow`; what follows
/// `@x86_64` exists on that architecture only.
macro_rules! calls {
    (@verdict) => { $crate::seccomp::table::Verdict::Allow };
    (@verdict $verdict:expr) => { $verdict };
    (@reason) => { "" };
    (@reason $reason:literal) => { $reason };
    (@row $number:ident $(=> $verdict:expr)? $(, $reason:literal)?) => {
        $crate::seccomp::table::Row {
            name: $crate::seccomp::table::call_name(stringify!($number)),
            number: linux_raw_sys::general::$number,
            verdict: calls!(@verdict $($verdict)?),
            reason: calls!(@reason $($reason)?),
        }
    };
    (
        $($number:ident $(=> $verdict:expr)? $(, $reason:literal)?;)*
        $(@x86_64 $($legacy:ident $(=> $answer:expr)? $(, $why:literal)?;)*)?
    ) => {
        &[
            $(calls!(@row $number $(=> $verdict)? $(, $reason)?),)*
            $($(
                #[cfg(target_arch = "x86_64")]
                calls!(@row $legacy $(=> $answer)? $(, $why)?),
            )*)?
        ]
    };
}
use calls;
