//! User namespaces that are switched off for ordinary users: the kernel's count
//! (`user.max_user_namespaces`, namespaces(7)) and Debian's switch
//! (`kernel.unprivileged_userns_clone`, off by default until Debian 11).

use super::file::{self, Found};
use super::{Action, Root, SetupError, State, Step};

pub(super) const NAME: &str = "userns";

/// Where the settings are kept for the next boot (sysctl.d(5)).
const FILE: &str = "/etc/sysctl.d/60-isobar.conf";

/// A setting, the file that shows it, the value that forbids, the value that is set.
struct Switch {
    key: &'static str,
    path: &'static str,
    forbids: &'static str,
    allows: &'static str,
}

/// The kernel's own default of the first follows from the machine's memory; this many are enough
/// for any number of sandboxes at once, and no more memory is held for a larger number.
const SWITCHES: [Switch; 2] = [
    Switch {
        key: "user.max_user_namespaces",
        path: "/proc/sys/user/max_user_namespaces",
        forbids: "0",
        allows: "65536",
    },
    Switch {
        key: "kernel.unprivileged_userns_clone",
        path: "/proc/sys/kernel/unprivileged_userns_clone",
        forbids: "0",
        allows: "1",
    },
];

/// Before the value that a setting had, in the file that isobar writes.
const WAS: &str = "# was: ";

pub(super) fn step(root: &Root) -> Result<Step, SetupError> {
    let mut off = Vec::new();
    for switch in &SWITCHES {
        if root.read(switch.path)?.is_some_and(|value| value.trim() == switch.forbids) {
            off.push(switch);
        }
    }
    let found = file::found(root, FILE)?;
    let state = match (off.first(), &found) {
        (Some(first), _) => State::Needed(format!("{} is {}", first.key, first.forbids)),
        (None, Found::Ours(_)) => State::Done,
        (None, _) => State::NotNeeded("ordinary users may make user namespaces"),
    };
    Ok(Step {
        name: NAME,
        about: "let ordinary users make user namespaces, now and after a restart",
        caution: Some("every program may make them then, which other programs' flaws may need"),
        state,
        apply: apply(&off, &found),
        undo: undo(&found),
    })
}

/// All switches are kept when the step is asked for by name on a host where none is off, as in an
/// image that is built.
fn apply(off: &[&Switch], found: &Found) -> Vec<Action> {
    let kept: Vec<&Switch> = if off.is_empty() { SWITCHES.iter().collect() } else { off.to_vec() };
    let mut lines = String::new();
    // What an earlier call noted is what undo must bring back.
    if let Found::Ours(text) = found {
        for line in text.lines().filter(|line| line.starts_with(WAS)) {
            lines.push_str(&format!("{line}\n"));
        }
    }
    for switch in off {
        let note = format!("{WAS}{} = {}\n", switch.key, switch.forbids);
        if !lines.contains(&note) {
            lines.push_str(&note);
        }
    }
    for switch in kept {
        // The minus: a kernel without the switch is no error (sysctl.d(5)).
        lines.push_str(&format!("-{} = {}\n", switch.key, switch.allows));
    }
    let set = |switch: &&Switch| Action::Set { path: switch.path, value: switch.allows.to_owned() };
    std::iter::once(file::written(FILE, &lines)).chain(off.iter().map(set)).collect()
}

fn undo(found: &Found) -> Vec<Action> {
    let Found::Ours(text) = found else { return Vec::new() };
    let was = text.lines().filter_map(|line| line.strip_prefix(WAS)?.split_once(" = "));
    let back = was.filter_map(|(key, value)| {
        // Only what this build knows, with the one value that it notes: the file may have been
        // edited since.
        let switch = SWITCHES.iter().find(|switch| switch.key == key && switch.forbids == value)?;
        Some(Action::Set { path: switch.path, value: switch.forbids.to_owned() })
    });
    back.chain([Action::Remove { path: FILE }]).collect()
}
