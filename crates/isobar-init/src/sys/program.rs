//! What a launched process executes: pointers into the image that it runs on.
//!
//! They are filled in by the agent before the process exists, and followed by that process and the
//! kernel only.

use core::ffi::{CStr, c_char};

use isobar_boundary::protocol::SpawnHeader;
use isobar_init::{Layout, TableError};
use linux_raw_sys::general::__NR_execve;
use rustix::io::Errno;

use super::Image;
use super::call::result;
use super::machine::syscall6;

/// The program, its working directory and its arrays. Valid as long as the image they were made in.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    path: *const c_char,
    cwd: *const c_char,
    argv: *const *const c_char,
    envp: *const *const c_char,
}

impl Program {
    /// Fills the table of an image whose strings are complete.
    pub(crate) fn new(header: &SpawnHeader, image: &mut Image) -> Result<Self, TableError> {
        let (table, strings) = image.parts();
        let layout = Layout::fill(header, strings, table)?;
        let (path, cwd) = (layout.program.as_ptr(), layout.cwd.as_ptr());
        let argv = table.as_ptr();
        Ok(Self { path, cwd, argv, envp: argv.wrapping_add(layout.environment) })
    }

    /// The working directory. For the launched process, whose image is there until it leaves.
    pub(crate) fn cwd(&self) -> &CStr {
        // SAFETY: `new` took the pointer from a string of the image on which the caller runs.
        unsafe { CStr::from_ptr(self.cwd) }
    }

    /// Executes it in the place of the calling process; returns only if that fails.
    pub(crate) fn execute(&self) -> Errno {
        let [path, argv, envp] = [self.path.cast::<u8>(), self.argv.cast(), self.envp.cast()]
            .map(<*const u8>::expose_provenance);
        let arguments = [path, argv, envp, 0, 0, 0];
        // SAFETY: `new` made a string and two arrays of strings that end in null, all of them in
        // the image on which the caller runs.
        let raw = unsafe { syscall6(__NR_execve as usize, arguments) };
        // execve does not return 0.
        result(raw).err().unwrap_or(Errno::IO)
    }
}
