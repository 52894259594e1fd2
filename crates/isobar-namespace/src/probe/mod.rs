//! Learning what this machine can do, by doing it: a whole sandbox is made, its agent speaks, its
//! evidence is checked. Only where that fails are the layers tried one by one, to name the one that
//! is missing.

mod cgroups;
mod layers;
mod switches;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use isobar_os::procfs::Status;
use isobar_os::{capability, raw};
use isobar_policy::{Fact, HostFacts, Layer, Privilege};
use rustix::process::{getegid, geteuid, getgroups};

pub(crate) use switches::{Blocked, blocked};

/// Everything about this host that planning needs.
pub(crate) fn probe(libexec: &Path) -> HostFacts {
    let mut facts = read();
    cgroups::probe(&mut facts);
    if facts.uid == 0 && facts.privilege == Privilege::User {
        facts.layers.insert(Layer::UserNamespace, root_without_rights());
        return facts;
    }
    layers::probe(libexec, &mut facts);
    facts
}

/// Whether what can be read without trying is still as `facts` say. Swap may be switched on and the
/// caller be moved to other groups between two starts of one boot.
pub(crate) fn still_holds(facts: &HostFacts) -> bool {
    let tried = HostFacts {
        layers: facts.layers.clone(),
        cgroups: facts.cgroups.clone(),
        swap_accounting: facts.swap_accounting,
        ..read()
    };
    tried == *facts
        && cgroups::swap_is_bounded(facts).is_none_or(|now| now == facts.swap_accounting)
}

/// What can be read without trying; no layer and no controller yet.
fn read() -> HostFacts {
    let name = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let mut groups: Vec<u32> =
        getgroups().unwrap_or_default().into_iter().map(rustix::process::Gid::as_raw).collect();
    groups.sort_unstable();
    HostFacts {
        kernel: text(name.release()),
        machine: text(name.machine()),
        privilege: privilege(uid),
        uid,
        gid,
        supplementary_groups: groups,
        layers: BTreeMap::new(),
        landlock_abi: raw::landlock_abi().unwrap_or(0),
        cgroups: BTreeMap::new(),
        swap: std::fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1),
        swap_accounting: false,
    }
}

/// Root counts as such only with the rights that set-up needs.
fn privilege(uid: u32) -> Privilege {
    let needed = capability::mask(capability::SYS_ADMIN)
        | capability::mask(capability::SETUID)
        | capability::mask(capability::SETGID);
    let pid = i32::try_from(std::process::id()).unwrap_or(0);
    let effective = Status::read(pid)
        .ok()
        .and_then(|status| u64::from_str_radix(status.field("CapEff"), 16).ok())
        .unwrap_or(0);
    if uid == 0 && effective & needed == needed { Privilege::Root } else { Privilege::User }
}

/// Mapping a guest to user 0 is out of the question, and without these rights nothing else can be
/// mapped.
fn root_without_rights() -> Fact {
    Fact::Missing {
        why: "isobar runs as user 0 without CAP_SYS_ADMIN, CAP_SETUID and CAP_SETGID".to_owned(),
        remedy: "run it as an ordinary user (docker: --user 1000), or give root these capabilities"
            .to_owned(),
    }
}
