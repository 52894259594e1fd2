//! Fuzz target: texts of the kernel's in which names stand that a guest has chosen.

use std::path::Component;

use isobar_policy::Controller;

use crate::cgroup::Hierarchies;
use crate::mountinfo;
use crate::procfs::Status;

/// Mount points and names of processes may hold anything; no line is taken for two, and none makes
/// the reader panic.
#[test]
fn fuzz_kernel_text() {
    bolero::check!().with_max_len(4 << 10).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let mounts = mountinfo::parse(&text);
        assert!(mounts.len() <= text.lines().count(), "a line is one mount at most: {text:?}");
        let status = Status::parse(&text);
        for name in ["Uid", "Gid", "Seccomp", "CapEff", "NoNewPrivs", "Groups"] {
            assert!(!status.field(name).contains('\n'), "a field is one line: {text:?}");
        }
    });
}

/// A control group's directory is below the mount of its hierarchy, whatever /proc/self/cgroup
/// calls it.
#[test]
fn fuzz_own_groups() {
    bolero::check!().with_max_len(4 << 10).for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let (mounts, groups) = text.split_once('\u{1}').unwrap_or((&text, &text));
        let found = Hierarchies::parse(mounts, groups);
        for controller in Controller::ALL {
            let Some(directory) = found.directory(controller) else { continue };
            let climbs = directory.components().any(|part| part == Component::ParentDir);
            assert!(!climbs, "{text:?} led to {}", directory.display());
        }
    });
}
