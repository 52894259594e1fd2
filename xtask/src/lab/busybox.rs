//! The small user land: Debian's static busybox in the archive that the kernel unpacks.
//!
//! Nothing under test is in it; that comes on a disk. The first script moves into a root of its own
//! (a kernel's first root cannot be left by pivot_root), the second makes a system of it.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::apt::{self, Apt};
use super::cache::Cache;
use super::cpio::Cpio;

const FIRST: &str = include_str!("guest/busybox-first.sh");
const SYSTEM: &str = include_str!("guest/busybox-system.sh");

/// The archive, from the cache or made.
pub(crate) fn get(cache: &Cache, apt: &dyn Fn() -> Result<Apt>) -> Result<PathBuf> {
    let part = cache.part(
        "busybox",
        &format!("{FIRST}\n{SYSTEM}"),
        || Ok(vec![apt()?.alone("busybox-static")?]),
        |files, place| {
            let unpacked = place.join("unpacked");
            files.iter().try_for_each(|file| apt::unpack(file, &unpacked))?;
            let busybox = fs::read(unpacked.join("bin/busybox"))?;
            let mut archive = Cpio::default();
            for directory in ["usr", "usr/bin", "dev", "new"] {
                archive.directory(directory, 0o755);
            }
            archive.file("usr/bin/busybox", 0o755, &busybox);
            archive.file("init", 0o755, FIRST.as_bytes());
            archive.file("system", 0o755, SYSTEM.as_bytes());
            fs::write(place.join("lab.cpio"), archive.finish())?;
            Ok(fs::remove_dir_all(unpacked)?)
        },
    )?;
    Ok(part.join("lab.cpio"))
}
