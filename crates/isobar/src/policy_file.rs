//! `--policy FILE`: read only when named, and only with its digest where a guest could have
//! written it.
//!
//! A policy that lies under a granted path may be the work of an earlier guest. Such a file needs
//! `--policy-digest`, by which the caller says that this very text was looked at (DESIGN.md 4).
//! The file is opened once; text, digest and identity all come from that descriptor.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use isobar_engine::policy::{
    Code, Diagnostic, GrantSpec, MAX_POLICY_BYTES, Policy, escape, parse, parse_json, parse_toml,
};
use sha2::{Digest as _, Sha256};

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyFileError {
    /// Opening or reading failed.
    #[error("the policy file \"{path}\" cannot be read")]
    Unreadable {
        path: String,
        #[source]
        source: io::Error,
    },
    /// It is not what was looked at.
    #[error("the policy file \"{path}\" has the digest {found}")]
    Digest { path: String, found: String },
    /// A guest could have written it.
    #[error("the policy file \"{path}\" lies under \"{grant}\", which the policy grants")]
    UnderGrant { path: String, grant: String, found: String },
}

impl From<PolicyFileError> for Diagnostic {
    fn from(error: PolicyFileError) -> Self {
        let (code, remedy) = match &error {
            PolicyFileError::Unreadable { .. } => {
                (Code::PolicyUnreadable, "name a file that you may read".to_owned())
            }
            PolicyFileError::Digest { .. } => {
                let remedy = "read the file again, then give the digest that you trust";
                (Code::PolicyDigest, remedy.to_owned())
            }
            PolicyFileError::UnderGrant { found, .. } => {
                let remedy = format!("read the file, then add --policy-digest {found}");
                (Code::PolicyUnderGrant, remedy)
            }
        };
        Self::new(code, &error, remedy)
    }
}

/// What tells one file from another.
type Identity = (u64, u64);

/// A policy file that was read.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    /// What it says.
    pub(crate) policy: Policy,
    shown: String,
    /// Where it really is.
    path: PathBuf,
    identity: Identity,
    /// `sha256:` and 64 hexadecimal digits.
    digest: String,
}

impl PolicyFile {
    /// Reads `path`. A name that ends in `.json` or `.toml` says what it must be; any other is
    /// told by its first character.
    ///
    /// # Errors
    /// A [`Diagnostic`] of area `POL`.
    pub(crate) fn read(path: &Path) -> Result<Self, Diagnostic> {
        let shown = escape(&path.to_string_lossy());
        let unreadable = |source| PolicyFileError::Unreadable { path: shown.clone(), source };
        // Without O_NONBLOCK, so that a pipe from the shell, `<(…)`, is read to its end.
        let file =
            File::options().read(true).custom_flags(OFLAG_NOCTTY).open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut bytes = Vec::new();
        // One byte more than a policy may have, so that the reader can refuse it by its length.
        let limit = u64::try_from(MAX_POLICY_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        (&file).take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
        let text = |bytes| std::str::from_utf8(bytes);
        let parsed = match (path.extension().and_then(|end| end.to_str()), text(&bytes)) {
            (Some("json"), Ok(text)) => parse_json(text),
            (Some("toml"), Ok(text)) => parse_toml(text),
            _ => parse(&bytes),
        };
        let policy = parsed.map_err(|error| {
            let mut diagnostic = Diagnostic::from(&error);
            diagnostic.summary = format!("\"{shown}\": {}", diagnostic.summary);
            diagnostic
        })?;
        let place = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Ok(Self {
            policy,
            shown,
            path: place.unwrap_or_else(|_| path.to_owned()),
            identity: (metadata.dev(), metadata.ino()),
            digest: digest_of(&bytes),
        })
    }

    /// Holds the file against the digest that the caller gave, if any, and against the grants of
    /// the merged policy.
    ///
    /// # Errors
    /// [`PolicyFileError::Digest`], [`PolicyFileError::UnderGrant`].
    pub(crate) fn check(
        &self,
        merged: &Policy,
        given: Option<&PolicyDigest>,
    ) -> Result<(), PolicyFileError> {
        let path = self.shown.clone();
        let found = self.digest.clone();
        match given {
            Some(given) if given.0 == self.digest => Ok(()),
            Some(_) => Err(PolicyFileError::Digest { path, found }),
            None => match self.covering_grant(merged) {
                Some(grant) => {
                    Err(PolicyFileError::UnderGrant { path, grant: escape(grant), found })
                }
                None => Ok(()),
            },
        }
    }

    /// The first grant that is the file or a directory above it, by identity and not by name, so
    /// that links and bind mounts of the grant make no difference.
    fn covering_grant<'p>(&self, merged: &'p Policy) -> Option<&'p str> {
        let above = self.path.ancestors().skip(1).filter_map(identity_of);
        let reached: Vec<Identity> = above.chain([self.identity]).collect();
        let fs = &merged.fs;
        let lists = fs.rw.iter().chain(&fs.ro).chain(&fs.cow).map(GrantSpec::path);
        let mut granted = lists.chain(fs.workspace.as_ref().map(|one| one.path.as_str()));
        granted.find(|path| {
            identity_of(Path::new(path)).is_some_and(|identity| reached.contains(&identity))
        })
    }
}

/// A digest as the caller gave it: `sha256:` and 64 hexadecimal digits, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyDigest(String);

impl std::str::FromStr for PolicyDigest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let lower = text.to_ascii_lowercase();
        let digits = lower.strip_prefix("sha256:").unwrap_or_default();
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(lower));
        }
        Err("write sha256: and 64 hexadecimal digits, as sha256sum(1) prints them")
    }
}

/// O_NOCTTY of asm-generic/fcntl.h: a policy that is a terminal must not become ours.
const OFLAG_NOCTTY: i32 = 0o400;

/// Device and inode, links followed; `None` where nothing is there.
fn identity_of(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn digest_of(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_sha256sum() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest_of(b""), empty, "FIPS 180-4, the empty message");
        assert_eq!(
            empty.to_uppercase().replace("SHA", "sha").parse(),
            Ok(PolicyDigest(empty.into()))
        );
        for text in ["", "sha256:", "md5:00", &empty[..empty.len() - 1], &empty.replace('e', "g")] {
            assert!(text.parse::<PolicyDigest>().is_err(), "{text} is no digest");
        }
    }

    #[test]
    fn a_grant_covers_the_file_also_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (inner, link) = (dir.path().join("a/b"), dir.path().join("link"));
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir(dir.path().join("other")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("a"), &link).unwrap();
        fs::write(inner.join("p.toml"), "version = 1\n").unwrap();
        let file = PolicyFile::read(&inner.join("p.toml")).unwrap();
        let granting = |path: PathBuf| {
            let mut policy = Policy::empty();
            policy.fs.ro = vec![GrantSpec::Text(path.to_str().unwrap().to_owned())];
            policy
        };
        for path in [dir.path().to_owned(), inner.clone(), link, inner.join("p.toml")] {
            let refused = file.check(&granting(path.clone()), None);
            assert!(refused.is_err(), "{} shows the file to a guest", path.display());
        }
        let beside = granting(dir.path().join("other"));
        assert!(file.check(&beside, None).is_ok(), "a grant elsewhere shows nothing");
        let digest = PolicyDigest(file.digest.clone());
        assert!(file.check(&granting(inner), Some(&digest)).is_ok(), "its reader vouches for it");
    }
}
