//! The late phase, also run by a process on itself.

use isobar_os::Errno;
use isobar_os::capability;
use isobar_os::landlock::FILE_RIGHTS;
use isobar_os::raw::{self, Fd};

use super::{At, Failure};
use crate::confinement::{Confinement, LandlockSpec};
use crate::error::Step;

/// `S_IFDIR` (inode(7)).
const DIRECTORY: u32 = 0o040_000;

/// Applies the late phase to the caller.
pub(crate) fn apply(late: &Confinement) -> Result<(), Failure> {
    if !late.enforce {
        return Ok(());
    }
    // The bounding set first: dropping from it needs a capability that goes with the rest.
    drop_bounding(late.keep_capabilities)?;
    raw::clear_ambient().at(Step::Capabilities)?;
    // Landlock before capset: rules name paths that only the owner of the root may open.
    raw::no_new_privileges().at(Step::NoNewPrivileges)?;
    if let Some(landlock) = &late.landlock {
        restrict(landlock)?;
    }
    // Without no_new_privs only CAP_SYS_ADMIN may install a filter (seccomp(2)). The fault that skips
    // it must leave the filter in place, so that its absence alone is there to be noticed.
    #[cfg(isobar_fault)]
    if isobar_os::fault::active(isobar_os::fault::Fault::SkipNoNewPrivileges) {
        install_filter(late)?;
        return keep_capabilities(late.keep_capabilities);
    }
    keep_capabilities(late.keep_capabilities)?;
    install_filter(late)
}

fn keep_capabilities(keep: u64) -> Result<(), Failure> {
    raw::capset(keep, keep, keep).at(Step::Capabilities)?;
    for number in (0..capability::COUNT).filter(|number| keep & capability::mask(*number) != 0) {
        raw::raise_ambient(number).at(Step::Capabilities)?;
    }
    Ok(())
}

fn install_filter(late: &Confinement) -> Result<(), Failure> {
    if let Some(filter) = &late.filter {
        raw::seccomp_filter(filter.instructions()).at(Step::Filter)?;
    }
    Ok(())
}

/// Reduces the bounding set to `keep`. A process that was launched with an empty late phase did
/// this before it executed its program and has no right to do it again, nor a need.
pub(crate) fn drop_bounding(keep: u64) -> Result<(), Failure> {
    for number in 0..capability::COUNT {
        if keep & capability::mask(number) != 0 {
            continue;
        }
        match raw::bounding_drop(number) {
            Ok(()) => {}
            // Beyond the last capability of this kernel.
            Err(Errno::INVAL) => break,
            // The right is asked for before the number.
            Err(Errno::PERM) if raw::bounding_has(number) == Ok(false) => {}
            Err(Errno::PERM) if raw::bounding_has(number) == Err(Errno::INVAL) => break,
            Err(errno) => return Err(errno).at(Step::Capabilities),
        }
    }
    Ok(())
}

fn restrict(landlock: &LandlockSpec) -> Result<(), Failure> {
    let ruleset = raw::landlock_create(landlock.handled(), landlock.scoped()).at(Step::Landlock)?;
    for (index, rule) in landlock.rules.iter().enumerate() {
        let path = match raw::open_path_beneath(Fd::CWD, &rule.path) {
            Err(Errno::NOENT) if rule.optional => continue,
            other => other.at_entry(Step::Landlock, index)?,
        };
        let kind = raw::identity_of(path).at_entry(Step::Landlock, index)?.kind;
        let rights = if kind == DIRECTORY { rule.access } else { rule.access & FILE_RIGHTS };
        let rights = rights & landlock.handled();
        raw::landlock_add_path(ruleset, path, rights).at_entry(Step::Landlock, index)?;
        raw::close(path).at_entry(Step::Landlock, index)?;
    }
    raw::landlock_restrict(ruleset).at(Step::Landlock)
}
