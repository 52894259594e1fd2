//! The large user land: Debian's essential packages with systemd, D-Bus and a login session, on a disk.
//!
//! Made by mmdebstrap, which runs the packages' own scripts, so that the result is what an installation
//! would be; that needs root once. The kernels have NVMe and ext4 built in, so nothing is needed
//! between kernel and disk.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::apt::{self, Apt};
use super::cache::Cache;
use super::tools::Tools;
use crate::{process, workspace};

/// What is installed beside the essential packages.
const INCLUDE: &str = "systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,python3-minimal,\
                       login,passwd,mount,procps,iproute2";
/// Makes the user as whom sessions are.
const USER: &str = "chroot \"$1\" useradd --create-home --uid 1000 --shell /bin/sh tester";
/// Units and scripts: path below the root, content.
const FILES: [(&str, &str); 6] = [
    ("usr/lib/lab/begin.sh", include_str!("guest/systemd-begin.sh")),
    ("etc/systemd/system/lab.target", include_str!("guest/lab.target")),
    ("etc/systemd/system/lab-begin.service", include_str!("guest/lab-begin.service")),
    ("etc/systemd/system/lab-session.service", include_str!("guest/lab-session.service")),
    ("etc/systemd/system/lab-root.service", include_str!("guest/lab-root.service")),
    ("etc/systemd/system/lab-end.service", include_str!("guest/lab-end.service")),
];

/// Where the one partition begins, bytes.
const START: u64 = 1 << 20;
/// Bytes of the partition.
const SIZE: u64 = 640 << 20;
const SECTOR: u64 = 512;
/// The disk's own number, by which the kernel finds its partition whatever controller it is on.
const SIGNATURE: u32 = 0x1ab0_0001;

/// What the kernel is told.
pub(crate) fn append() -> String {
    format!("root=PARTUUID={SIGNATURE:08x}-01 rootwait rw systemd.unit=lab.target")
}

/// The disk, from the cache or made.
pub(crate) fn get(cache: &Cache, tools: &Tools, apt: &dyn Fn() -> Result<Apt>) -> Result<PathBuf> {
    let recipe = FILES.map(|(path, content)| format!("{path}\n{content}")).join("\n");
    let part = cache.part(
        "systemd",
        &format!("{INCLUDE}\n{USER}\n{recipe}"),
        || {
            if !workspace::is_root() {
                bail!("making this machine needs root, once: sudo cargo xtask lab --prepare");
            }
            let packages: Vec<&str> = INCLUDE.split(',').chain(["?essential"]).collect();
            apt()?.closure(&packages)
        },
        |_, place| make(tools, &apt()?, place),
    )?;
    Ok(part.join("disk"))
}

fn make(tools: &Tools, apt: &Apt, place: &Path) -> Result<()> {
    let unpacked = place.join("mmdebstrap");
    apt::unpack(&apt.alone("mmdebstrap")?, &unpacked)?;
    let sources = place.join("sources.list");
    fs::write(&sources, apt.sources_list()?)?;
    let scratch = place.join("tmp");
    fs::create_dir(&scratch)?;
    let root = place.join("root");
    process::run(
        process::command("perl")
            .arg(unpacked.join("usr/bin/mmdebstrap"))
            .args(["--quiet", "--mode=root", "--variant=essential", "--format=directory"])
            .arg(format!("--include={INCLUDE}"))
            .arg(format!("--customize-hook={USER}"))
            .arg("bookworm")
            .arg(&root)
            .arg(&sources)
            .env("TMPDIR", &scratch),
    )?;
    for (path, content) in FILES {
        let file = root.join(path);
        let parent = file.parent().context("a file lies in a directory")?;
        fs::create_dir_all(parent)?;
        fs::write(&file, content)?;
    }
    let disk = place.join("disk");
    write_table(&disk)?;
    process::capture(
        tools
            .command("sbin/mke2fs")
            .args(["-q", "-t", "ext4", "-O", "^has_journal", "-b", "4096"])
            .arg("-E")
            .arg(format!("offset={START}"))
            .arg("-d")
            .arg(&root)
            .arg(&disk)
            .arg(format!("{}k", SIZE / 1024)),
    )?;
    for directory in [root, unpacked, scratch] {
        fs::remove_dir_all(directory)?;
    }
    Ok(())
}

/// A disk with one Linux partition in an MBR table.
fn write_table(disk: &Path) -> Result<()> {
    let mut file = fs::File::create(disk)?;
    file.set_len(START + SIZE)?;
    let word = |bytes: u64| -> Result<[u8; 4]> { Ok(u32::try_from(bytes)?.to_le_bytes()) };
    // Not bootable, no geometry, the kind "Linux", no geometry; then where it is.
    let kind = [0, 0, 0, 0, 0x83, 0, 0, 0];
    let entry = [&kind[..], &word(START / SECTOR)?, &word(SIZE / SECTOR)?].concat();
    file.seek(SeekFrom::Start(440))?;
    file.write_all(&SIGNATURE.to_le_bytes())?;
    file.seek(SeekFrom::Start(446))?;
    file.write_all(&entry)?;
    file.seek(SeekFrom::Start(510))?;
    Ok(file.write_all(&[0x55, 0xaa])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_one_partition_and_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let disk = dir.path().join("disk");
        write_table(&disk).unwrap();
        assert_eq!(fs::metadata(&disk).unwrap().len(), START + SIZE);
        let mut first = [0; 512];
        std::io::Read::read_exact(&mut fs::File::open(&disk).unwrap(), &mut first).unwrap();
        assert_eq!(&first[510..], [0x55, 0xaa], "the mark of a table");
        assert_eq!(&first[440..444], SIGNATURE.to_le_bytes(), "what the kernel looks for");
        assert_eq!(first[450], 0x83, "Linux");
        assert_eq!(&first[454..458], 2048_u32.to_le_bytes(), "at one mebibyte");
        assert!(append().contains("PARTUUID=1ab00001-01"));
    }
}
