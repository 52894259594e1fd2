//! Bytes of each output stream that are passed on.

use crate::guest::{limit_hit, sh};

#[test]
fn what_is_beyond_the_limit_is_dropped_and_counted() {
    let script = "head -c 5000 /dev/zero; head -c 300 /dev/zero >&2; exit 3";
    let ended = sh(&["--output-limit", "1000"], script).run();
    assert_eq!(ended.stdout.len(), 1000, "exactly as much as asked for");
    assert!(ended.stderr.len() >= 300, "the other stream has a limit of its own");
    assert_eq!((ended.code, ended.how()), (Some(3), "exited"), "the guest goes on: {ended}");
    assert_eq!(limit_hit(&ended, "limits.output-bytes"), (1000, 5000), "{ended}");
    assert_eq!(ended.reported("/outcome/truncated/stdout-bytes"), 4000, "{ended}");
    assert_eq!(ended.reported("/outcome/truncated/stderr-bytes"), 0, "{ended}");
}

#[test]
fn a_flood_beyond_the_limit_does_not_stall_the_guest() {
    let script = "head -c 50000000 /dev/zero & head -c 50000000 /dev/zero >&2; wait";
    let ended = sh(&["-q", "--output-limit", "64K"], script).run();
    assert_eq!(ended.code, Some(0), "it wrote all of it: {ended}");
    assert_eq!((ended.stdout.len(), ended.stderr.len()), (65536, 65536), "of which came");
    assert_eq!(ended.reported("/outcome/truncated/stdout-bytes"), 50_000_000 - 65536, "{ended}");
    assert_eq!(ended.reported("/outcome/truncated/stderr-bytes"), 50_000_000 - 65536, "{ended}");
}

#[test]
fn output_that_fits_exactly_is_whole() {
    let ended = sh(&["--output-limit", "1000"], "head -c 1000 /dev/zero").run();
    assert_eq!(ended.stdout.len(), 1000);
    let hits = ended.reported("/outcome/limits-hit").as_array().map(Vec::len);
    assert_eq!(hits, Some(0), "nothing was lost: {ended}");
}
