//! The programs that make and run the lab, unpacked from their packages and run in place with their
//! own C library, so that neither what is installed here nor its version matters.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::apt::{self, Apt};
use super::cache::Cache;
use crate::process;

/// What is fetched, with all that it needs.
const PACKAGES: [&str; 5] = ["qemu-system-x86", "lz4", "zstd", "xz-utils", "e2fsprogs"];

/// Where Debian keeps libraries, in both layouts.
const LIBRARIES: [&str; 2] = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];

/// Unpacked programs.
pub(crate) struct Tools {
    root: PathBuf,
}

impl Tools {
    /// From the cache, or fetched.
    pub(crate) fn get(cache: &Cache, apt: &dyn Fn() -> Result<Apt>) -> Result<Self> {
        let root = cache.part(
            "tools",
            &PACKAGES.join(" "),
            || apt()?.closure(&PACKAGES),
            |files, place| files.iter().try_for_each(|file| apt::unpack(file, place)),
        )?;
        Ok(Self { root })
    }

    /// A path below their root.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A command for the program at `path`, such as `usr/bin/lz4`.
    pub(crate) fn command(&self, path: &str) -> Command {
        let libraries = LIBRARIES.map(|path| self.at(path).display().to_string()).join(":");
        let mut command = process::command(self.at("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"));
        command.arg("--library-path").arg(&libraries).arg(self.at(path));
        command
    }

    /// The emulator, with its own modules and firmware.
    pub(crate) fn qemu(&self) -> Command {
        let mut command = self.command("usr/bin/qemu-system-x86_64");
        command.env("QEMU_MODULE_DIR", self.at("usr/lib/x86_64-linux-gnu/qemu"));
        for path in ["usr/share/qemu", "usr/share/seabios"] {
            command.arg("-L").arg(self.at(path));
        }
        command
    }
}
