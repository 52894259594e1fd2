//! Change the content of what may only be read: a file of the caller's own in a read-only grant.
//!
//! Every kind of call that changes content or names, so that a wall which forgot one shows it.
//! Whether anything changed is for the host to see.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::sys::mapping;
use crate::verdict::{Refusals, Unable, Verdict, argument};

/// `DIRECTORY`: it holds the file `canary`.
pub(crate) fn attempt(arguments: &[String]) -> Result<Verdict, Unable> {
    let directory = Path::new(argument(arguments, 0, "a directory")?);
    let canary = directory.join("canary");
    fs::read(&canary)
        .map_err(|error| Unable(format!("cannot read {}: {error}", canary.display())))?;
    let mut refusals = Refusals::default();
    let mut worked = Vec::new();
    for (way, change) in WAYS {
        match change(directory, &canary) {
            Ok(()) => worked.push(way),
            Err(error) => refusals.error(way, &error),
        }
    }
    if worked.is_empty() {
        Ok(refusals.verdict())
    } else {
        Ok(Verdict::Succeeded(worked.join(", ")))
    }
}

type Change = fn(&Path, &Path) -> io::Result<()>;

/// The ways, from the plain to the odd. Each works on what the ones before have left.
const WAYS: [(&str, Change); 8] = [
    ("write", |_, canary| put(File::options().write(true).open(canary)?)),
    ("append", |_, canary| put(File::options().append(true).open(canary)?)),
    ("mmap", |_, canary| {
        let file = File::options().read(true).write(true).open(canary)?;
        mapping::write_first(&file, b'!').map_err(io::Error::from)
    }),
    ("reopen", |_, canary| {
        use std::os::fd::AsRawFd as _;
        let file = File::open(canary)?;
        let again = format!("/proc/self/fd/{}", file.as_raw_fd());
        put(File::options().write(true).open(again)?)
    }),
    ("link", |directory, canary| {
        let alias = directory.join("alias");
        fs::hard_link(canary, &alias)?;
        put(File::options().write(true).open(&alias)?)
    }),
    ("create", |directory, _| put(File::create_new(directory.join("new"))?)),
    ("rename", |directory, canary| {
        fs::rename(directory.join("new"), canary).or_else(|_| {
            // Nothing could be created: the file itself still has a name to lose.
            fs::rename(canary, directory.join("moved"))
        })
    }),
    ("truncate", |_, canary| File::options().write(true).truncate(true).open(canary).map(drop)),
];

fn put(mut file: File) -> io::Result<()> {
    file.write_all(b"changed")
}
