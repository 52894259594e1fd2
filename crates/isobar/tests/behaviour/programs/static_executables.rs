//! Executables without a dynamic linker: what Go makes, what Rust makes.

use std::fs;
use std::os::unix::fs::chown;

use crate::guest::{passes, text};
use crate::harness::{Isobar, bin_dir};
use crate::outside::outside;
use crate::workspace::lent;

#[test]
fn an_executable_that_calls_the_kernel_as_go_does_runs() {
    let isobar = Isobar::run_command();
    let (source, program) = (isobar.file("raw.c", include_str!("raw.c")), "raw");
    let place = isobar.scratch().join(program);
    let flags = ["-O1", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"];
    let own = ["-fcf-protection=none", "-o", text(&place), text(&source)];
    outside("gcc", flags.iter().chain(&own));
    // Before it may say anything about a sandbox, the program must be right.
    assert_eq!(outside::<&str>(text(&place), []), "ok\n", "it works natively");
    passes(isobar.args(["--timeout", "50s", "--", "./raw"]));
}

/// isobar itself is one.
#[test]
fn a_static_rust_executable_runs() {
    let program = bin_dir().join("isobar");
    let version = outside(text(&program), ["--version"]);
    let ended = Isobar::run_command().args(["--", text(&program), "--version"]).run();
    assert_eq!(ended.out(), version, "{ended}");
}

/// A sandbox has no namespaces to give away, and the isobar inside says so.
#[test]
fn a_sandbox_in_a_sandbox_is_refused_by_name() {
    let isobar = Isobar::run_command();
    let (dir, (uid, gid)) = lent(&isobar, "bin");
    for name in ["isobar", "isobar-init"] {
        fs::copy(bin_dir().join(name), dir.join(name)).unwrap();
        chown(dir.join(name), Some(uid), Some(gid)).unwrap();
    }
    let script = "/opt/isobar/isobar run -- echo started; echo $?";
    let isobar = isobar.args(["--ro", "bin:/opt/isobar", "--", "sh", "-c", script]);
    let ended = isobar.run();
    assert_eq!(ended.out(), "125\n", "{ended}");
    assert!(ended.codes().contains(&"ISO-HOST-001".to_owned()), "{ended}");
}
