//! git in a lent workspace: what it makes is there afterwards, and belongs to whom it should.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::guest::{passes, text};
use crate::harness::Isobar;
use crate::outside::outside;
use crate::workspace::lent;

const SCRIPT: &str = "
set -eu
git --version
git init -q -b main project
cd project
git config user.name Guest; git config user.email guest@localhost
seq 1000 > numbers; git add numbers; git commit -q -m first
git checkout -q -b side; echo more >> numbers; git commit -q -a -m second
git checkout -q main; git merge -q --no-ff -m merge side
git gc -q; git fsck --no-progress
cd ..
git clone -q project copy
[ \"$(git -C copy log --oneline | wc -l)\" = 3 ]
echo ok";

/// Every file below `dir`, itself included.
fn walk(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    found.push(dir.to_owned());
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

#[test]
fn init_commit_and_clone_leave_repositories_of_the_workspaces_owner() {
    let isobar = Isobar::run_command();
    let (dir, owner) = lent(&isobar, "w");
    let ended = passes(isobar.args(["--workspace", text(&dir), "--", "sh", "-c", SCRIPT]));
    println!("{}", ended.out());
    assert_eq!(ended.kept("w/copy/numbers").len(), ended.kept("w/project/numbers").len());
    let mut found = Vec::new();
    walk(&dir, &mut found);
    assert!(found.len() > 40, "two repositories: {found:?}");
    for path in found {
        let data = fs::symlink_metadata(&path).unwrap();
        assert_eq!((data.uid(), data.gid()), owner, "the owner of {}", path.display());
    }
    let log = outside(
        "git",
        ["-c", "safe.directory=*", "-C", text(&dir.join("copy")), "log", "-1", "--format=%s"],
    );
    assert_eq!(log, "merge\n", "git outside reads what git inside made");
}
