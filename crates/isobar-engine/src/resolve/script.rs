//! The script of an interpreter, as a grant of its own.
//!
//! `isobar run -- python3 generated.py` lends this one file and nothing of its directory. The
//! guest sees it where the caller has it, so that messages and tracebacks name the path that the
//! caller knows.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use isobar_policy::GrantOrigin;

use super::error::ResolveError;
use super::grant::{Grants, Terms};
use super::open::{self, normalised};
use super::view::{Seen, View};
use super::{World, argument, closed, sees};

/// A script on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    /// Its place in the arguments.
    index: usize,
    /// The path as the caller wrote it, made absolute by name.
    pub(super) written: PathBuf,
    /// The file, links followed.
    file: PathBuf,
}

/// The script that `program` was asked to run, if it is a file that exists.
pub(super) fn find(world: &World<'_>, program: &Path, argv: &[OsString]) -> Option<Script> {
    let index = argument::script(program, argv)?;
    let file = world.caller.cwd.join(argv.get(index)?);
    let written = normalised(&file);
    // /dev/stdin is the guest's own standard input, whatever the caller's is.
    let own = ["/dev", "/proc"].iter().any(|root| written.starts_with(root));
    let usable = file.is_absolute() && !own && file.is_file();
    usable.then_some(Script { index, written, file })
}

impl Script {
    /// Makes sure that the guest finds the script: it sees it already, or it is granted. Where
    /// the argument would mean another file in the guest's working directory, it is written out.
    pub(super) fn settle(
        self,
        world: &World<'_>,
        grants: &mut Grants,
        tmpfs: &[String],
        cwd: &Path,
        argv: &mut [OsString],
    ) -> Result<(), ResolveError> {
        let Some(argument) = argv.get_mut(self.index) else { return Ok(()) };
        let meant = normalised(&cwd.join(&*argument));
        let view = View { grants: &grants.list, tmpfs };
        let real = std::fs::canonicalize(&self.file).unwrap_or_else(|_| self.file.clone());
        if let Some(place) = view.place_of(&real) {
            if !sees(grants, tmpfs, &meant, &self.file) {
                *argument = place.into_os_string();
            }
            return Ok(());
        }
        // A link may lead to a file that nobody meant to lend.
        let opened = open::without_links(Path::new("/"), &self.file)?;
        if closed(world, &opened, 0o4) {
            let open::Opened { real: path, mode, .. } = opened;
            return Err(ResolveError::ProgramClosed { path, verb: "read", mode });
        }
        let taken = matches!(view.at(&self.written), Seen::Granted(_));
        let target = self.written;
        if taken {
            let by = target.to_string_lossy().into_owned();
            return Err(ResolveError::TargetTaken { target: by.clone(), by });
        }
        grants.add_own(world, opened, &target, Terms::read_only(GrantOrigin::Program))?;
        if meant != target {
            *argument = target.into_os_string();
        }
        Ok(())
    }
}
