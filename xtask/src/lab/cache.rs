//! What the lab is made of, kept below the target directory.
//!
//! A part (the tools, a kernel, a root) is a directory named by the hash of its recipe and of its
//! packages (`package=version=SHA256`). Security updates replace what they update, so an older version
//! cannot be fetched again: a part that is there wins, and only `--refresh` resolves anew.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::apt::{self, absent};
use crate::{process, workspace};

/// How many digits of the hash name a directory.
const DIGITS: usize = 16;

/// The cache of this target directory.
pub(crate) struct Cache {
    root: PathBuf,
    refresh: bool,
}

impl Cache {
    /// `refresh` resolves every part anew.
    pub(crate) fn open(refresh: bool) -> Result<Self> {
        let root = workspace::target_dir()?.join("lab");
        fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
        Ok(Self { root, refresh })
    }

    /// Its directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The part `name`. Where it is missing, or of another recipe, `packages` fetches what it is
    /// made of and `make` fills its directory.
    pub(crate) fn part(
        &self,
        name: &str,
        recipe: &str,
        packages: impl FnOnce() -> Result<Vec<PathBuf>>,
        make: impl FnOnce(&[PathBuf], &Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let known = self.root.join(format!("{name}.current"));
        let recipe = hash(recipe)?;
        if let Some(part) = self.there(&known, &recipe)
            && !self.refresh
        {
            return Ok(part);
        }
        println!("making {name} of the lab");
        let files = packages()?;
        let pins = apt::pins(&files)?.join("\n");
        let key = hash(&format!("{recipe}\n{pins}\n"))?;
        let part = self.root.join(format!("{name}-{key}"));
        if !part.exists() {
            let fresh = self.root.join(format!("{name}.new"));
            fs::remove_dir_all(&fresh).or_else(absent)?;
            fs::create_dir_all(&fresh)?;
            make(&files, &fresh)?;
            fs::write(fresh.join("packages"), &pins)?;
            fs::rename(&fresh, &part)?;
        }
        fs::write(&known, format!("{recipe} {}\n", part.display()))?;
        Ok(part)
    }

    fn there(&self, known: &Path, recipe: &str) -> Option<PathBuf> {
        let text = fs::read_to_string(known).ok()?;
        let (of, part) = text.trim_end().split_once(' ')?;
        let part = PathBuf::from(part);
        (of == recipe && part.starts_with(&self.root) && part.is_dir()).then_some(part)
    }
}

/// The first digits of a text's SHA256.
fn hash(text: &str) -> Result<String> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    let sum = process::capture(process::command("sha256sum").arg(file.path()))?;
    sum.get(..DIGITS).map(str::to_owned).context("sha256sum printed no hash")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_part_is_made_once_for_each_recipe_and_content() {
        let dir = tempfile::tempdir().unwrap();
        let deb = dir.path().join("tool_1.0_all.deb");
        fs::write(&deb, "content").unwrap();
        let root = dir.path().join("lab");
        fs::create_dir(&root).unwrap();
        let made = Cell::new(0);
        let part = |recipe: &str, refresh: bool| {
            let cache = Cache { root: root.clone(), refresh };
            cache
                .part(
                    "tool",
                    recipe,
                    || Ok(vec![deb.clone()]),
                    |_, place| {
                        made.set(made.get() + 1);
                        fs::write(place.join("made"), "x").map_err(Into::into)
                    },
                )
                .unwrap()
        };
        let first = part("one", false);
        assert!(first.join("made").exists());
        assert_eq!(part("one", false), first, "what is there wins");
        assert_eq!((part("one", true), made.get()), (first.clone(), 1), "the same packages again");
        assert_ne!(part("two", false), first, "another recipe is another part");
        fs::write(&deb, "other content").unwrap();
        assert_eq!(made.get(), 2);
        assert_ne!(part("two", true), first, "refreshed, other packages are another part");
        assert_eq!(made.get(), 3);
    }
}
