//! Files in the state directory: read whole or not at all, replaced at once.
//!
//! Everything goes through the descriptor of the directory, which was checked to be the caller's
//! own; links in it are not followed all the same.

use std::io::{self, Read, Write};

use isobar_os::state_dir::StateDir;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};

/// A file of the state directory, by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StateFile<'a> {
    pub(crate) directory: &'a StateDir,
    pub(crate) name: &'a str,
}

impl StateFile<'_> {
    /// Its content, if it is a regular file of at most `limit` bytes.
    pub(crate) fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let directory = self.directory.descriptor();
        let file = rustix::fs::openat(directory, self.name, flags, Mode::empty())?;
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
        if kind != FileType::RegularFile {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut content = Vec::new();
        std::fs::File::from(file).take(limit + 1).read_to_end(&mut content)?;
        let fits = u64::try_from(content.len()).is_ok_and(|length| length <= limit);
        if fits { Ok(content) } else { Err(io::ErrorKind::FileTooLarge.into()) }
    }

    /// Replaces it: a reader sees the old content or the new, never a part.
    pub(crate) fn replace(&self, content: &[u8]) -> io::Result<()> {
        let name = format!("{}.{}", self.name, std::process::id());
        let fresh = StateFile { directory: self.directory, name: &name };
        let written = fresh.write_new(content).and_then(|()| {
            let directory = self.directory.descriptor();
            rustix::fs::renameat(directory, fresh.name, directory, self.name)?;
            Ok(())
        });
        if written.is_err() {
            // Whatever failed, the half-made file must not stay. It may never have been made.
            fresh.remove();
        }
        written
    }

    fn write_new(&self, content: &[u8]) -> io::Result<()> {
        // What a killed process of the same number left is nobody's any more.
        self.remove();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::openat(self.directory.descriptor(), self.name, flags, mode)?;
        std::fs::File::from(file).write_all(content)
    }

    /// Removes it. One that is not there is no error, and one that cannot be removed is only a
    /// cache that stays.
    pub(crate) fn remove(&self) {
        match rustix::fs::unlinkat(self.directory.descriptor(), self.name, AtFlags::empty()) {
            Ok(()) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_replaced_whole_and_bounded() {
        let above = tempfile::tempdir().expect("a directory");
        let place = above.path().join("state");
        let directory = StateDir::open(&place).expect("it can be made");
        let file = |name| StateFile { directory: &directory, name };
        file("a").replace(b"one").expect("the first");
        file("a").replace(b"second").expect("the second");
        assert_eq!(file("a").read(6).expect("it is there"), b"second", "the newer one is whole");
        assert!(file("a").read(5).is_err(), "what is too long is not read in part");
        assert_eq!(fs::read_dir(&place).expect("a listing").count(), 1, "nothing half-made stays");
        symlink("/etc/passwd", place.join("b")).expect("a link");
        assert!(file("b").read(1 << 20).is_err(), "a link is no file of ours");
        file("a").remove();
        file("a").remove();
        assert!(file("a").read(6).is_err(), "removed, and removing again is no error");
    }
}
