//! A directory that the caller lends: where it is, what may be done to it, whose files are made.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;

use crate::guest::{passes, sh, text};
use crate::harness::{Isobar, is_root};

/// Makes a directory in the scratch directory. As root it belongs to somebody else, so that a
/// guest which writes as root or as its own number is noticed. Returns path and owner.
pub(crate) fn lent(isobar: &Isobar, name: &str) -> (PathBuf, (u32, u32)) {
    const SOMEBODY: (u32, u32) = (4321, 4322);
    let dir = isobar.scratch().join(name);
    fs::create_dir_all(&dir).unwrap();
    if is_root() {
        chown(&dir, Some(SOMEBODY.0), Some(SOMEBODY.1)).unwrap();
    }
    let data = fs::metadata(&dir).unwrap();
    (dir, (data.uid(), data.gid()))
}

#[test]
fn it_is_the_working_directory_under_its_own_name() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    let ended = isobar.args(["--workspace", "w", "--", "pwd"]).run();
    assert_eq!(ended.out(), format!("{}\n", dir.display()), "{ended}");
}

#[test]
fn it_can_have_another_name_inside() {
    let isobar = Isobar::run_command();
    isobar.file("w/sub/file", "content");
    let flags = ["--workspace", "w:/project", "--cwd", "sub"];
    let ended = isobar.args(flags).args(["--", "sh", "-c", "pwd; cat file"]).run();
    assert_eq!(ended.out(), "/project/sub\ncontent", "{ended}");
}

#[test]
fn a_caller_in_a_directory_below_it_starts_there() {
    let isobar = Isobar::run_command();
    isobar.file("w/sub/file", "");
    let (root, sub) = (isobar.scratch().join("w"), isobar.scratch().join("w/sub"));
    let isobar = isobar.cwd(&sub).args(["--workspace", text(&root), "--", "pwd"]);
    assert_eq!(isobar.run().out(), format!("{}\n", sub.display()), "the caller's own place");
}

#[test]
fn what_is_made_in_it_belongs_to_its_owner() {
    let isobar = Isobar::run_command();
    let (dir, owner) = lent(&isobar, "w");
    let script = "set -e; umask 022; mkdir d; echo x > d/f; ln -s f d/l; chmod 600 d/f; stat -c %u . d/f | sort -u; echo ok";
    let ended = passes(isobar.args(["--workspace", text(&dir), "--", "sh", "-c", script]));
    assert_eq!(ended.out(), "1000\nok\n", "to the guest it is its own: {ended}");
    for name in ["d", "d/f", "d/l"] {
        let data = fs::symlink_metadata(dir.join(name)).unwrap();
        assert_eq!((data.uid(), data.gid()), owner, "the owner of {name}");
    }
    let mode = fs::metadata(dir.join("d/f")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600, "and the guest decides on modes");
}

/// A setuid file would outlive the sandbox, with the owner's rights for whoever runs it.
#[test]
fn no_file_in_it_gets_a_setuid_bit() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    let script = "cp /bin/true t; for mode in 4755 2755 6755 u+s; do chmod $mode t && echo $mode; done; \
        python3 -c \"import os; os.mkdir('d'); os.chmod('d', 0o2755)\" && echo directory; echo ok";
    let ended = passes(isobar.args(["--workspace", text(&dir), "--", "sh", "-c", script]));
    assert_eq!(ended.out(), "ok\n", "every attempt was refused: {ended}");
    let mode = fs::metadata(dir.join("t")).unwrap().permissions().mode();
    assert_eq!(mode & 0o6000, 0, "and nothing has one");
}

#[test]
fn read_only_it_can_be_read_only() {
    let isobar = Isobar::run_command();
    isobar.file("w/file", "content");
    lent(&isobar, "w");
    let script = "cat file; touch new || rm file || echo > file || echo unchanged";
    let isobar = isobar.args(["--workspace", "w", "--workspace-mode", "ro"]);
    let ended = isobar.args(["--", "sh", "-c", script]).run();
    assert_eq!(ended.out(), "contentunchanged\n", "{ended}");
    assert_eq!(ended.kept("w/file"), b"content", "as it was");
}

/// Below a directory that other users may not enter, as a home is.
#[test]
fn it_may_lie_in_a_closed_directory() {
    let isobar = Isobar::run_command();
    isobar.file("closed/w/file", "content");
    let closed = isobar.scratch().join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    lent(&isobar, "closed/w");
    let script = "set -e; cat file; echo new > made; ls ..; echo ok";
    let isobar = isobar.args(["--workspace", "closed/w", "--", "sh", "-c", script]);
    let ended = passes(isobar);
    assert_eq!(ended.out(), "contentw\nok\n", "without what lies beside it: {ended}");
    assert_eq!(ended.kept("closed/w/made"), b"new\n", "{ended}");
}

/// What root's own files are to a guest of root: the grant is of the directory's owner.
#[test]
fn files_of_others_in_it_stay_theirs() {
    if !is_root() {
        // Nobody else's files can be made.
        return sh(&[], "true").run().code.map_or((), |code| assert_eq!(code, 0));
    }
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    let secret = isobar.file("w/secret", "root's");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let open = isobar.file("w/open", "root's");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let script =
        "cat open; cat secret || echo closed; echo >> open || echo kept; stat -c %u open secret";
    let ended = isobar.args(["--workspace", text(&dir), "--", "sh", "-c", script]).run();
    assert_eq!(ended.out(), "root'sclosed\nkept\n65534\n65534\n", "{ended}");
}
