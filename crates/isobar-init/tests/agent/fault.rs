//! The faults of a fault build: each leaves out the one layer that another test sees holding.
//!
//! So the other test could fail, and the attacks that need a layer gone have what they need.

use isobar_boundary::protocol::Setup;

use super::host::{Agent, PLAIN, POWERLESS, STAGED, skip};

const KEEP_CAPABILITIES: u64 = 1;
const KEEP_IDENTITY: u64 = 2;
const STAY_DUMPABLE: u64 = 4;

#[test]
fn a_dumpable_agent_can_be_looked_into() {
    let (mut agent, _) = Agent::start(POWERLESS, &Setup { faults: STAY_DUMPABLE, ..PLAIN });
    let seen = agent.output("readlink /proc/1/exe");
    assert!(seen.contains("isobar-init"), "what a guest must not see: {seen}");
}

#[test]
fn capabilities_and_identity_can_be_kept() {
    if !rustix::process::geteuid().is_root() {
        return skip("fault::capabilities_and_identity", "only root has a second user number");
    }
    let flags = PLAIN.flags | Setup::SWITCH_IDS;
    let switch = Setup { flags, uid: 4242, gid: 4343, ..PLAIN };
    let status = |faults| {
        let (mut agent, _) = Agent::start(STAGED, &Setup { faults, ..switch });
        agent.output("cat /proc/self/status")
    };
    let none = "CapEff:\t0000000000000000";
    let kept = status(KEEP_IDENTITY);
    assert!(kept.contains("Uid:\t4141\t"), "the guest has the agent's user: {kept}");
    assert!(kept.contains(none), "and still no capability: {kept}");
    let kept = status(KEEP_CAPABILITIES);
    assert!(kept.contains("Uid:\t4242\t"), "the guest has its own user: {kept}");
    assert!(kept.contains("CapEff:\t00000000000001e0"), "with the agent's capabilities: {kept}");
    let kept = status(0);
    assert!(kept.contains(none) && kept.contains("Uid:\t4242\t"), "nothing is kept: {kept}");
}
