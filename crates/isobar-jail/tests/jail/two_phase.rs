//! The late phase, applied by a process to itself after it has made what it needs.

use std::fs::File;
use std::io::{ErrorKind, Read};

use isobar_jail::{Confinement, LandlockRule, LandlockSpec};
use isobar_os::seccomp::{DeniedAnswer, FilterRequest, PROBE_CALL, ProcessRule, assemble};
use isobar_os::{landlock, namespaces::NamespaceKind, raw};

use crate::inside::{alone, is_inside, say, start, wait};

const ENOSYS: u32 = 38;

/// What the process gives up once it is ready: everything but what is open and `/proc`.
fn late() -> Confinement {
    let request = FilterRequest { processes: ProcessRule::SelfOnly, denied: DeniedAnswer::Errno };
    let rules = vec![LandlockRule {
        path: c"/proc".to_owned(),
        access: landlock::READ_FILE,
        optional: false,
    }];
    Confinement {
        enforce: true,
        keep_capabilities: 0,
        landlock: Some(LandlockSpec { abi: raw::landlock_abi().unwrap(), rules }),
        filter: Some(assemble(&request)),
    }
}

fn text(mut file: File) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    text
}

/// The jailed half.
fn confines_itself() {
    let before = File::open("/before").expect("nothing is closed yet");
    assert_eq!(text(File::open("/after").expect("nor is this")), "/after\n");
    assert_eq!(raw::seccomp_probe(PROBE_CALL), ENOSYS, "no filter answers");
    say("open");
    wait();
    let late = late();
    late.confine_self().expect("a process that was launched for it can confine itself");
    let refused = File::open("/after").expect_err("the domain stands").kind();
    assert_eq!(refused, ErrorKind::PermissionDenied, "EACCES, from Landlock");
    assert_eq!(text(before), "/before\n", "what was opened before still works");
    let filter = late.filter.as_ref().expect("it has one");
    let answer = raw::seccomp_probe(filter.probe_call());
    assert_eq!(answer, u32::from(filter.probe_errno()), "the filter stands, and it is this one");
    assert!(raw::unshare(NamespaceKind::User.flag()).is_err(), "and refuses what it should");
    say("confined");
    wait();
}

#[test]
fn a_process_makes_something_first_and_confines_itself_later() {
    if is_inside() {
        return confines_itself();
    }
    let _alone = alone();
    let name = "two_phase::a_process_makes_something_first_and_confines_itself_later";
    let mut inside = start(name, Confinement::default());
    assert_eq!(inside.hear(), "open", "the early phase only");
    let status = |inside: &crate::inside::Inside| {
        // A thread of libtest confines itself; its main thread only waits.
        let threads = format!("/proc/{}/task", inside.jailed.pid());
        let mut modes: Vec<String> = std::fs::read_dir(threads)
            .unwrap()
            .flatten()
            .map(|thread| std::fs::read_to_string(thread.path().join("status")).unwrap())
            .map(|text| isobar_os::procfs::Status::parse(&text))
            .map(|one| {
                let caps = ["CapPrm", "CapEff", "CapBnd"].map(|name| one.field(name).to_owned());
                format!("{} {} {}", one.field("Seccomp"), one.field("NoNewPrivs"), caps.join(" "))
            })
            .collect();
        modes.sort_unstable();
        modes.pop().unwrap()
    };
    let none = "0000000000000000";
    let early = format!("0 0 {none} {none} {none}");
    assert_eq!(status(&inside), early, "no filter; capabilities went with the early phase");
    inside.tell();
    assert_eq!(inside.hear(), "confined", "the late phase, by itself");
    let full = format!("2 1 {none} {none} {none}");
    assert_eq!(status(&inside), full, "the kernel says so too");
    inside.end();
}
