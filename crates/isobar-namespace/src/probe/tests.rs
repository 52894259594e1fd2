//! The probe of kernels that lack a layer which a user may accept as absent. Such a kernel is made
//! of this one by telling the probe another Landlock ABI; the sandbox that it tries is real.

use std::path::PathBuf;

use isobar_policy::{Fact, HostFacts, Layer};

use super::{layers, probe};

/// Where xtask, or a build of `isobar-init` alone, has put it.
fn libexec() -> PathBuf {
    let libexec = std::env::var_os("ISOBAR_BIN_DIR").map_or_else(
        || {
            let test = std::env::current_exe().expect("a running test has a path");
            test.ancestors().nth(2).expect("cargo's layout").to_owned()
        },
        PathBuf::from,
    );
    assert!(libexec.join("isobar-init").exists(), "run `cargo build -p isobar-init` before");
    libexec
}

fn with_abi(abi: u32) -> HostFacts {
    let libexec = libexec();
    let mut facts = probe(&libexec);
    facts.layers.clear();
    facts.landlock_abi = abi;
    layers::probe(&libexec, &mut facts);
    facts
}

#[test]
fn a_kernel_without_landlock_still_counts_processes() {
    for abi in [0, 1] {
        let facts = with_abi(abi);
        let Fact::Missing { why, .. } = facts.layer(Layer::Landlock) else {
            panic!("ABI {abi} is below the floor: {facts:?}");
        };
        assert!(why.contains(&format!("ABI {abi}")), "what was found is named: {why}");
        let rest = Layer::ALL.into_iter().filter(|one| *one != Layer::Landlock);
        for layer in rest.filter(|one| *one != Layer::IdmappedMounts) {
            let fact = facts.layer(layer);
            assert!(fact.works(), "{} must not go with it: {fact:?}", layer.name());
        }
    }
}

#[test]
fn an_installation_without_the_agent_says_so() {
    let nowhere = tempfile::tempdir().expect("a scratch directory");
    let facts = probe(nowhere.path());
    let Fact::Missing { why, .. } = facts.layer(Layer::ProcessLimit) else {
        panic!("no sandbox can be made without it: {facts:?}");
    };
    assert!(why.contains("isobar-init"), "the missing part is named: {why}");
    assert!(
        facts.layer(Layer::UserNamespace).works(),
        "the kernel's layers are probed all the same"
    );
}
