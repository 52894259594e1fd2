//! A path that is exchanged for another while runs are being set up.
//!
//! One name leads in turn to a directory and to a symbolic link into a directory that was never
//! granted. Whenever it is looked at, a run either has the directory or fails with a typed error;
//! it never shows what the link leads to.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::harness::Isobar;

/// How an overtaken run may fail: the path is a link, it changed, or it was gone for a moment.
const TYPED: [&str; 5] = ["ISO-RES-005", "ISO-RES-007", "ISO-RES-008", "ISO-NS-002", "ISO-NS-001"];
const RUNS: usize = 30;

/// Exchanges the two names until `over`, as fast as it can.
fn exchange(one: &Path, other: &Path, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).expect("both are there");
    }
}

#[track_caller]
fn check(grant: &str, file: &str) {
    let stage = tempfile::Builder::new().prefix("isobar-test-").tempdir().unwrap();
    let at = |name: &str| stage.path().join(name);
    for (dir, content) in [("a/inner", "right"), ("secret/inner", "secret")] {
        std::fs::create_dir_all(at(dir)).unwrap();
        std::fs::write(at(dir).join("file"), content).unwrap();
    }
    std::os::unix::fs::symlink(at("secret"), at("b")).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| exchange(&at("a"), &at("b"), &over));
        let ended: Vec<_> = (0..RUNS)
            .map(|_| {
                let grant = format!("{}:/data", at(grant).display());
                Isobar::run_command().args(["--ro", &grant, "--", "cat", file]).run()
            })
            .collect();
        over.store(true, Ordering::Relaxed);
        let right = ended.iter().filter(|ended| ended.code == Some(0)).count();
        println!("{right} of {RUNS} runs had the directory");
        for ended in ended {
            assert!(!ended.out().contains("secret"), "what was never granted: {ended}");
            if ended.code == Some(0) {
                assert_eq!(ended.out(), "right", "{ended}");
            } else {
                let codes = ended.codes();
                assert!(codes.iter().all(|code| TYPED.contains(&code.as_str())), "{ended}");
                assert_eq!((ended.code, codes.len()), (Some(125), 1), "{ended}");
            }
        }
    });
}

#[test]
fn a_granted_directory_that_turns_into_a_link() {
    check("a", "/data/inner/file");
}

#[test]
fn a_directory_above_the_granted_one_that_turns_into_a_link() {
    check("a/inner", "/data/file");
}

#[test]
fn a_directory_above_a_granted_file_that_turns_into_a_link() {
    check("a/inner/file", "/data");
}
