//! The one list of what runs in the lab: which tests, on which machine, as whom, and where in the
//! control groups.

use super::profile::UserLand;

/// Who runs a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Root,
    /// User 1000, without a login.
    User,
    /// User 1000 in a login session, with a user manager of systemd's.
    Session,
}

impl Who {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::Session => "session",
        }
    }
}

/// Where in the unified hierarchy it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A group of root's: an ordinary user has no right to anything there.
    Plain,
    /// A leaf of a subtree that belongs to user 1000 (kernel document cgroup-v2, "Delegation").
    Delegated,
    /// Where the login session put it.
    Session,
}

impl Place {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Delegated => "delegated",
            Self::Session => "session",
        }
    }
}

/// What runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// Tests of one executable, by their full names.
    Tests { package: &'static str, target: &'static str, names: &'static [&'static str] },
    /// `isobar` with these words; it must end with `exit`, and its output must hold `says`.
    Isobar { arguments: &'static [&'static str], exit: i32, says: &'static [&'static str] },
}

/// One row of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// Unique; also the name of files.
    pub(crate) name: &'static str,
    /// The machines it runs on.
    pub(crate) on: &'static [UserLand],
    pub(crate) who: Who,
    pub(crate) place: Place,
    /// How long it may take under emulation, on a busy machine.
    pub(crate) seconds: u32,
    /// At night only.
    pub(crate) nightly: bool,
    pub(crate) what: What,
}

use Place::{Delegated, Plain, Session};
use UserLand::{Busybox, Systemd};

/// Limits of the namespace boundary, each held by a control group, and what is left of one.
const LIMITS: What = What::Tests {
    package: "isobar-namespace",
    target: "boundary",
    names: &[
        "ends::a_killed_supervisor_takes_its_sandbox_along",
        "host::probing_again_says_the_same_and_leaves_nothing",
        "limits::running_out_of_memory_ends_the_whole_sandbox",
        "limits::the_processor_time_of_all_processes_together_is_limited",
        "limits::a_share_of_the_processors_is_read_back",
        "limits::a_memory_limit_too_small_for_the_set_up_is_named",
    ],
};

const fn both(name: &'static str, who: Who, place: Place, what: What) -> Scenario {
    Scenario { name, on: &[Busybox, Systemd], who, place, seconds: 120, nightly: false, what }
}

/// Every line of the report, for a policy that sets every limit.
const EVIDENCE: What = What::Tests {
    package: "isobar-namespace",
    target: "boundary",
    names: &["evidence::every_evidence_that_a_binding_names_is_delivered_and_holds"],
};

/// Supervisors killed at thirty moments; what they leave is collected.
const DEATH: What = What::Tests {
    package: "isobar",
    target: "behaviour",
    names: &["death::killed_at_any_moment_it_leaves_nothing"],
};

/// Every scenario, in the order in which they run.
pub(crate) const SCENARIOS: [Scenario; 13] = [
    both(
        "doctor-root",
        Who::Root,
        Plain,
        What::Isobar { arguments: &["doctor"], exit: 0, says: &["yes  cgroup v2 memory"] },
    ),
    both(
        "run-user",
        Who::User,
        Plain,
        What::Isobar {
            arguments: &["run", "--", "sh", "-c", "echo hello from inside"],
            exit: 0,
            says: &["hello from inside"],
        },
    ),
    both("limits-root", Who::Root, Plain, LIMITS),
    both("limits-delegated", Who::User, Delegated, LIMITS),
    both("evidence-delegated", Who::User, Delegated, EVIDENCE),
    // Grants of root's need file systems that map owners, which tmpfs does since 6.3 only.
    Scenario { on: &[Systemd], ..both("evidence-root", Who::Root, Plain, EVIDENCE) },
    Scenario { seconds: 400, nightly: true, ..both("death-root", Who::Root, Plain, DEATH) },
    Scenario {
        seconds: 400,
        nightly: true,
        ..both("death-delegated", Who::User, Delegated, DEATH)
    },
    both(
        "doctor-delegated",
        Who::User,
        Delegated,
        What::Isobar {
            arguments: &["doctor"],
            exit: 0,
            says: &["yes  cgroup v2 memory", "yes  cgroup v2 pids", "yes  cgroup v2 cpu "],
        },
    ),
    both(
        "refused-user",
        Who::User,
        Plain,
        What::Isobar {
            arguments: &["run", "--memory", "64M", "--", "true"],
            exit: 125,
            says: &["ISO-HOST-004", "delegated to you", "as root", "memory=per-process"],
        },
    ),
    Scenario {
        name: "limits-session",
        on: &[Systemd],
        who: Who::Session,
        place: Session,
        seconds: 120,
        nightly: false,
        what: LIMITS,
    },
    Scenario {
        name: "evidence-session",
        on: &[Systemd],
        who: Who::Session,
        place: Session,
        seconds: 120,
        nightly: false,
        what: EVIDENCE,
    },
    Scenario {
        name: "doctor-session",
        on: &[Systemd],
        who: Who::Session,
        place: Session,
        seconds: 120,
        nightly: false,
        what: What::Isobar {
            arguments: &["doctor"],
            exit: 0,
            says: &["yes  cgroup v2 memory", "yes  cgroup v2 pids", "yes  cgroup v2 cpu "],
        },
    },
];

/// The names of the test executables that the list needs.
pub(crate) fn targets() -> Vec<&'static str> {
    let named = SCENARIOS.iter().filter_map(|one| match one.what {
        What::Tests { target, .. } => Some(target),
        What::Isobar { .. } => None,
    });
    let mut targets: Vec<_> = named.collect();
    targets.sort_unstable();
    targets.dedup();
    targets
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own_that_is_a_file_name() {
        let names: BTreeSet<_> = SCENARIOS.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), SCENARIOS.len(), "results are kept by name");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(names.iter().all(|name| name.chars().all(plain)), "{names:?}");
    }

    #[test]
    fn a_login_session_is_where_there_is_one() {
        for one in SCENARIOS {
            let session = one.who == Who::Session;
            assert_eq!(session, one.place == Session, "{}", one.name);
            assert!(!session || one.on == [Systemd], "{} needs systemd", one.name);
        }
    }

    #[test]
    fn no_scenario_runs_every_test_of_an_executable_by_accident() {
        for one in SCENARIOS {
            if let What::Tests { names, .. } = one.what {
                assert!(!names.is_empty(), "{} names no test", one.name);
            }
        }
    }
}
