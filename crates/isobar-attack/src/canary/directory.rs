//! A directory with a file of the caller's own, and everything about both that could be changed.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{CanaryError, Place};
use crate::Token;

/// The file in it.
const CANARY: &str = "canary";

/// What is known of one path.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    path: PathBuf,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    changed: (i64, i64),
    /// Names of extended attributes, as the kernel lists them.
    attributes: Vec<u8>,
    content: Vec<u8>,
}

/// The directory.
#[derive(Debug)]
pub(super) struct Directory {
    place: Place,
    before: Vec<Seen>,
}

impl Directory {
    pub(super) fn new(secret: &Token) -> Result<Self, CanaryError> {
        let place = Place::new()?;
        place.write(CANARY, secret.as_str())?;
        let before = look(place.path())?;
        Ok(Self { place, before })
    }

    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn changed(&self) -> Result<bool, CanaryError> {
        Ok(look(self.place.path())? != self.before)
    }
}

/// The directory and all that is in it, in order.
fn look(directory: &Path) -> Result<Vec<Seen>, CanaryError> {
    let failed = |source| CanaryError::Look { source };
    let mut paths = vec![directory.to_path_buf()];
    for entry in fs::read_dir(directory).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    paths.into_iter().map(see).collect::<Result<_, _>>().map_err(failed)
}

fn see(path: PathBuf) -> io::Result<Seen> {
    let found = fs::symlink_metadata(&path)?;
    let mut attributes = vec![0; 4096];
    let length = rustix::fs::llistxattr(&path, &mut attributes)
        .or_else(|errno| if errno == rustix::io::Errno::OPNOTSUPP { Ok(0) } else { Err(errno) })?;
    attributes.truncate(length);
    Ok(Seen {
        mode: found.mode(),
        owner: (found.uid(), found.gid()),
        modified: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
        attributes,
        content: if found.is_file() { fs::read(&path)? } else { Vec::new() },
        path,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn fresh() -> (Directory, PathBuf) {
        let directory = Directory::new(&Token::new().unwrap()).unwrap();
        let file = directory.path().join(CANARY);
        (directory, file)
    }

    #[test]
    fn every_change_is_seen() {
        type Change = fn(&Path);
        let changes: [(&str, Change); 5] = [
            ("content", |file| fs::write(file, "x").unwrap()),
            ("mode", |file| fs::set_permissions(file, Permissions::from_mode(0o640)).unwrap()),
            ("a new name", |file| fs::hard_link(file, file.with_extension("alias")).unwrap()),
            ("a lost name", |file| fs::remove_file(file).unwrap()),
            ("a new file", |file| fs::write(file.with_extension("new"), "").unwrap()),
        ];
        for (what, change) in changes {
            let (directory, file) = fresh();
            assert!(!directory.changed().unwrap(), "nothing happened yet");
            change(&file);
            assert!(directory.changed().unwrap(), "{what} must be noticed");
        }
    }

    #[test]
    fn nothing_is_left() {
        let (directory, file) = fresh();
        drop(directory);
        assert!(!file.parent().unwrap().exists(), "the canary goes with its owner");
    }
}
