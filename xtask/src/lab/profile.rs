//! The machines of the lab: which kernel, which user land, how long it may take.

use std::time::Duration;

use super::apt::{BOOKWORM, Suite};

/// What runs on the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserLand {
    /// One static busybox, root in memory: up in seconds.
    Busybox,
    /// Debian's essential packages, systemd and a login session with a user manager.
    Systemd,
}

/// A machine with its budget.
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) suite: &'static Suite,
    pub(crate) kernel: &'static str,
    pub(crate) user_land: UserLand,
    /// From the start to the guest's script, on a quiet machine. Reported, never failed on.
    pub(crate) up_within: Duration,
}

const KERNEL_6_1: &str = "linux-image-cloud-amd64";
const KERNEL_6_12: &str = "linux-image-6.12-cloud-amd64";

/// Every profile.
pub(crate) static PROFILES: [Profile; 3] = [
    Profile {
        name: "busybox-6.1",
        suite: &BOOKWORM,
        kernel: KERNEL_6_1,
        user_land: UserLand::Busybox,
        up_within: Duration::from_secs(10),
    },
    Profile {
        name: "busybox-6.12",
        suite: &BOOKWORM,
        kernel: KERNEL_6_12,
        user_land: UserLand::Busybox,
        up_within: Duration::from_secs(10),
    },
    Profile {
        name: "systemd-6.1",
        suite: &BOOKWORM,
        kernel: KERNEL_6_1,
        user_land: UserLand::Systemd,
        up_within: Duration::from_secs(60),
    },
];
