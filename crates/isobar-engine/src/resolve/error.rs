//! What can be wrong with an ask once it meets the world. Each becomes a [`Refusal`] with a code
//! and a next step.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use isobar_policy::{Clause, Code, Refusal, TargetError, escape_bounded, escape_bytes};

/// How much of an argument or a name a message repeats.
const SHOWN: usize = 200;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("no command was given")]
    NoCommand,
    #[error("the program \"{}\" was not found{}", bounded(name), searched(*in_path))]
    ProgramMissing { name: PathBuf, in_path: bool },
    #[error(
        "pyenv chose {}, where there is no \"{}\", and the rest of PATH has none",
        list(versions),
        bounded(name)
    )]
    PyenvMissing { name: PathBuf, versions: Vec<String> },
    #[error("\"{}\" may not be executed", shown(path))]
    ProgramDenied { path: PathBuf },
    #[error(
        "the guest, which is another user than root, cannot {verb} \"{}\" (mode {mode:o})",
        shown(path)
    )]
    ProgramClosed { path: PathBuf, verb: &'static str, mode: u32 },
    #[error("the interpreter \"{}\" of \"{}\" was not found", bounded(interpreter), shown(script))]
    InterpreterMissing { script: PathBuf, interpreter: PathBuf },
    #[error("\"{}\" is a script of a script of a script, and so on", shown(path))]
    InterpreterDepth { path: PathBuf },
    #[error("\"{}\" lies where the guest sees nothing, and fs.toolchain is none", shown(path))]
    ToolchainOff { path: PathBuf },
    #[error(
        "the installation \"{}\" is closed to the guest, which is another user than root (mode {mode:o})",
        shown(path)
    )]
    ToolchainClosed { path: PathBuf, mode: u32 },
    #[error(
        "the virtual environment \"{}\" names \"{}\" as its Python, and that is no installation",
        shown(environment),
        shown(base)
    )]
    VirtualenvBase { environment: PathBuf, base: PathBuf },
    #[error(
        "\"{}\", which a guest may have written, would choose that {} is lent",
        shown(by),
        quoted(paths)
    )]
    Steered { paths: Vec<PathBuf>, by: PathBuf },
    #[error("\"{}\" does not exist", shown(path))]
    PathMissing { path: PathBuf },
    #[error("\"{}\" cannot be opened: {source}", shown(path))]
    PathDenied { path: PathBuf, source: io::Error },
    #[error("\"{}\" is relative, and the working directory cannot be read", shown(path))]
    NoWorkingDirectory { path: PathBuf },
    #[error("\"{}\" is or crosses a symbolic link", shown(path))]
    PathLink { path: PathBuf, real: Option<PathBuf> },
    #[error("\"{}\" changed while it was being resolved", shown(path))]
    PathChanged { path: PathBuf },
    #[error("the working directory \"{}\" contains `..`", bounded(path))]
    Climbs { path: PathBuf },
    #[error("{0}")]
    Target(TargetError),
    #[error("the path \"{}\" is not UTF-8 text", shown(path))]
    NotUtf8 { path: PathBuf },
    #[error("\"{}\" is a {what}", shown(path))]
    Special { path: PathBuf, what: &'static str },
    #[error("\"{}\" {what}", shown(path))]
    Kernel { path: PathBuf, what: &'static str },
    #[error(
        "\"{}\" takes \"{}\" along, which shows the host's kernel ({kind})",
        shown(path),
        shown(mount)
    )]
    KernelMount { path: PathBuf, mount: PathBuf, kind: String },
    #[error("\"{}\" covers isobar's own directory \"{}\"", shown(path), shown(own))]
    Own { path: PathBuf, own: PathBuf },
    #[error(
        "\"{}\" is already taken in the guest by \"{}\"",
        escape_bounded(target, SHOWN),
        escape_bounded(by, SHOWN)
    )]
    TargetTaken { target: String, by: String },
    #[error("the workspace \"{}\" is not a directory", shown(path))]
    WorkspaceKind { path: PathBuf },
    #[error("the guest has no directory \"{}\"", bounded(path))]
    WorkdirMissing { path: PathBuf },
    #[error("the working directory \"{}\" is relative, and there is no workspace", bounded(path))]
    WorkdirRelative { path: PathBuf },
    #[error("argument {index} has {bytes} bytes; the kernel allows {limit}")]
    ArgumentTooLong { index: usize, bytes: usize, limit: usize },
    #[error(
        "the arguments have {bytes} bytes together; the kernel allows {limit}, environment included"
    )]
    ArgumentsTooLong { bytes: usize, limit: usize },
    #[error("argument {index} contains a NUL")]
    ArgumentNul { index: usize },
    #[error(
        "the variable \"{}\" has {bytes} bytes; the kernel allows {limit}",
        escape_bounded(name, SHOWN)
    )]
    VariableTooLong { name: String, bytes: usize, limit: usize },
    #[error("the environment has {bytes} bytes, arguments included; the kernel allows {limit}")]
    EnvironmentTooLarge { bytes: usize, limit: usize },
    #[error("the value of the variable \"{}\" contains a NUL", escape_bounded(name, SHOWN))]
    EnvNul { name: String },
    #[error("the variable name \"{}\" {fault}", escape_bounded(name, SHOWN))]
    EnvName { name: String, fault: &'static str },
    #[error("there are more than {limit} grants")]
    TooMany { limit: usize },
    #[error("\"{}\" cannot be searched for sockets to its end: {why}", shown(path))]
    Unsearchable { path: PathBuf, why: &'static str },
    #[error("what the host would execute below \"{}\" cannot be held: {why}", shown(path))]
    Unprotected { path: PathBuf, why: &'static str },
}

impl ResolveError {
    /// The stable code.
    pub(crate) const fn code(&self) -> Code {
        match self {
            Self::NoCommand => Code::CliNoCommand,
            Self::ProgramMissing { .. } | Self::PyenvMissing { .. } => Code::ResolveProgramMissing,
            Self::ProgramDenied { .. } | Self::ProgramClosed { .. } => {
                Code::ResolveProgramNotExecutable
            }
            Self::InterpreterMissing { .. } => Code::ResolveInterpreterMissing,
            Self::InterpreterDepth { .. }
            | Self::ToolchainOff { .. }
            | Self::ToolchainClosed { .. }
            | Self::Steered { .. }
            | Self::VirtualenvBase { .. } => Code::ResolveToolchain,
            Self::PathMissing { .. } => Code::ResolvePathMissing,
            Self::PathDenied { .. } => Code::ResolvePathDenied,
            Self::PathLink { .. } => Code::ResolvePathLink,
            Self::PathChanged { .. } => Code::ResolvePathChanged,
            Self::Climbs { .. } | Self::Target(TargetError::Climbs { .. }) => {
                Code::ResolvePathClimbs
            }
            Self::Target(_) => Code::PolicyTarget,
            Self::NotUtf8 { .. } => Code::ResolvePathNotUtf8,
            Self::Special { .. } => Code::ResolveSpecialFile,
            Self::Kernel { .. } | Self::KernelMount { .. } => Code::ResolveKernelPath,
            Self::Own { .. } => Code::ResolveOwnDirectory,
            Self::TargetTaken { .. } => Code::ResolveTargetTaken,
            Self::WorkspaceKind { .. } => Code::ResolveWorkspace,
            Self::NoWorkingDirectory { .. }
            | Self::WorkdirMissing { .. }
            | Self::WorkdirRelative { .. } => Code::ResolveWorkingDirectory,
            Self::ArgumentTooLong { .. } | Self::ArgumentsTooLong { .. } => {
                Code::ResolveArgumentTooLong
            }
            Self::ArgumentNul { .. } => Code::ResolveArgumentNul,
            Self::VariableTooLong { .. } | Self::EnvironmentTooLarge { .. } => {
                Code::ResolveEnvTooLarge
            }
            Self::EnvNul { .. } => Code::ResolveEnvNul,
            Self::EnvName { .. } => Code::ResolveEnvName,
            Self::TooMany { .. } => Code::ResolveTooManyGrants,
            Self::Unsearchable { .. } => Code::ResolveUnsearchable,
            Self::Unprotected { .. } => Code::ResolveUnprotected,
        }
    }

    /// The clause that it belongs to, for what no grant of the policy's asked for.
    pub(crate) const fn clause(&self) -> Option<Clause> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "every other code belongs to no clause")]
        match self.code() {
            Code::ResolveToolchain => Some(Clause::FsToolchain),
            Code::ResolveEnvTooLarge | Code::ResolveEnvNul | Code::ResolveEnvName => {
                Some(Clause::Env)
            }
            _ => None,
        }
    }

    /// What the user can do, in one line.
    pub(crate) fn remedy(&self) -> String {
        let fixed = match self {
            Self::PathLink { real: Some(real), .. } => {
                return format!("write the real path: {}", shown(real));
            }
            Self::ProgramClosed { path, .. } | Self::ToolchainClosed { path, .. } => {
                return format!(
                    "grant it by name, which gives it to the guest: --ro '{0}', or open it: chmod o+rX '{0}'",
                    shown(path)
                );
            }
            Self::ToolchainOff { path } => {
                return format!("use --toolchain auto, or grant it: --ro '{}'", shown(path));
            }
            Self::Steered { paths, .. } => {
                let flags: Vec<_> =
                    paths.iter().map(|path| format!("--ro '{}'", shown(path))).collect();
                return format!(
                    "if you mean it, grant it by name: {}; or use --toolchain none",
                    flags.join(" ")
                );
            }
            Self::PyenvMissing { name, .. } => {
                return format!("see which versions have it: pyenv whence {}", bounded(name));
            }
            Self::Target(error) => error.remedy(),
            Self::NoCommand => "write the program after `--`",
            Self::ProgramMissing { in_path: true, .. } => {
                "install it, or write its path; PATH is the caller's own"
            }
            Self::ProgramMissing { in_path: false, .. } => "check the path",
            Self::ProgramDenied { .. } => "make it executable (chmod +x), or name its interpreter",
            Self::InterpreterMissing { .. } => {
                "install the interpreter, or correct the script's first line"
            }
            Self::InterpreterDepth { .. } => "name the last interpreter on the command line",
            Self::VirtualenvBase { .. } => {
                "make the environment anew, or grant its Python by name with --ro"
            }
            Self::PathMissing { .. } => "create it, or leave the grant out",
            Self::PathDenied { .. } => "grant a path that you can open yourself",
            Self::PathLink { real: None, .. } => "write a path without symbolic links",
            Self::PathChanged { .. } => "run again while nobody replaces it",
            Self::Climbs { .. } => "write the path without `..`",
            Self::NotUtf8 { .. } => "rename it, or grant a directory above it",
            Self::Special { .. } => "grant a directory or a regular file",
            Self::Kernel { .. } => "grant a directory below it that belongs to you",
            Self::KernelMount { .. } => "unmount it, or grant directories beside it",
            Self::Own { .. } => "grant a smaller directory, beside isobar's own",
            Self::TargetTaken { .. } => "give one of them another target (PATH:TARGET)",
            Self::WorkspaceKind { .. } => "lend a directory, or grant the file with --ro or --rw",
            Self::NoWorkingDirectory { .. } => "change into a directory that exists",
            Self::WorkdirMissing { .. } => "grant it, or name a directory that the guest sees",
            Self::WorkdirRelative { .. } => "write it from the guest's root, such as /tmp",
            Self::ArgumentTooLong { .. } | Self::ArgumentsTooLong { .. } => {
                "hand the text over in a file, or on standard input"
            }
            Self::ArgumentNul { .. } => "no program can be given such an argument",
            Self::VariableTooLong { .. } | Self::EnvironmentTooLarge { .. } => {
                "pass fewer variables (env.allow, env.set), or a file"
            }
            Self::EnvNul { .. } => "no program can be given such a value",
            Self::EnvName { .. } => "leave it out of env.allow",
            Self::TooMany { .. } => "grant a directory above them",
            Self::Unprotected { .. } => "lend a smaller directory, or lend it read-only",
            Self::Unsearchable { .. } => {
                "grant a smaller directory; as a member of these groups you might reach a socket in it"
            }
        };
        fixed.to_owned()
    }

    /// The refusal, for the clause that asked for it.
    pub(crate) fn refusal(&self, clause: Option<Clause>) -> Refusal {
        Refusal {
            code: self.code(),
            clause,
            why: self.to_string(),
            remedy: self.remedy(),
            acceptable: None,
        }
    }
}

/// Paths for people, in one sentence.
fn quoted(paths: &[PathBuf]) -> String {
    let each: Vec<_> = paths.iter().map(|path| format!("\"{}\"", shown(path))).collect();
    each.join(" and ")
}

/// A path for people.
fn shown(path: &Path) -> String {
    escape_bytes(path.as_os_str().as_bytes())
}

/// A name from the command line, which may be of any length.
fn bounded(name: &Path) -> String {
    escape_bounded(&name.to_string_lossy(), SHOWN)
}

const fn searched(in_path: bool) -> &'static str {
    if in_path { " in PATH" } else { "" }
}

fn list(versions: &[String]) -> String {
    escape_bounded(&versions.join(", "), SHOWN)
}
