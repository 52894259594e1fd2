//! The checkout as the rules read it: every text file but what was built.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::source::Source;

/// Directories that hold nothing of ours.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// All files of the checkout.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// Rust files.
    pub(crate) sources: Vec<Source>,
    /// All other files that are UTF-8 text.
    pub(crate) documents: Vec<Document>,
}

/// A text file that is not Rust.
pub(crate) struct Document {
    /// Relative to the root of the checkout.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self { root: root.to_owned(), sources: Vec::new(), documents: Vec::new() };
        tree.walk(root)?;
        tree.sources.sort_by(|a, b| a.path.cmp(&b.path));
        tree.documents.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn walk(&mut self, dir: &Path) -> Result<()> {
        let entries =
            fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                if !SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
                    self.walk(&path)?;
                }
            } else if kind.is_file() {
                let bytes =
                    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                if let Ok(text) = String::from_utf8(bytes) {
                    self.add(path.strip_prefix(&self.root)?.to_owned(), text);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf, text: String) {
        if path.extension().is_some_and(|extension| extension == "rs") {
            self.sources.push(Source::new(path, text));
        } else {
            self.documents.push(Document { path, text });
        }
    }

    /// A tree of files that exist only in a test.
    #[cfg(test)]
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        let root = PathBuf::from("/nonexistent");
        let mut tree = Self { root, sources: Vec::new(), documents: Vec::new() };
        for (path, text) in files {
            tree.add(PathBuf::from(path), (*text).to_owned());
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_built_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["target", "src"] {
            fs::create_dir(dir.path().join(sub)).unwrap();
            fs::write(dir.path().join(sub).join("x.rs"), "//! x").unwrap();
        }
        fs::write(dir.path().join("picture.png"), [0xff, 0xfe]).unwrap();
        let tree = Tree::read(dir.path()).unwrap();
        let paths: Vec<_> = tree.sources.iter().map(|source| source.path.clone()).collect();
        assert_eq!(paths, [PathBuf::from("src/x.rs")]);
        assert!(tree.documents.is_empty(), "bytes that are no text are no document");
    }
}
