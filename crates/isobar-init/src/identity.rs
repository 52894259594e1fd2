//! Takes over the guest's user and group, and drops every capability.
//!
//! Only where the guest has a user of its own. The agent then holds CAP_KILL, CAP_SETGID,
//! CAP_SETUID and CAP_SETPCAP, all of them in the bounding set too, and nothing else. Neither user
//! is 0, so changing it drops no capability by itself: capset(2) does, and capget(2) proves it.

use isobar_boundary::protocol::Setup;
use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};
use rustix::thread::{Gid, Uid};

#[cfg(isobar_fault)]
use crate::fault;

/// CAP_SETPCAP last: changing the bounding set takes it in the effective set, and dropping it from
/// the bounding set leaves it there until capset.
const BOUNDING: [CapabilitySet; 4] =
    [CapabilitySet::KILL, CapabilitySet::SETGID, CapabilitySet::SETUID, CapabilitySet::SETPCAP];

const NONE: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};

/// Becomes the guest's user, where it has one.
pub(crate) fn take(setup: &Setup) -> Result<(), Errno> {
    if setup.flags & Setup::SWITCH_IDS == 0 {
        return Ok(());
    }
    #[cfg(isobar_fault)]
    if setup.faults & fault::KEEP_CAPABILITIES != 0 {
        switch(setup)?;
        fault::keep_capabilities();
        return Ok(());
    }
    for capability in BOUNDING {
        remove_capability_from_bounding_set(capability)?;
    }
    switch(setup)?;
    drop_capabilities()
}

fn switch(setup: &Setup) -> Result<(), Errno> {
    #[cfg(isobar_fault)]
    if setup.faults & fault::KEEP_IDENTITY != 0 {
        return Ok(());
    }
    let (gid, uid) = (Gid::from_raw_unchecked(setup.gid), Uid::from_raw_unchecked(setup.uid));
    set_keep_capabilities(false)?;
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

fn drop_capabilities() -> Result<(), Errno> {
    clear_ambient_capability_set()?;
    set_capabilities(None, NONE)?;
    if capabilities(None)? == NONE { Ok(()) } else { Err(Errno::PERM) }
}
