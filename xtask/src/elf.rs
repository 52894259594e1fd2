//! Proof from the file itself that an executable is static.
//!
//! Reads the program headers of a 64-bit little-endian ELF file. A `PT_INTERP` header or a
//! `DT_NEEDED` entry means that a loader or a library of the host would run inside the sandbox.
//! A `PT_DYNAMIC` header alone is fine: static position-independent executables have one for their
//! own relocations. Source: the System V ABI, chapter 5, and `elf(5)`.

use anyhow::{Context, Result, bail};

const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;

/// Returns an error that names the dynamic part if `image` is not a static executable.
pub(crate) fn must_be_static(image: &[u8]) -> Result<()> {
    if image.get(..6) != Some(b"\x7fELF\x02\x01".as_slice()) {
        bail!("not a 64-bit little-endian ELF file");
    }
    let table = usize::try_from(number::<8>(image, 32)?)?;
    let entry_size = usize::try_from(number::<2>(image, 54)?)?;
    let entries = usize::try_from(number::<2>(image, 56)?)?;
    for index in 0..entries {
        let header = table + index * entry_size;
        let kind = u32::try_from(number::<4>(image, header)?)?;
        if kind == PT_INTERP {
            bail!("has a PT_INTERP header: it needs the host's dynamic loader");
        }
        if kind == PT_DYNAMIC {
            let start = usize::try_from(number::<8>(image, header + 8)?)?;
            let size = usize::try_from(number::<8>(image, header + 32)?)?;
            must_need_nothing(image.get(start..start + size).context("dynamic section cut off")?)?;
        }
    }
    Ok(())
}

/// Returns an error if a dynamic section lists a shared library.
fn must_need_nothing(dynamic: &[u8]) -> Result<()> {
    for entry in dynamic.chunks_exact(16) {
        match number::<8>(entry, 0)? {
            DT_NULL => break,
            DT_NEEDED => bail!("has a DT_NEEDED entry: it links a shared library"),
            _ => {}
        }
    }
    Ok(())
}

/// A little-endian number of `N` bytes (at most 8) at `offset`.
fn number<const N: usize>(image: &[u8], offset: usize) -> Result<u64> {
    let bytes = image.get(offset..offset + N).context("ELF file cut off")?;
    Ok(bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header and one program header of `kind`, whose contents are `dynamic`.
    fn image(kind: u32, dynamic: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64..68].copy_from_slice(&kind.to_le_bytes());
        bytes[72] = 120;
        bytes[96..104].copy_from_slice(&(dynamic.len() as u64 * 8).to_le_bytes());
        bytes.extend(dynamic.iter().flat_map(|word| word.to_le_bytes()));
        bytes
    }

    #[test]
    fn a_loader_or_a_library_is_caught_and_self_relocation_is_not() {
        assert!(must_be_static(&image(PT_INTERP, &[])).is_err());
        assert!(must_be_static(&image(PT_DYNAMIC, &[DT_NEEDED, 7, DT_NULL, 0])).is_err());
        let relative_relocations = 7;
        assert!(must_be_static(&image(PT_DYNAMIC, &[relative_relocations, 9, 0, 0])).is_ok());
    }

    #[test]
    fn a_file_that_is_no_executable_is_an_error() {
        assert!(must_be_static(b"#!/bin/sh\n").is_err());
        assert!(must_be_static(b"\x7fELF\x02\x01").is_err(), "cut off after its first bytes");
    }

    #[test]
    fn the_system_shell_is_dynamic_and_this_test_is_static() {
        assert!(must_be_static(&std::fs::read("/bin/sh").unwrap()).is_err());
        let own = std::env::current_exe().unwrap();
        assert!(must_be_static(&std::fs::read(own).unwrap()).is_ok(), "+crt-static was lost");
    }
}
