//! Which files a program needs of its own: the installation that it belongs to.
//!
//! Programs in the system's directories need nothing. Any other is followed through pyenv's
//! shims, virtual environments, links and interpreter lines to the directories that hold it;
//! where no directory is an installation, the file alone is granted.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::error::ResolveError;
use super::interpreter::{self, Interpreter};
use super::view::in_system;
use super::{prefix, program, pyenv, virtualenv};
use crate::Caller;

/// How many interpreters of interpreters, and shims of shims, are followed. The kernel follows
/// four (fs/exec.c, exec_binprm).
const MAX_DEPTH: u32 = 5;

/// A host path, and where the guest must see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) source: PathBuf,
    pub(super) target: PathBuf,
}

/// A directory of programs that belongs into the guest's PATH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bin {
    pub(super) directory: PathBuf,
    /// Before all others, as pyenv puts it; else where the caller's PATH has it.
    pub(super) first: bool,
}

/// What a program needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Installation {
    /// The path that the guest executes.
    pub(super) program: PathBuf,
    /// The program's own file, where it is all that there is.
    pub(super) lone: Option<PathBuf>,
    /// Directories.
    pub(super) prefixes: Vec<Shared>,
    /// Files that must be seen at one place, whatever else is granted.
    pub(super) files: Vec<Shared>,
    /// For PATH.
    pub(super) bins: Vec<Bin>,
    /// What was followed, or read, to find all that: paths with their links. Whoever can change
    /// one of them chooses what is granted.
    pub(super) consulted: Vec<PathBuf>,
}

/// Finds what the program `found` needs, which was looked up and not followed yet. `arguments`
/// are the command's, without its name.
pub(super) fn locate(
    caller: &Caller,
    found: &Path,
    arguments: &[OsString],
) -> Result<Installation, ResolveError> {
    Search { caller, arguments }.locate(found, 0)
}

struct Search<'a> {
    caller: &'a Caller,
    arguments: &'a [OsString],
}

impl Search<'_> {
    fn locate(&self, found: &Path, depth: u32) -> Result<Installation, ResolveError> {
        if depth > MAX_DEPTH {
            return Err(ResolveError::InterpreterDepth { path: found.to_path_buf() });
        }
        let name = found.file_name().unwrap_or_default();
        if let Some(shim) = pyenv::shim(found, self.caller) {
            return match pyenv::choose(&shim, name, self.arguments, self.caller)? {
                pyenv::Choice::System { path, by } => {
                    self.locate(&path, depth + 1).map(|mut needs| {
                        needs.consulted.extend(by.into_iter().chain([found.to_path_buf()]));
                        needs
                    })
                }
                pyenv::Choice::Version(version) => {
                    let mut needs = self.version(&version.prefix, name, depth)?;
                    // Choosing among the versions that the caller installed is no steering.
                    let by = version.by.filter(|_| !version.installed);
                    needs.consulted.extend(by);
                    needs.consulted.extend([found.to_path_buf(), version.written]);
                    Ok(needs)
                }
            };
        }
        let real = real_path(found)?;
        let mut installation = self.holder(found, &real)?;
        installation.consulted.push(found.to_path_buf());
        if let Some(interpreter) = interpreter::of_file(&real) {
            self.add_interpreter(&mut installation, &real, &interpreter, depth)?;
        }
        Ok(installation)
    }

    /// The program `name` of the version in `prefix`, which pyenv puts first in PATH.
    fn version(
        &self,
        prefix: &Path,
        name: &OsStr,
        depth: u32,
    ) -> Result<Installation, ResolveError> {
        let bin = prefix.join("bin");
        let mut installation = self.locate(&bin.join(name), depth + 1)?;
        // Whoever set the version up chose it: it is granted even where it is no usual prefix.
        if installation.lone.take().is_some() {
            installation.program = bin.join(name);
        }
        add_prefix(&mut installation, prefix);
        installation.bins.retain(|one| one.directory != bin);
        installation.bins.insert(0, Bin { directory: bin, first: true });
        Ok(installation)
    }

    /// The program and the directories that hold it. `real` is `found` with every link resolved.
    fn holder(&self, found: &Path, real: &Path) -> Result<Installation, ResolveError> {
        let name = found.file_name().unwrap_or_default();
        let directory = found.parent().and_then(|path| std::fs::canonicalize(path).ok());
        // The program under its own name, the directory's links resolved.
        let here = directory.map_or_else(|| real.to_path_buf(), |path| path.join(name));
        let mut installation = Installation { program: here.clone(), ..Installation::default() };
        let home = self.caller.home();
        if let Some(environment) = here.parent().and_then(Path::parent)
            && !prefix::is_private(environment, home)
            && let Some(bases) = virtualenv::bases(environment, home)?
        {
            installation.consulted.push(environment.join("pyvenv.cfg"));
            add_environment(&mut installation, environment, &self.caller.cwd);
            for base in bases {
                add_prefix(&mut installation, &base);
            }
            if let Some(prefix) = prefix::of_program(real, &self.caller.cwd, home)
                && !in_system(real)
            {
                add_prefix(&mut installation, &prefix);
            }
            add_bin(&mut installation, here.parent());
            return Ok(installation);
        }
        if in_system(real) {
            // A link elsewhere, such as ~/bin/python, is not there in the guest.
            installation.program =
                if in_system(found) { found.to_path_buf() } else { real.to_path_buf() };
            return Ok(installation);
        }
        if let Some(prefix) = prefix::of_program(real, &self.caller.cwd, home) {
            if !here.starts_with(&prefix) {
                installation.program = real.to_path_buf();
            }
            add_prefix(&mut installation, &prefix);
            add_bin(&mut installation, real.parent());
            return Ok(installation);
        }
        installation.program = real.to_path_buf();
        installation.lone = Some(real.to_path_buf());
        Ok(installation)
    }

    fn add_interpreter(
        &self,
        installation: &mut Installation,
        script: &Path,
        interpreter: &Interpreter,
        depth: u32,
    ) -> Result<(), ResolveError> {
        let find = |name: &OsStr| {
            program::find(name, self.caller).map_err(|_| ResolveError::InterpreterMissing {
                script: script.to_path_buf(),
                interpreter: name.into(),
            })
        };
        let path = &interpreter.path;
        let found = find(path.as_os_str())?;
        let needs = self.locate(&found, depth + 1)?;
        if path.is_relative() {
            // It means another file wherever the script is started; only one place is right.
            let interpreter = path.clone();
            return Err(ResolveError::InterpreterMissing {
                script: script.to_path_buf(),
                interpreter,
            });
        }
        if needs.program != *path && !in_system(path) {
            // The kernel opens exactly the path that the script names.
            let source = needs.lone.clone().map_or_else(|| real_path(&needs.program), Ok)?;
            installation.files.push(Shared { source, target: path.clone() });
        } else if let Some(source) = &needs.lone {
            installation.files.push(Shared { source: source.clone(), target: path.clone() });
        }
        merge(installation, needs);
        if let Some(name) = &interpreter.name {
            let found = find(name)?;
            let needs = self.locate(&found, depth + 1)?;
            if let Some(source) = &needs.lone {
                let target = needs.program.clone();
                add_bin(installation, target.parent());
                installation.files.push(Shared { source: source.clone(), target });
            }
            merge(installation, needs);
        }
        Ok(())
    }
}

