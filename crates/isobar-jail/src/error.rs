//! How a launch fails: at which step, with which errno.

use isobar_os::Errno;

macro_rules! steps {
    ($($variant:ident = $number:literal, $about:literal;)*) => {
        /// A step of the stage between clone and exec.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Step {
            $(#[doc = $about] $variant,)*
        }

        impl Step {
            /// The number that travels through shared memory.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Self::$variant => $number,)* }
            }

            /// The step of that number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }

            /// What the step does, for messages.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

steps! {
    Helper = 1, "start the network namespace helper";
    Unshare = 2, "make namespaces";
    Maps = 3, "map user and group numbers";
    Identity = 4, "take over the mapped user and group";
    DeathSignal = 5, "tie the process to its supervisor";
    Private = 6, "leave mount propagation";
    RootFs = 7, "make the root file system";
    RootEntry = 8, "fill the root file system";
    Pivot = 9, "change the root";
    Hostname = 10, "set the host name";
    Network = 11, "enter the network namespace";
    Cgroup = 12, "join the control groups";
    CgroupNamespace = 13, "make the cgroup namespace";
    Announce = 14, "announce that the root is in place";
    Descriptors = 15, "place the descriptors";
    Limits = 16, "set resource limits";
    Capabilities = 17, "give up capabilities";
    NoNewPrivileges = 18, "give up new privileges";
    Landlock = 19, "enforce Landlock";
    Filter = 20, "install the system call filter";
    Execute = 21, "execute the program";
    Changed = 22, "find the granted path as it was resolved";
    Clocks = 23, "set the clocks of the time namespace";
}

/// Why there is no jailed process. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JailError {
    /// Memory or descriptors for the launch could not be had.
    #[error("cannot prepare the launch")]
    Prepare(#[source] Errno),
    /// The process could not be made.
    #[error("cannot make a process in new namespaces")]
    Clone(#[source] Errno),
    /// The process could not be made in its control group.
    #[error("cannot make a process in its control group")]
    Group(#[source] Errno),
    /// The supervisor could not write the identity maps.
    #[error("cannot map user and group numbers")]
    Maps(#[source] std::io::Error),
    /// A step of the stage failed.
    #[error("cannot {}{}", .step.about(), .subject.as_deref().map(|s| format!(" ({s})")).unwrap_or_default())]
    Stage {
        /// Which step.
        step: Step,
        /// What it was about, such as the target of a mount.
        subject: Option<String>,
        /// Why.
        #[source]
        errno: Errno,
    },
    /// The process ended without saying why.
    #[error("the process ended during set-up")]
    Vanished,
}
