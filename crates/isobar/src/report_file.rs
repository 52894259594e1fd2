//! `--report FILE|-`: the report as JSON in a file, or as a table for people on standard error.
//!
//! The file may lie in a workspace that the guest can write, so nothing that was there before is
//! trusted afterwards: the directory is opened before the guest starts, and after its end a new
//! file takes the name by rename, which follows no link of the guest's making. If the path then
//! leads to another directory than before, the caller would read a report of the guest's making;
//! that is an error.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use isobar_engine::policy::{Code, Diagnostic, Report, escape};
use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// Why the report cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportFileError {
    /// The path names no file.
    #[error("\"{path}\" is not the name of a file")]
    NoName { path: String },
    /// A link there would lead the report elsewhere.
    #[error("\"{path}\" is a symbolic link")]
    Link { path: String },
    /// Something is there that no report can replace.
    #[error("\"{path}\" is a directory")]
    Directory { path: String },
    /// The kernel says no.
    #[error("the report \"{path}\" cannot be written")]
    Write {
        path: String,
        #[source]
        source: Errno,
    },
    /// The directory's name leads elsewhere since the run.
    #[error("the directory of \"{path}\" was replaced during the run")]
    Moved { path: String },
}

impl From<ReportFileError> for Diagnostic {
    fn from(error: ReportFileError) -> Self {
        let remedy = match &error {
            ReportFileError::NoName { .. } | ReportFileError::Directory { .. } => {
                "name a file, or `-` for a table"
            }
            ReportFileError::Link { .. } => "name the file that the link leads to",
            ReportFileError::Write { .. } => "name a file in a directory that you may write",
            ReportFileError::Moved { .. } => "keep the report outside of what the guest may change",
        };
        Self::new(Code::RunReport, &error, remedy)
    }
}

/// Where the report goes.
#[derive(Debug)]
pub(crate) enum ReportSink {
    /// Nobody asked.
    None,
    /// A table on standard error.
    Table,
    /// An open pipe, device or descriptor.
    Open { shown: String, fd: OwnedFd },
    /// A new file of this name in this directory.
    File { shown: String, parent: PathBuf, directory: OwnedFd, name: OsString },
}

impl ReportSink {
    /// Opens what can be opened before the run, so that a report that cannot be written costs no
    /// run.
    ///
    /// # Errors
    /// [`ReportFileError`].
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, ReportFileError> {
        let Some(path) = path else { return Ok(Self::None) };
        if path.as_os_str() == "-" {
            return Ok(Self::Table);
        }
        let shown = escape(&path.to_string_lossy());
        let failed = |source| ReportFileError::Write { path: shown.clone(), source };
        let streamed = |shown: &String| {
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOCTTY;
            let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(failed)?;
            Ok(Self::Open { shown: shown.clone(), fd })
        };
        if is_descriptor(path) {
            return streamed(&shown);
        }
        let name = match path.file_name() {
            Some(name) if !path.as_os_str().as_bytes().ends_with(b"/") => name.to_owned(),
            _ => return Err(ReportFileError::NoName { path: shown }),
        };
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let directory = open_directory(&parent).map_err(failed)?;
        match rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Err(source) => return Err(failed(source)),
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {}
                FileType::Symlink => return Err(ReportFileError::Link { path: shown }),
                FileType::Directory => return Err(ReportFileError::Directory { path: shown }),
                FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => return streamed(&shown),
            },
        }
        rustix::fs::accessat(&directory, ".", Access::WRITE_OK, AtFlags::empty())
            .map_err(failed)?;
        Ok(Self::File { shown, parent, directory, name })
    }

    /// Whether a table for people was asked for.
    pub(crate) const fn is_table(&self) -> bool {
        matches!(self, Self::Table)
    }

    /// Writes the report as JSON, where JSON was asked for.
    ///
    /// # Errors
    /// [`ReportFileError`].
    pub(crate) fn write(&self, report: &Report) -> Result<(), ReportFileError> {
        // A report holds only text, numbers and lists, all of which JSON can write.
        let mut text = serde_json::to_vec_pretty(report).unwrap_or_default();
        text.push(b'\n');
        match self {
            Self::None | Self::Table => Ok(()),
            Self::Open { shown, fd } => {
                use std::os::fd::AsFd as _;
                crate::output::write_all(fd.as_fd(), &text)
                    .map_err(|source| ReportFileError::Write { path: shown.clone(), source })
            }
            Self::File { shown, parent, directory, name } => {
                let failed = |source| ReportFileError::Write { path: shown.clone(), source };
                replace(directory, name, &text).map_err(failed)?;
                let now = open_directory(parent).and_then(rustix::fs::fstat);
                let then = rustix::fs::fstat(directory).map_err(failed)?;
                match now {
                    Ok(now) if (now.st_dev, now.st_ino) == (then.st_dev, then.st_ino) => Ok(()),
                    _ => Err(ReportFileError::Moved { path: shown.clone() }),
                }
            }
        }
    }
}

