//! Grants that must not be given: links, special files, isobar's own directories, climbing paths.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use crate::guest::refused;
use crate::harness::{Isobar, bin_dir};
use crate::outside::outside;

/// A run with this grant, beside a directory `data` and a file `file`.
fn with(prepare: impl FnOnce(&Isobar), flags: &[&str]) -> Isobar {
    let isobar = Isobar::run_command();
    isobar.file("data/file", "content");
    isobar.file("file", "content");
    prepare(&isobar);
    isobar.args(flags).args(["--", "sh", "-c", "echo started"])
}

macro_rules! refusals {
    ($($name:ident: $code:literal = $prepare:expr, $flags:expr;)*) => { $(
        #[test]
        fn $name() {
            for flags in $flags {
                refused(with($prepare, &flags), $code);
            }
        }
    )* };
}

const NOTHING: fn(&Isobar) = |_| {};

refusals! {
    a_path_that_is_not_there: "ISO-RES-005" = NOTHING,
        [["--ro", "none"], ["--rw", "data/none:/x"], ["--workspace", "none"], ["--ro", "file/below"]];
    a_link: "ISO-RES-007" = |isobar| symlink("data", isobar.scratch().join("link")).unwrap(),
        [["--ro", "link"], ["--rw", "link:/data"], ["--workspace", "link"], ["--ro", "link/file:/x"],
         ["--ro", "data/../link:/x"], ["--ro", "link/."]];
    a_link_to_nothing: "ISO-RES-007" = |isobar| symlink("none", isobar.scratch().join("link")).unwrap(),
        [["--ro", "link"]];
    a_link_of_the_kernel: "ISO-RES-007" = NOTHING,
        [["--ro", "/proc/self/root:/host"], ["--ro", "/proc/self/cwd:/x"], ["--rw", "/dev/fd/0:/x"]];
    a_socket: "ISO-RES-011" = |isobar| drop(UnixListener::bind(isobar.scratch().join("s")).unwrap()),
        [["--ro", "s:/x"], ["--rw", "s:/x"]];
    a_fifo: "ISO-RES-011" = |isobar| drop(outside("mkfifo", [isobar.scratch().join("p")])),
        [["--ro", "p:/x"], ["--rw", "p:/x"]];
    a_device: "ISO-RES-011" = NOTHING, [["--ro", "/dev/null:/x"], ["--rw", "/dev/full:/x"]];
    the_whole_host: "ISO-RES-022" = NOTHING, [["--ro", "/:/host"], ["--ro", "/usr/..:/host"]];
    the_kernels_own_files: "ISO-RES-022" = NOTHING, [["--ro", "/proc/1:/x"], ["--ro", "/sys:/x"]];
    a_workspace_that_is_no_directory: "ISO-RES-014" = NOTHING, [["--workspace", "file"]];
    a_target_that_climbs: "ISO-POL-013" = NOTHING,
        [["--ro", "data:/a/../../b"], ["--ro", "data:relative"], ["--rw", "data:/.."],
         ["--tmpfs", "/a/../b:1M"], ["--workspace", "data:.."]];
    a_target_of_the_sandbox_itself: "ISO-POL-013" = NOTHING,
        [["--ro", "data:/"], ["--ro", "data:/proc"],          ["--rw", "data:/dev/shm"], ["--ro", "data:/sys/x"], ["--ro", "data:/tmp"]];
    isobars_own_executables: "ISO-RES-012" = NOTHING, [["--rw", &own("")], ["--rw", &own("/isobar-init")]];
}

fn own(below: &str) -> String {
    format!("{}{below}:/data", bin_dir().display())
}

#[test]
fn two_grants_on_one_target() {
    refused(with(NOTHING, &["--ro", "data:/x", "--ro", "file:/x"]), "ISO-POL-014");
    refused(with(NOTHING, &["--ro", "data:/x", "--rw", "data:/x/"]), "ISO-POL-014");
    refused(with(NOTHING, &["--ro", "data:/x", "--tmpfs", "/x:1M"]), "ISO-POL-014");
    refused(with(NOTHING, &["--ro", "data", "--rw", "./data"]), "ISO-RES-013");
}

/// What steers later runs: locks and cached facts.
#[test]
fn isobars_own_state() {
    let isobar = with(NOTHING, &[]);
    // So that there is a directory in any case.
    assert_eq!(isobar.run().code, Some(0), "a run makes it");
    let state = crate::harness::state_dir();
    let whole = format!("{}:/data", state.display());
    refused(with(NOTHING, &["--ro", &whole]), "ISO-RES-012");
    let above = format!("{}:/data", state.parent().unwrap().display());
    refused(with(NOTHING, &["--ro", &above]), "ISO-RES-012");
}

/// A run with another XDG_RUNTIME_DIR has its state elsewhere; a guest must not prepare it.
#[test]
fn isobars_state_of_another_run() {
    let run = |grant: &str| {
        let isobar = with(NOTHING, &["--rw", grant]);
        let runtime = isobar.scratch().join("runtime");
        fs::create_dir(&runtime).unwrap();
        isobar.env("XDG_RUNTIME_DIR", runtime.to_str().unwrap())
    };
    if crate::harness::is_root() {
        // Root has one place, whatever is set.
        refused(run("/run:/data"), "ISO-RES-012");
        return;
    }
    refused(run("/tmp:/data"), "ISO-RES-012");
    refused(run("runtime:/data"), "ISO-RES-012");
}

#[test]
fn a_working_directory_that_is_not_there() {
    refused(with(NOTHING, &["--cwd", "/none"]), "ISO-RES-015");
    refused(with(NOTHING, &["--cwd", "relative"]), "ISO-RES-015");
    refused(with(NOTHING, &["--workspace", "data", "--cwd", "none"]), "ISO-RES-015");
    refused(with(NOTHING, &["--workspace", "data", "--cwd", "../data"]), "ISO-RES-009");
}

/// The caller's own may have been removed under it; that matters to relative paths only.
#[test]
fn a_caller_whose_working_directory_is_gone() {
    let run = |args: &[&str]| {
        let isobar = Isobar::run_command();
        let dir = isobar.scratch().join("gone");
        fs::create_dir(&dir).unwrap();
        let leave = "rmdir \"$PWD\"; exec \"$0\" \"$@\"";
        isobar.cwd(&dir).under(["sh", "-c", leave]).args(args).run()
    };
    assert_eq!(run(&["--", "true"]).code, Some(0), "nothing relative is needed");
    let ended = run(&["--ro", "data", "--", "true"]);
    assert_eq!(ended.code, Some(125), "{ended}");
    assert_eq!(ended.codes().len(), 1, "{ended}");
}

#[test]
fn names_that_are_hostile_are_shown_escaped() {
    let name = "none\u{1b}[31m\n\u{202e}";
    let ended = refused(with(NOTHING, &["--ro", name]), "ISO-RES-005");
    let text = ended.err();
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    assert!(text.lines().count() <= 3, "and no line of its own: {text:?}");
}
