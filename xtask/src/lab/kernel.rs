//! A distribution's kernel, taken out of the file that packs itself.
//!
//! Under emulation the kernel's own unpacking would cost seconds; the ELF image starts at once, by
//! its PVH note (Documentation/arch/x86/boot.rst names the fields that are read here).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::apt::{self, Apt};
use super::cache::Cache;
use super::tools::Tools;
use crate::process;

/// What must be made anew when this file makes it in another way.
const RECIPE: &str = "vmlinux 1";

/// Packers that Debian's kernels use: first bytes, program, words.
const PACKERS: [(&[u8], &str); 3] = [
    (b"\x02\x21\x4c\x18", "usr/bin/lz4"),
    (b"\x28\xb5\x2f\xfd", "usr/bin/zstd"),
    (b"\xfd7zXZ\0", "usr/bin/xz"),
];

/// The unpacked kernel of a package, from the cache or fetched.
pub(crate) fn get(
    cache: &Cache,
    tools: &Tools,
    apt: &dyn Fn() -> Result<Apt>,
    package: &str,
) -> Result<PathBuf> {
    let part = cache.part(
        package,
        RECIPE,
        || Ok(vec![apt()?.alone(package)?]),
        |files, place| {
            let unpacked = place.join("unpacked");
            files.iter().try_for_each(|file| apt::unpack(file, &unpacked))?;
            let packed = packed_image(&unpacked.join("boot"))?;
            let image = fs::read(&packed)?;
            let vmlinux = unpack(payload(&image)?, tools)?;
            fs::write(place.join("vmlinux"), vmlinux)?;
            fs::rename(unpacked.join("boot"), place.join("boot"))?;
            Ok(fs::remove_dir_all(&unpacked)?)
        },
    )?;
    Ok(part.join("vmlinux"))
}

fn packed_image(boot: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(boot).with_context(|| format!("no {}", boot.display()))?;
    let mut images = entries.flatten().map(|entry| entry.path()).filter(|path| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"vmlinuz"))
    });
    images.next().with_context(|| format!("no kernel in {}", boot.display()))
}

/// The packed kernel within a bzImage. Its last four bytes are its unpacked length.
fn payload(image: &[u8]) -> Result<&[u8]> {
    let word = |at: usize| -> Option<usize> {
        let bytes = image.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let sectors = image.get(0x1f1).map_or(4, |count| usize::from(*count).max(1));
    let find = || {
        let start = (sectors + 1) * 512 + word(0x248)?;
        image.get(start..start + word(0x24c)?.checked_sub(4)?)
    };
    if image.get(0x202..0x206) != Some(b"HdrS") {
        bail!("the kernel has no boot header");
    }
    find().context("the kernel's boot header leads outside the file")
}

fn unpack(packed: &[u8], tools: &Tools) -> Result<Vec<u8>> {
    let (_, program) = PACKERS
        .iter()
        .find(|(magic, _)| packed.starts_with(magic))
        .context("the kernel is packed in a way that is not known here")?;
    let unpacked = process::filter(tools.command(program).args(["-d", "-c"]), packed)?;
    if !unpacked.starts_with(b"\x7fELF") {
        bail!("{program} unpacked something that is no kernel");
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with a boot header whose payload is `content` and its length.
    fn image(content: &[u8], length: u32) -> Vec<u8> {
        let mut image = vec![0; 2048];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x248..0x24c].copy_from_slice(&16_u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&length.to_le_bytes());
        image[1040..1040 + content.len()].copy_from_slice(content);
        image
    }

    #[test]
    fn the_payload_is_found_by_the_boot_header() {
        assert_eq!(payload(&image(b"packed1234", 10)).unwrap(), b"packed");
    }

    #[test]
    fn a_header_that_leads_outside_is_an_error() {
        assert!(payload(&image(b"packed", u32::MAX)).is_err());
        assert!(payload(&image(b"packed", 3)).is_err(), "not even a length");
        assert!(payload(&[0; 16]).is_err());
        assert!(payload(&[0; 4096]).is_err(), "no header at all");
    }
}