/// Whether `path` names a descriptor of this process, as shells do for `>(…)`.
fn is_descriptor(path: &Path) -> bool {
    path == Path::new("/dev/stdout")
        || path == Path::new("/dev/stderr")
        || path.starts_with("/dev/fd")
        || path.starts_with("/proc/self/fd")
}

fn open_directory(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty())
}

/// Writes `text` to a new file in `directory` and gives it `name`. Nothing is left on failure.
fn replace(directory: &OwnedFd, name: &OsString, text: &[u8]) -> Result<(), Errno> {
    let mut fresh = OsString::from(".");
    fresh.push(name);
    fresh.push(format!(".{}", std::process::id()));
    // Whoever left something of this name, a dead isobar or a guest: it is not ours to keep.
    match rustix::fs::unlinkat(directory, &fresh, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    let mut file = std::fs::File::from(rustix::fs::openat(directory, &fresh, flags, mode)?);
    let written = file.write_all(text).map_err(|error| errno_of(&error));
    let placed = written.and_then(|()| {
        rustix::fs::renameat_with(directory, &fresh, directory, name, RenameFlags::empty())
    });
    if placed.is_err() {
        // The first failure is the one to tell.
        rustix::fs::unlinkat(directory, &fresh, AtFlags::empty()).ok();
    }
    placed
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use isobar_engine::policy::{BoundaryKind, End, Outcome, Policy};

    use super::*;

    fn report() -> Report {
        Report {
            version: Report::VERSION,
            isobar: "test".to_owned(),
            boundary: BoundaryKind::ALL[0],
            host: "test".to_owned(),
            command: vec!["true".to_owned()],
            policy: Policy::empty(),
            lines: Vec::new(),
            accepted: Vec::new(),
            shared: Vec::new(),
            outcome: Outcome::only(End::Exited { code: 0 }),
        }
    }

    #[test]
    fn what_the_guest_put_there_meanwhile_is_replaced_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("report.json"), dir.path().join("victim"));
        fs::write(&victim, "untouched").unwrap();
        let sink = ReportSink::open(Some(&path)).unwrap();
        symlink(&victim, &path).unwrap();
        sink.write(&report()).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched", "the link was not followed");
        let read: Report = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, report(), "the name leads to our report");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside them");
    }

    #[test]
    fn a_directory_that_moved_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let sink = ReportSink::open(Some(&inner.join("report.json"))).unwrap();
        fs::rename(&inner, dir.path().join("elsewhere")).unwrap();
        fs::create_dir(&inner).unwrap();
        let error = sink.write(&report()).unwrap_err();
        assert!(matches!(error, ReportFileError::Moved { .. }), "the caller reads another place");
    }

    #[test]
    fn places_that_no_report_can_take_are_refused_before_the_run() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/dev/null", dir.path().join("link")).unwrap();
        let open = |name: &str| ReportSink::open(Some(&dir.path().join(name)));
        assert!(matches!(open("link"), Err(ReportFileError::Link { .. })), "it leads elsewhere");
        assert!(matches!(open("none/r"), Err(ReportFileError::Write { .. })), "no such directory");
        assert!(matches!(open("x/"), Err(ReportFileError::NoName { .. })), "a directory's name");
        let whole = ReportSink::open(Some(dir.path()));
        assert!(matches!(whole, Err(ReportFileError::Directory { .. })), "a directory");
        assert!(matches!(ReportSink::open(Some(Path::new("-"))), Ok(ReportSink::Table)));
    }
}
