//! The proof that each attempt of `isobar attack` tests something, and that each layer it names
//! holds it alone.
//!
//! For every attempt: (a) outside of any sandbox it succeeds, as whoever runs the tests; (b) in the
//! fault build it gets out when its whole set of layers is off, and is held with each single one of
//! them on; and in the normal build it is held. An attempt without such a proof is a failure.

#[cfg(test)]
#[path = "harness/mod.rs"]
mod harness;

#[cfg(test)]
mod proof {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::sync::{Mutex, PoisonError};

    use isobar_attack::{
        Attempt, CATALOGUE, Canary, CanaryKind, Layer, PAYLOAD, Payload, Proof, Side, Token, find,
    };
    use serde_json::Value;

    use crate::harness::{Isobar, bin_dir, is_root, skip};

    /// The faults that take a layer away. Where a layer has two forms, for root and for ordinary users,
    /// both are taken.
    fn faults_of(layer: Layer) -> &'static [&'static str] {
        match layer {
            Layer::OldRootDetached => &["leave-mount"],
            Layer::ReadOnlyMounts => &["writable-mounts"],
            Layer::Landlock => &["skip-landlock"],
            Layer::NoCapabilities => &["keep-capability", "guest-keeps-capability"],
            Layer::Filter => &["skip-filter"],
            Layer::NetNamespace => &["skip-net-namespace"],
            Layer::IpcNamespace => &["skip-ipc-namespace"],
            Layer::ProcessLimit => &["skip-limits", "skip-cgroup"],
            Layer::MemoryGroup => &["skip-cgroup"],
        }
    }

    macro_rules! proofs {
        ($($test:ident = $name:literal;)*) => {
            $(#[test]
            fn $test() {
                prove(stringify!($test), find($name).expect("it is in the catalogue"));
            })*

            /// The attempts that have a proof.
            const PROVEN: &[&str] = &[$($name),*];
        };
    }

    proofs! {
        old_root = "old-root";
        mount = "mount";
        detached_mount = "detached-mount";
        remount = "remount";
        write_read_only = "write-read-only";
        change_attributes = "change-attributes";
        user_namespace = "user-namespace";
        foreign_abi = "foreign-abi";
        host_ipc = "host-ipc";
        fork_bomb = "fork-bomb";
        memory_bomb = "memory-bomb";
        abstract_socket = "abstract-socket";
        loopback_socket = "loopback-socket";
    }

    #[test]
    fn no_attempt_is_without_a_proof() {
        let built: Vec<_> = CATALOGUE.iter().map(|attempt| attempt.name).collect();
        assert_eq!(PROVEN, built, "an attempt that was never seen to succeed proves nothing");
    }

    /// The directory of the fault build; without it there is no proof, and that is no success.
    fn fault_dir() -> PathBuf {
        std::env::var_os("ISOBAR_FAULT_BIN_DIR").map(PathBuf::from).expect(
            "ISOBAR_FAULT_BIN_DIR names the executables of the fault build (cargo xtask test)",
        )
    }

    /// One proof at a time: the harness takes children of this process that it did not start, such as
    /// the payload without a sandbox, for something that another test left behind.
    static TURN: Mutex<()> = Mutex::new(());

    fn prove(test: &str, attempt: &Attempt) {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        succeeds_natively(attempt);
        let normal = tried(&bin_dir(), attempt, &BTreeSet::new());
        if normal["verdict"] == "not-run" {
            assert!(
                attempt.needs.is_some(),
                "{}: it needs nothing, so it must run: {normal}",
                attempt.name
            );
            skip(test, attempt.needs.unwrap_or_default());
            return;
        }
        held(&normal, "in the normal build");
        held(&tried(&fault_dir(), attempt, &BTreeSet::new()), "in the fault build without a fault");
        let all: BTreeSet<Layer> = attempt.layers.iter().copied().collect();
        let verdict = tried(&fault_dir(), attempt, &all);
        assert_eq!(
            verdict["verdict"], "escaped",
            "without {all:?} nothing should hold it: {verdict}"
        );
        for kept in attempt.layers {
            if *kept == Layer::Landlock
                && attempt.canary == CanaryKind::AbstractListener
                && abi() < 6
            {
                skip(test, "Landlock that scopes abstract sockets (ABI 6)");
                continue;
            }
            let off: BTreeSet<Layer> = all.iter().copied().filter(|layer| layer != kept).collect();
            held(&tried(&fault_dir(), attempt, &off), &format!("with {kept:?} alone"));
        }
    }

    #[track_caller]
    fn held(verdict: &Value, where_: &str) {
        assert_eq!(verdict["verdict"], "held", "{where_}: {verdict}");
    }

    /// Tries `attempt` with the executables in `bin`, these layers off; returns its line.
    fn tried(bin: &Path, attempt: &Attempt, off: &BTreeSet<Layer>) -> Value {
        let mut faults: Vec<&str> =
            off.iter().flat_map(|layer| faults_of(*layer)).copied().collect();
        if !faults.is_empty() {
            // The evidence contradicts the plan, as it should; the attempt is to be made all the same.
            faults.push("ignore-evidence");
        }
        let ended = Isobar::from_dir(bin)
            .args(["attack", "--json", "--only", attempt.name])
            .env("ISOBAR_FAULT", faults.join(","))
            .run();
        let results: Value = serde_json::from_slice(&ended.stdout)
            .unwrap_or_else(|error| panic!("no results: {error}: {ended}"));
        let line = results["attempts"][0].clone();
        let code = match line["verdict"].as_str() {
            Some("held" | "not-run") => 0,
            Some("escaped") => 1,
            _ => 125,
        };
        assert_eq!(ended.code, Some(code), "the exit code says the same: {ended}");
        line
    }

    /// (a): without a sandbox the payload reaches its canary, or says with the run's token that it
    /// succeeded where nothing else can tell.
    fn succeeds_natively(attempt: &Attempt) {
        let payload = Payload::in_directory(&bin_dir()).expect("the payload was built");
        let canary = Canary::new(attempt.canary, &payload).expect("a canary can be made");
        assert!(!canary.changed().unwrap() && !canary.contacted().unwrap(), "nothing happened yet");
        let token = Token::new().unwrap();
        let output = native_command(attempt, &canary)
            .arg(payload.path())
            .args([attempt.name, token.as_str()])
            .args(canary.arguments(Side::Host))
            .args(attempt.arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the payload runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let reached = match attempt.proof {
            Proof::Secret => canary.told(&output.stdout),
            Proof::Changed => canary.changed().unwrap(),
            Proof::Contacted => canary.contacted().unwrap(),
            Proof::Word => said.starts_with(&format!("RESULT {token} succeeded ")),
        };
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(reached, "{PAYLOAD} {} fails without a sandbox: {said}{complaint}", attempt.name);
    }

    /// What the payload is started with. Whoever mounts gets a mount namespace for it, so that the host
    /// stays as it is; an ordinary user has the right to mount in a user namespace only.
    #[expect(clippy::disallowed_methods, reason = "a test starts the executable under test")]
    fn native_command(attempt: &Attempt, canary: &Canary) -> Command {
        let own_mounts = ["mount", "detached-mount", "remount"].contains(&attempt.name);
        if !own_mounts {
            let mut plain = Command::new("env");
            plain.arg("--");
            return plain;
        }
        let mut command = Command::new("unshare");
        if !is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.arg("--mount");
        if let Some((directory, _)) = canary.grant() {
            let script =
                "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
            command.args(["sh", "-c", script]).arg(directory);
        }
        command
    }

    /// Landlock's ABI on this host.
    fn abi() -> u64 {
        let ended = Isobar::new().args(["doctor", "--json"]).run();
        let findings: Value = serde_json::from_slice(&ended.stdout).expect("doctor prints JSON");
        findings["boundaries"][0]["host"]["landlock-abi"].as_u64().expect("it names the ABI")
    }
}