fn merge(installation: &mut Installation, needs: Installation) {
    for prefix in needs.prefixes {
        if !installation.prefixes.contains(&prefix) {
            installation.prefixes.push(prefix);
        }
    }
    installation.files.extend(needs.files);
    installation.consulted.extend(needs.consulted);
    for bin in needs.bins {
        if !installation.bins.iter().any(|one| one.directory == bin.directory) {
            installation.bins.push(bin);
        }
    }
}

/// Adds the directory `written`, at its real path and, where that differs, also where it was
/// written: links inside an installation name either.
fn add_prefix(installation: &mut Installation, written: &Path) {
    let Ok(real) = std::fs::canonicalize(written) else { return };
    installation.consulted.push(written.to_path_buf());
    if in_system(&real) {
        return;
    }
    for target in [real.clone(), written.to_path_buf()] {
        let shared = Shared { source: real.clone(), target };
        if !installation.prefixes.contains(&shared) {
            installation.prefixes.push(shared);
        }
    }
}

/// Adds the virtual environment in `directory`. One that the caller works in holds more than that:
/// only the parts that Python needs of it are granted.
fn add_environment(installation: &mut Installation, directory: &Path, cwd: &Path) {
    if !cwd.starts_with(directory) {
        return add_prefix(installation, directory);
    }
    for part in ["bin", "include", "lib", "lib64", "share"] {
        add_prefix(installation, &directory.join(part));
    }
    let config = directory.join("pyvenv.cfg");
    installation.files.push(Shared { source: config.clone(), target: config });
}

fn add_bin(installation: &mut Installation, directory: Option<&Path>) {
    if let Some(directory) = directory {
        let directory = directory.to_path_buf();
        installation.bins.push(Bin { directory, first: false });
    }
}

fn real_path(path: &Path) -> Result<PathBuf, ResolveError> {
    std::fs::canonicalize(path)
        .map_err(|source| ResolveError::PathDenied { path: path.to_path_buf(), source })
}
