//! The probe of kernels that lack a layer which a user may accept as absent. Such a kernel is made
//! of this one by telling the probe another Landlock ABI; the sandbox that it tries is real.

use std::path::PathBuf;

use isobar_policy::{CgroupVersion, Controller, Fact, HostFacts, Layer, Privilege};

use super::{layers, probe, still_holds};

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

/// What a start takes from the cache could have been written by anybody whom a person lent the state
/// directory to, or be of another hour.
#[test]
fn no_parameter_of_a_plan_rests_on_a_cache_alone() {
    let facts = probe(&libexec());
    assert!(still_holds(&facts), "nothing has changed: {facts:?}");
    let other = match facts.privilege {
        Privilege::Root => Privilege::User,
        Privilege::User => Privilege::Root,
    };
    type Change = (&'static str, fn(&mut HostFacts, Privilege));
    let changes: [Change; 7] = [
        ("an older Landlock", |facts, _| facts.landlock_abi -= 1),
        ("swap", |facts, _| facts.swap = !facts.swap),
        ("another user", |facts, _| facts.uid += 1),
        ("another group", |facts, _| facts.gid += 1),
        ("more groups", |facts, _| facts.supplementary_groups.push(4242)),
        ("another privilege", |facts, other| facts.privilege = other),
        ("another kernel", |facts, _| facts.kernel.push('x')),
    ];
    for (what, change) in changes {
        let mut stale = facts.clone();
        change(&mut stale, other);
        assert!(!still_holds(&stale), "{what} is seen without a probe");
    }
    let memory = facts.cgroups.get(&Controller::Memory);
    if memory.is_some_and(|one| one.fact.works() && one.version == Some(CgroupVersion::V1)) {
        let swap_accounting = !facts.swap_accounting;
        assert!(
            !still_holds(&HostFacts { swap_accounting, ..facts }),
            "every group has the file, or none"
        );
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
