//! Call the kernel through its other interfaces, 32-bit and x32, whose numbers a filter for 64-bit
//! calls would misread.
//!
//! A refusal kills the caller, so each interface is tried by a child. Success is a call that did
//! its work: the process number, told right.

use crate::sys::process::{self, Ended};
use crate::sys::{getpid_32, getpid_x32};
use crate::verdict::{Refusals, Unable, Verdict};

/// Exit code of a child whose call was answered wrongly, which a kernel without the interface does.
const NO_INTERFACE: u8 = 1;

/// An interface: asks for the caller's process number.
type Way = (&'static str, fn() -> isize);

/// Tries both interfaces.
pub(crate) fn attempt(_: &[String]) -> Result<Verdict, Unable> {
    let mut refusals = Refusals::default();
    let ways: [Way; 2] = [("int 0x80", getpid_32), ("x32", getpid_x32)];
    for (way, getpid) in ways {
        let ended = process::in_child(|| {
            let own = rustix::process::getpid().as_raw_nonzero().get();
            if i32::try_from(getpid()) == Ok(own) { 0 } else { NO_INTERFACE }
        });
        match ended {
            Ok(Ended::With(0)) => return Ok(Verdict::Succeeded(way.to_owned())),
            Ok(Ended::With(_)) => refusals.other(way, "no such call"),
            Ok(Ended::By(SIGSYS)) => refusals.other(way, "SIGSYS"),
            Ok(Ended::By(signal)) => refusals.other(way, &format!("signal {signal}")),
            Err(errno) => return Err(Unable(format!("no child: {errno}"))),
        }
    }
    Ok(refusals.verdict())
}

/// What a filter's kill rule sends (signal(7)).
const SIGSYS: i32 = 31;
