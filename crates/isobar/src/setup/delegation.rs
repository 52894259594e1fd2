//! Delegation of control groups to users by systemd: without it an ordinary user's sandbox has no
//! limit of memory or processors.
//!
//! The user manager hands its users the controllers that `user@.service` delegates. systemd before
//! 252 delegates `memory` and `pids` only (systemd.resource-control(5), Delegate=).

use super::file::{self, Found};
use super::{Action, Root, SetupError, State, Step};

pub(super) const NAME: &str = "delegation";

const FILE: &str = "/etc/systemd/system/user@.service.d/60-isobar.conf";

/// Where distributions put the unit.
const UNITS: [&str; 2] =
    ["/usr/lib/systemd/system/user@.service", "/lib/systemd/system/user@.service"];

/// Present where control groups are of version 2 only (cgroups(7)).
const UNIFIED: &str = "/sys/fs/cgroup/cgroup.controllers";

const WANTED: [&str; 3] = ["cpu", "memory", "pids"];

pub(super) fn step(root: &Root) -> Result<Step, SetupError> {
    let write = file::written(FILE, "[Service]\nDelegate=cpu memory pids\n");
    let found = file::found(root, FILE)?;
    let state = match &found {
        Found::Ours(there) if Some(there.as_str()) == write.text() => State::Done,
        Found::Ours(_) | Found::Missing | Found::Foreign => needed(root)?,
    };
    let reload = Action::Run { program: "/usr/bin/systemctl", args: vec!["daemon-reload"] };
    let undo = match found {
        Found::Ours(_) => vec![Action::Remove { path: FILE }, reload.clone()],
        Found::Missing | Found::Foreign => Vec::new(),
    };
    Ok(Step {
        name: NAME,
        about: "let systemd hand its users the control groups that limits need",
        caution: Some("takes effect for a user at the next login"),
        state,
        apply: vec![write, reload],
        undo,
    })
}

fn needed(root: &Root) -> Result<State, SetupError> {
    if root.is_running() && !root.has("/run/systemd/system") {
        return Ok(State::NotNeeded("systemd does not run here"));
    }
    if root.is_running() && !root.has(UNIFIED) {
        return Ok(State::NotNeeded("control groups are of version 1, which no user is lent"));
    }
    for unit in UNITS {
        let Some(text) = root.read(unit)? else { continue };
        let missing = missing(&text);
        return Ok(match missing.as_slice() {
            [] => State::NotNeeded("systemd delegates cpu, memory and pids to its users"),
            names => State::Needed(format!("systemd does not delegate {}", names.join(", "))),
        });
    }
    Ok(State::NotNeeded("there is no user manager"))
}

/// What the unit does not delegate. `Delegate=yes` delegates everything.
fn missing(unit: &str) -> Vec<&'static str> {
    let mut delegated: Vec<&str> = Vec::new();
    for line in unit.lines().filter_map(|line| line.trim().strip_prefix("Delegate=")) {
        match line.trim() {
            "yes" | "true" | "1" | "on" => return Vec::new(),
            // An empty assignment takes all earlier ones back (systemd.unit(5)).
            "" => delegated.clear(),
            names => delegated.extend(names.split_whitespace()),
        }
    }
    WANTED.into_iter().filter(|name| !delegated.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_unit_delegates_is_read_as_systemd_reads_it() {
        assert_eq!(missing("[Service]\nDelegate=pids memory\n"), ["cpu"], "systemd 247");
        assert!(missing("Delegate=pids memory cpu\n").is_empty(), "systemd 252");
        assert!(missing("Delegate=yes\n").is_empty(), "everything");
        assert_eq!(missing("Delegate=cpu\nDelegate=\n"), WANTED, "an empty one takes all back");
        assert!(missing("Delegate=cpu\nDelegate=memory pids\n").is_empty(), "lines add up");
        assert_eq!(missing("[Service]\n"), WANTED, "nothing is nothing");
    }
}
