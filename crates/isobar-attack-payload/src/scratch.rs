//! A place to try things in: a directory of this process in the temporary directory, which a guest
//! always has.

use std::path::{Path, PathBuf};

use crate::verdict::Unable;

/// A directory that is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes one.
    pub(crate) fn new() -> Result<Self, Unable> {
        let name = format!("attack-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)
            .map_err(|error| Unable(format!("cannot make {}: {error}", path.display())))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is noticed by whoever checks that nothing is left.
        std::fs::remove_dir(&self.path).ok();
    }
}
