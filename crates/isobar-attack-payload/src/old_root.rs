//! Read a file of the host by every way back to the root that the sandbox had before its own.
//!
//! After `pivot_root(".", ".")` the old root lies on top of the new one until it is detached, and is
//! then one `/..` away. Other ways: roots, working directories and descriptors of processes in
//! /proc, inherited descriptors of directories, and the classic climb out of a nested chroot.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::scratch::Scratch;
use crate::verdict::{Refusals, Unable, Verdict, argument};

/// More steps up than any path here is deep.
const CLIMB: &str = "../../../../../../../../../../../../../../../../";

/// `PATH`: a file's absolute path on the host. Succeeds with what it holds.
pub(crate) fn attempt(arguments: &[String]) -> Result<Verdict, Unable> {
    let path = argument(arguments, 0, "a path")?;
    let relative = path.trim_start_matches('/');
    let mut refusals = Refusals::default();
    let mut ways = vec![
        ("path", format!("/{relative}")),
        ("climbing", format!("/../{relative}")),
        ("climbing", format!("/{CLIMB}{relative}")),
        ("climbing", format!("{CLIMB}{relative}")),
    ];
    ways.extend(processes().flat_map(|pid| {
        ["root", "cwd", "root/.."].map(|link| ("/proc", format!("/proc/{pid}/{link}/{relative}")))
    }));
    ways.extend(processes().map(|pid| ("/proc", format!("/proc/{pid}/cwd/{CLIMB}{relative}"))));
    for (way, path) in ways {
        match read(Path::new(&path)) {
            Ok(secret) => return Ok(Verdict::Succeeded(secret)),
            Err(errno) => refusals.errno(way, errno),
        }
    }
    for number in descriptors() {
        match from_descriptor(&number, relative) {
            Ok(secret) => return Ok(Verdict::Succeeded(secret)),
            Err(errno) => refusals.errno("descriptors", errno),
        }
    }
    match out_of_chroot(relative) {
        Ok(secret) => Ok(Verdict::Succeeded(secret)),
        Err(Ok(errno)) => {
            refusals.errno("chroot", errno);
            Ok(refusals.verdict())
        }
        Err(Err(unable)) => Err(unable),
    }
}

/// The names in /proc that are processes, with the two that follow the caller.
fn processes() -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let numbers = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    ["1", "self", "thread-self"].map(str::to_owned).into_iter().chain(numbers)
}

/// The numbers of this process's open descriptors, and a few that could be hidden.
fn descriptors() -> impl Iterator<Item = String> {
    let listed = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let listed = listed.map(|entry| entry.file_name().to_string_lossy().into_owned());
    listed.chain((0..32).map(|number: u32| number.to_string()))
}

fn from_descriptor(number: &str, relative: &str) -> Result<String, Errno> {
    // The magic link leads to the directory itself, whatever it is mounted under.
    read(Path::new(&format!("/proc/self/fd/{number}/{CLIMB}{relative}")))
}

/// chroot(2) into a directory while standing outside of it, then climb: the root is not met on the
/// way up. The last way, since it cannot be undone.
fn out_of_chroot(relative: &str) -> Result<String, Result<Errno, Unable>> {
    let scratch = Scratch::new().map_err(Err)?;
    rustix::process::chroot(scratch.path()).map_err(Ok)?;
    let climbed = read(Path::new(&format!("{CLIMB}{relative}")));
    // Under the new root its name means something else, so it is removed from where this process
    // still stands. Inside a sandbox it goes with that.
    let outside = scratch.path().to_string_lossy().into_owned();
    std::fs::remove_dir(format!("{CLIMB}{}", outside.trim_start_matches('/'))).ok();
    climbed.map_err(Ok)
}

fn read(path: &Path) -> Result<String, Errno> {
    let file =
        openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())?;
    let mut text = String::new();
    match File::from(file).take(4096).read_to_string(&mut text) {
        Ok(_) => Ok(text.trim_end().to_owned()),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
    }
}
