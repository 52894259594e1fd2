//! What the kernel says of a jailed process, read from outside; and that the same reading of a
//! process which is not jailed holds nothing, so that it can fail.

use isobar_jail::evidence::{self, ExpectedStatus};
use isobar_jail::{Confinement, JailError, ResourceLimit, Step, launch};
use isobar_os::namespaces::NamespaceKind;
use isobar_os::seccomp::{DeniedAnswer, FilterRequest, ProcessRule, assemble};
use isobar_policy::Evidence;

use crate::inside::{HOST_ID, alone, is_inside, is_root, say, spec, start_spec, wait};

const KINDS: [NamespaceKind; 5] = [
    NamespaceKind::User,
    NamespaceKind::Pid,
    NamespaceKind::Mount,
    NamespaceKind::Net,
    NamespaceKind::Uts,
];

const NOFILE: ResourceLimit =
    ResourceLimit { resource: 7, line: "Max open files", soft: 20, hard: 30 };

/// Host numbers of the jailed process.
fn host_ids() -> (u32, u32) {
    if is_root() {
        return (HOST_ID, HOST_ID);
    }
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

fn groups() -> Vec<u32> {
    if is_root() {
        return Vec::new();
    }
    let groups = rustix::process::getgroups().unwrap();
    let mut groups: Vec<u32> = groups.into_iter().map(rustix::process::Gid::as_raw).collect();
    groups.sort_unstable();
    groups
}

/// Everything that can be read of `pid`.
fn read(pid: i32, mounts: &[evidence::MountExpectation]) -> Vec<Evidence> {
    let (host_uid, host_gid) = host_ids();
    let expected =
        ExpectedStatus { host_uid, host_gid, groups: groups(), capabilities: 0, filters: 1 };
    let mut all = evidence::namespaces(pid, &KINDS);
    all.extend(evidence::id_maps(
        pid,
        &format!("1000 {host_uid} 1"),
        &format!("1000 {host_gid} 1"),
    ));
    all.extend(evidence::limits(pid, "limit", &[NOFILE]));
    all.extend(evidence::mounts(pid, mounts));
    all.extend(evidence::status(pid, "process", &expected));
    all
}

#[test]
fn what_was_asked_is_read_back_and_cannot_be_read_of_anybody_else() {
    if is_inside() {
        say("here");
        return wait();
    }
    let _alone = alone();
    let request = FilterRequest { processes: ProcessRule::Any, denied: DeniedAnswer::Errno };
    let late =
        Confinement { enforce: true, filter: Some(assemble(&request)), ..Confinement::default() };
    let name = "evidence::what_was_asked_is_read_back_and_cannot_be_read_of_anybody_else";
    let (mut jail, stdin, stdout) = spec(name, late);
    jail.limits.push(NOFILE);
    let mut inside = start_spec((jail, stdin, stdout));
    assert_eq!(inside.hear(), "here", "it runs its program");
    let mounts = inside.jailed.expected_mounts().to_vec();
    for one in read(inside.jailed.pid(), &mounts) {
        assert!(one.holds, "{one:?}");
    }
    let own = i32::try_from(std::process::id()).unwrap();
    // Our own process is in none of this. What would hold of it by chance is named.
    let by_chance: &[&str] = if is_root() {
        &["process.groups"]
    } else {
        &["process.uid", "process.gid", "process.groups"]
    };
    for one in read(own, &mounts) {
        let chance = by_chance.contains(&one.key.as_str());
        let of_the_host = one.key.starts_with("mount:") || one.key == "mount.roots";
        assert!(!one.holds || chance || of_the_host, "it holds of anybody: {one:?}");
    }
    inside.end();
    let gone = evidence::namespaces(i32::MAX, &KINDS);
    assert!(gone.iter().all(|one| !one.holds), "a process that is not there proves nothing");
}

#[test]
fn a_failing_step_names_itself_and_leaves_nothing() {
    let _alone = alone();
    let (mut jail, _stdin, _stdout) = spec("none", Confinement::default());
    // Above every ceiling: not even root may raise it from inside a user namespace.
    jail.limits.push(ResourceLimit { soft: u64::MAX - 1, hard: u64::MAX - 1, ..NOFILE });
    let mut jailed = launch(jail).expect("the process is made");
    jailed.reap().unwrap();
    let JailError::Stage { step, subject, errno } = jailed.failure() else {
        panic!("it says why: {:?}", jailed.failure());
    };
    assert_eq!((step, subject.as_deref()), (Step::Limits, Some("Max open files")), "{errno}");
}

#[test]
fn a_program_that_is_none_is_reported_by_its_errno() {
    let _alone = alone();
    let (mut jail, _stdin, _stdout) = spec("none", Confinement::default());
    jail.execution.program = isobar_os::sealed::executable(b"no program").unwrap();
    let mut jailed = launch(jail).expect("the process is made");
    jailed.reap().unwrap();
    let failure = jailed.failure();
    let JailError::Stage { step: Step::Execute, errno, .. } = failure else {
        panic!("{failure:?}")
    };
    assert_eq!(errno, isobar_os::Errno::NOEXEC, "from execveat(2)");
}
