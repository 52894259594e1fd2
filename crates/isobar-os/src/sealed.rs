//! Executables in sealed memory (memfd_create(2), F_ADD_SEALS).
//!
//! A program that faces a guest is executed from a copy that nobody can change, not the guest that
//! shares its user number and not through `/proc/PID/exe` (the class of CVE-2019-5736).

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

/// Copies `bytes` into a sealed memory file that can be executed.
///
/// # Errors
/// As memfd_create(2), write(2), fcntl(2).
pub fn executable(bytes: &[u8]) -> io::Result<OwnedFd> {
    let base = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // MFD_EXEC came with Linux 6.3 and is needed where vm.memfd_noexec is 1.
    let memory = match memfd_create(c"isobar-init", base | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create(c"isobar-init", base)?,
        other => other?,
    };
    let mut file = std::fs::File::from(memory);
    file.write_all(bytes)?;
    let memory = OwnedFd::from(file);
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&memory, seals)?;
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_writes_to_a_sealed_executable() {
        let memory = executable(b"\x7fELF").expect("memfd_create works on every supported kernel");
        let mut again = std::fs::File::from(memory);
        let error = again.write_all(b"x").expect_err("a sealed file must refuse writes");
        assert_eq!(
            error.raw_os_error(),
            Some(Errno::PERM.raw_os_error()),
            "F_SEAL_WRITE answers EPERM"
        );
    }
}
