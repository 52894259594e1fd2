//! Every fault of the fault build, alone: evidence contradicts the plan, the boundary has failed, and
//! the program never starts.
//!
//! Planner and evidence know nothing of faults, so what is shown here is that evidence notices each
//! missing layer. The table says what notices which fault; where a fault can take nothing away from
//! this user, it says why, and the run must be as good as one without a fault.

#[cfg(test)]
#[path = "harness/mod.rs"]
mod harness;

#[cfg(test)]
mod faults {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use serde_json::Value;

    use crate::harness::{Ended, Isobar, fault_dir, is_root, skip};

    /// What ends the run.
    #[derive(Debug, Clone, Copy)]
    enum Noticed {
        /// Evidence whose key begins so contradicts the plan (ISO-NS-004).
        By(&'static str),
        /// As [`By`], and with this observation: others with the same key would prove less.
        Saying(&'static str, &'static str),
        /// Nothing is taken away, for this reason.
        NoEffect(&'static str),
    }
    use Noticed::{By, NoEffect, Saying};

    /// A fault, and what notices it as root and as an ordinary user.
    type Row = (&'static str, Noticed, Noticed);

    const fn both(fault: &'static str, noticed: Noticed) -> Row {
        (fault, noticed, noticed)
    }

    const TABLE: [Row; 26] = [
        both("skip-filter", By("agent.filter-mode")),
        both("skip-landlock", By("landlock.agent")),
        both("keep-capability", By("agent.capabilities")),
        both("keep-bounding", By("agent.capabilities")),
        both("skip-no-new-privileges", By("agent.no-new-privileges")),
        both("leave-mount", By("mount.roots")),
        both("writable-mounts", By("mount:/usr")),
        both("suid-mounts", By("mount:/usr")),
        (
            "skip-cgroup",
            By("cgroup."),
            NoEffect("an ordinary user's sandbox is in no group of its own"),
        ),
        both("skip-net-namespace", By("namespace.net")),
        both("skip-ipc-namespace", By("namespace.ipc")),
        both("skip-uts-namespace", By("namespace.uts")),
        both("skip-cgroup-namespace", By("namespace.cgroup")),
        both("skip-time-namespace", By("namespace.time")),
        both("skip-limits", By("limit.")),
        ("keep-groups", By("agent.groups"), NoEffect("an ordinary user cannot drop groups")),
        both("skip-hostname", By("uts.hostname")),
        (
            "skip-idmap",
            By("mount:/ro"),
            NoEffect("an ordinary user's grants have no mapped owners"),
        ),
        both("skip-proc-masks", By("mount:/proc/")),
        both("skip-pid-namespace", By("namespace.pid")),
        (
            "guest-keeps-capability",
            By("process.capabilities"),
            NoEffect("an ordinary user's agent has no capability to keep"),
        ),
        (
            "guest-keeps-identity",
            By("process.uid"),
            NoEffect("an ordinary user's agent has the guest's user number"),
        ),
        both("skip-protection", By("mount:/rw/.envrc")),
        both("agent-dumpable", By("agent.not-dumpable")),
        both("weak-landlock", By("landlock.truncate")),
        both("swapped-grant", Saying("mount:/ro", "observed another file")),
    ];

    /// The fault that is none: attempts of `isobar attack` need it.
    const IGNORE_EVIDENCE: &str = "ignore-evidence";

    #[test]
    fn every_fault_of_the_build_is_in_the_table() {
        // The list exists in the fault build only, so it is read from its source.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo and xtask set it");
        let source = Path::new(&manifest).join("../isobar-os/src/fault.rs");
        let text = fs::read_to_string(source).expect("the source is there");
        let named: BTreeSet<&str> = text
            .lines()
            .filter(|line| line.trim_end().ends_with("\";"))
            .filter_map(|line| line.split_once(" = ")?.1.split('"').nth(1))
            .filter(|name| *name != IGNORE_EVIDENCE)
            .collect();
        let known: BTreeSet<&str> = TABLE.iter().map(|(fault, _, _)| *fault).collect();
        assert_eq!(named, known, "a fault that nobody tries proves nothing");
    }

    #[test]
    fn every_fault_is_noticed_before_the_program_starts() {
        let controls = has_control_groups();
        passes(&run("", controls));
        for (fault, as_root, as_user) in TABLE {
            let noticed = if is_root() { as_root } else { as_user };
            if fault == "skip-cgroup" && is_root() && !controls {
                skip("every_fault_is_noticed: skip-cgroup", "control groups");
                continue;
            }
            if fault == "weak-landlock" && landlock_abi() < 3 {
                skip("every_fault_is_noticed: weak-landlock", "Landlock ABI 3");
                continue;
            }
            let Run { ended, ran } = run(fault, controls);
            if let NoEffect(reason) = noticed {
                assert!(ran, "{fault}: {reason}: {ended}");
                as_good_as_none(fault, reason, &ended, controls);
            } else {
                assert!(!ran, "{fault}: the program ran: {ended}");
                ends_the_run(fault, noticed, &ended);
            }
        }
    }

    /// The marker that the program would make if it ran.
    const MARKER: &str = "rw/marker";

    /// A run that has ended, and whether its program had started.
    struct Run {
        ended: Ended,
        ran: bool,
    }

    /// Runs a program under every clause that this user can have, with `fault` in the fault build.
    fn run(fault: &str, controls: bool) -> Run {
        let mut isobar = Isobar::run_command().env("ISOBAR_FAULT", fault);
        for dir in ["ro", "rw", "work"] {
            fs::create_dir(isobar.scratch().join(dir)).unwrap();
        }
        // Not in a directory that is swapped: what is held in it would be missed before anything
        // could be observed.
        if fault != "swapped-grant" {
            fs::write(isobar.scratch().join("rw/.envrc"), "").unwrap();
        }
        isobar = if is_root() {
            let dir = with_groups(&isobar);
            isobar.program_in(&dir)
        } else {
            isobar.program_in(&fault_dir())
        };
        isobar = isobar
            .args(["--ro", "ro:/ro", "--rw", "rw:/rw", "--workspace", "work:/work"])
            .args(["--tmpfs", "/scratch:1M", "--tmp-size", "8M", "--tmp-inodes", "100"])
            .args(["--hostname", "elsewhere", "--uid", "1234", "--gid", "1235"])
            .args(["--timeout", "30s", "--pids", "20", "--open-files", "256", "--file-size", "1M"])
            .args(["--output-limit", "1M"]);
        if controls {
            isobar = isobar.args(["--memory", "64M", "--cpus", "1", "--cpu-time", "10s"]);
        }
        let marker = isobar.scratch().join(MARKER);
        let ended = isobar.args(["--", "touch", "/rw/marker"]).run();
        Run { ran: marker.exists(), ended }
    }

    /// Root's shell may have no supplementary groups that could be kept: a script gives it two.
    fn with_groups(fixture: &Isobar) -> PathBuf {
        let isobar = fault_dir().join("isobar");
        let text =
            format!("#!/bin/sh\nexec setpriv --groups 4,27 -- '{}' \"$@\"\n", isobar.display());
        fixture.executable("bin/isobar", text);
        fixture.scratch().join("bin")
    }

    /// What `isobar doctor` finds.
    fn findings() -> Value {
        let ended = Isobar::from_dir(&fault_dir()).args(["doctor", "--json"]).run();
        serde_json::from_slice(&ended.stdout).expect("doctor prints JSON")
    }

    /// Landlock's ABI on this host.
    fn landlock_abi() -> u64 {
        findings()["boundaries"][0]["host"]["landlock-abi"].as_u64().expect("it names the ABI")
    }

    /// Whether this user can have limits by control groups.
    fn has_control_groups() -> bool {
        let findings = findings();
        let requirements = findings["boundaries"][0]["requirements"].as_array().unwrap();
        let met = |clause: &str| {
            let needed =
                |one: &&Value| one["needed-for"].as_str().is_some_and(|text| text == clause);
            requirements.iter().find(needed).is_some_and(|one| one["met"] == true)
        };
        ["limits.memory", "limits.cpus", "limits.cpu-time"].into_iter().all(met)
    }

    #[track_caller]
    fn passes(Run { ended, ran }: &Run) {
        assert_eq!(
            ended.code,
            Some(0),
            "without a fault the fault build is like any other: {ended}"
        );
        assert_eq!(ended.how(), "exited", "{ended}");
        assert!(ran, "the marker tells nothing unless the program makes it: {ended}");
    }

    fn as_good_as_none(fault: &str, reason: &str, ended: &Ended, controls: bool) {
        assert_eq!(ended.code, Some(0), "{fault}: {reason}: {ended}");
        let (with, without) = (evidence(ended), evidence(&run("", controls).ended));
        assert!(with.iter().all(|(_, holds)| *holds), "{fault}: {reason}: {with:?}");
        assert_eq!(with, without, "{fault}: {reason}, so as much must have been observed");
    }

    /// The keys of all evidence in the report, and whether each held.
    fn evidence(ended: &Ended) -> BTreeSet<(String, bool)> {
        let lines = ended.reported("/lines").as_array().unwrap();
        let all = lines.iter().flat_map(|line| line["evidence"].as_array().unwrap());
        all.map(|one| (one["key"].as_str().unwrap().to_owned(), one["holds"] == true)).collect()
    }

    fn ends_the_run(fault: &str, noticed: Noticed, ended: &Ended) {
        assert_eq!(ended.code, Some(125), "{fault}: {ended}");
        match noticed {
            By(key) => noticed_by(fault, key, "", ended),
            Saying(key, text) => noticed_by(fault, key, text, ended),
            NoEffect(_) => unreachable!("handled by its own function"),
        }
    }

    fn noticed_by(fault: &str, key: &str, text: &str, ended: &Ended) {
        assert_eq!(ended.how(), "failed", "{fault}: {ended}");
        let code = ended.reported("/outcome/end/diagnostic/code").as_str();
        assert_eq!(code, Some("ISO-NS-004"), "{fault}: {ended}");
        let causes = ended.reported("/outcome/end/diagnostic/causes").as_array().unwrap();
        let named = |cause: &Value| {
            cause.as_str().is_some_and(|cause| cause.starts_with(key) && cause.contains(text))
        };
        assert!(causes.iter().any(named), "{fault}: {key} should have noticed: {ended}");
    }
}
