//! Get a new user namespace, in which every capability is one's own and with them most of the
//! kernel's attack surface (the class of CVE-2024-1086).
//!
//! Every call that makes namespaces, and with the flag of every other kind beside it: a filter that
//! compares flags for equality would miss those. The parent only asks; children get what is given.

use linux_raw_sys::general::{
    CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME,
    CLONE_NEWUSER, CLONE_NEWUTS,
};
use rustix::io::Errno;

use crate::sys::process::{self, Ended};
use crate::verdict::{Refusals, Unable, Verdict};

/// Flags that may stand beside the user namespace in clone(2).
const BESIDE: [u32; 7] =
    [0, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP];

/// Tries unshare, clone and clone3.
pub(crate) fn attempt(_: &[String]) -> Result<Verdict, Unable> {
    let mut refusals = Refusals::default();
    for flags in BESIDE.into_iter().chain([CLONE_NEWTIME]) {
        match unshared(flags | CLONE_NEWUSER) {
            Ok(()) => return Ok(Verdict::Succeeded("unshare".to_owned())),
            Err(errno) => refusals.errno("unshare", errno),
        }
    }
    for flags in BESIDE {
        match process::ended_child(u64::from(flags | CLONE_NEWUSER)) {
            Ok(()) => return Ok(Verdict::Succeeded("clone".to_owned())),
            Err(errno) => refusals.errno("clone", errno),
        }
        match process::ended_child3(u64::from(flags | CLONE_NEWUSER)) {
            Ok(()) => return Ok(Verdict::Succeeded("clone3".to_owned())),
            Err(errno) => refusals.errno("clone3", errno),
        }
    }
    Ok(refusals.verdict())
}

/// unshare(2) in a child, which ends with the error's number, or with 0.
fn unshared(flags: u32) -> Result<(), Errno> {
    let ended = process::in_child(|| match process::unshare(flags) {
        Ok(()) => 0,
        Err(errno) => u8::try_from(errno.raw_os_error()).unwrap_or(u8::MAX),
    })?;
    match ended {
        Ended::With(0) => Ok(()),
        Ended::With(number) => Err(Errno::from_raw_os_error(i32::from(number))),
        Ended::By(_) => Err(Errno::INTR),
    }
}
