//! Which faults a fault build injects inside the sandbox (`--cfg isobar_fault`).
//!
//! The host chooses them in `Setup::faults`. They leave a layer out; they never forge what is
//! reported of it. A normal build has nothing of this module.

use rustix::thread::{
    CapabilitySets, capabilities, configure_capability_in_ambient_set, set_capabilities,
};

/// The guest keeps the capabilities of the agent, over execve too.
pub(crate) const KEEP_CAPABILITIES: u64 = 1;
/// The guest keeps the identity of the agent.
pub(crate) const KEEP_IDENTITY: u64 = 2;
/// The agent stays dumpable.
pub(crate) const STAY_DUMPABLE: u64 = 4;

/// Lets the capabilities of this process survive execve by a user other than root, which without
/// the ambient set they would not. What cannot be kept is lost as in a normal build.
pub(crate) fn keep_capabilities() {
    let Ok(sets) = capabilities(None) else { return };
    set_capabilities(None, CapabilitySets { inheritable: sets.permitted, ..sets }).ok();
    for capability in sets.permitted.iter() {
        configure_capability_in_ambient_set(capability, true).ok();
    }
}
