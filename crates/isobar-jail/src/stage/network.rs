//! The network namespace, made beside the mounts.
//!
//! Making one costs more than all other namespaces together (516 us), so a helper that shares
//! memory and descriptors with the stage does it while the stage mounts. The helper must be born
//! before the stage changes its mounts: it opens its own `/proc/self/ns/net`.

use isobar_os::Errno;
use isobar_os::namespaces::NamespaceKind;
use isobar_os::raw::{self, ChildStack, Fd, Shared};

use super::{At, Failure, Prepared};
use crate::error::Step;

/// What stage and helper share.
#[derive(Debug)]
pub(crate) struct Helper {
    pub(crate) stack: ChildStack,
    /// 0 while the helper works; then the namespace's descriptor + 1, or `ERROR` + errno.
    pub(crate) answer: Shared,
}

/// Marks an answer as an errno.
const ERROR: u32 = 1 << 31;

/// A helper that was started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started<'a> {
    helper: &'a Helper,
    pid: i32,
}

pub(super) fn start(prepared: &Prepared) -> Result<Option<Started<'_>>, Failure> {
    let Some(helper) = &prepared.helper else { return Ok(None) };
    let pid = crate::sys::start_helper(helper).at(Step::Helper)?;
    Ok(Some(Started { helper, pid }))
}

/// The helper itself. Runs with the stage's memory and descriptor table.
pub(crate) fn helper(helper: &Helper) {
    let answer = match make_namespace() {
        Ok(fd) => u32::try_from(fd.number() + 1).unwrap_or(ERROR),
        Err(errno) => ERROR | errno.raw_os_error().unsigned_abs(),
    };
    // Without the wake-up the stage sees the word when it looks; it fails only for a bad address.
    raw::wake(&helper.answer, answer).ok();
}

fn make_namespace() -> Result<Fd, Errno> {
    raw::parent_death_signal()?;
    // Opened first: under /proc/self of the mount namespace that this process was born with.
    let links = raw::open_path_beneath(Fd::CWD, c"/proc/thread-self/ns")
        .or_else(|_| raw::open_read(Fd::CWD, c"/proc/self/ns"))?;
    raw::unshare(NamespaceKind::Net.flag())?;
    loopback()?;
    let opened = raw::open_read(links, c"net")?;
    raw::close(links)?;
    Ok(opened)
}

/// Waits for the helper and enters its namespace.
pub(super) fn enter(started: Option<Started<'_>>) -> Result<(), Failure> {
    let Some(Started { helper, pid }) = started else { return Ok(()) };
    let answer = raw::wait_while_zero(&helper.answer).at(Step::Network)?;
    // An unreaped helper would count against the sandbox's process limit.
    raw::reap_child(pid).at(Step::Network)?;
    if answer & ERROR != 0 {
        let errno = i32::try_from(answer & !ERROR).unwrap_or(i32::MAX);
        return Err(Errno::from_raw_os_error(errno)).at(Step::Network);
    }
    let namespace = Fd::numbered(i32::try_from(answer - 1).unwrap_or(-1));
    raw::join_namespace(namespace, NamespaceKind::Net.flag()).at(Step::Network)?;
    raw::close(namespace).at(Step::Network)
}

/// Switches loopback on, beside the mounts as well: it takes 100 us.
#[cfg(not(isobar_fault))]
fn loopback() -> Result<(), Errno> {
    raw::loopback_up()
}

/// With the fault that keeps the caller's network there is nothing to switch on.
#[cfg(isobar_fault)]
fn loopback() -> Result<(), Errno> {
    use isobar_os::fault::{Fault, active};
    if active(Fault::SkipNetNamespace) { Ok(()) } else { raw::loopback_up() }
}
