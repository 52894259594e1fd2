//! What was learned about this host, kept from one start to the next.
//!
//! An entry counts only for the same boot, user, groups, build and executable. Anything else, and anything
//! that cannot be read, counts as nothing: the cache may cost time, never a decision. Nor does one
//! whose facts differ from what the boundary reads anew at each start. A refusal is never believed
//! from the cache alone, and a launch that fails where the cache said yes drops the entry.

use std::path::{Path, PathBuf};

use isobar_boundary::build::BUILD_ID;
use isobar_os::state_dir::StateDir;
use isobar_policy::{BoundaryKind, HostFacts};
use serde::{Deserialize, Serialize};

use crate::caller::Credentials;
use crate::state_file::StateFile;

/// An entry is some kilobytes; what is longer is no entry.
const MAX_ENTRY: u64 = 256 * 1024;

/// Where the kernel says which boot this is (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What an entry holds for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    boot: String,
    build: u64,
    /// Inode and change time of our own executable: builds of one version differ too.
    executable: String,
    boundary: BoundaryKind,
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: Key,
    facts: HostFacts,
}

/// The cache of one user.
#[derive(Debug)]
pub(crate) struct FactsCache {
    path: PathBuf,
    credentials: Credentials,
    boot: Option<String>,
}

impl FactsCache {
    /// The cache in the state directory `path`.
    pub(crate) fn new(path: &Path, credentials: &Credentials) -> Self {
        let boot = std::fs::read_to_string(BOOT_ID).ok().map(|text| text.trim().to_owned());
        Self { path: path.to_path_buf(), credentials: credentials.clone(), boot }
    }

    /// What is known for `kind`.
    pub(crate) fn load(&self, kind: BoundaryKind) -> Option<HostFacts> {
        let key = self.key(kind)?;
        let (directory, name) = (self.state()?, name(kind));
        let text = StateFile { directory: &directory, name: &name }.read(MAX_ENTRY).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        (entry.key == key).then_some(entry.facts)
    }

    /// Keeps `facts`. A cache that cannot be written costs the next start its time, no more.
    pub(crate) fn store(&self, kind: BoundaryKind, facts: &HostFacts) {
        let (Some(key), Some(state)) = (self.key(kind), self.state()) else { return };
        let (entry, name) = (Entry { key, facts: facts.clone() }, name(kind));
        let file = StateFile { directory: &state, name: &name };
        if let Ok(text) = serde_json::to_vec(&entry)
            && file.replace(&text).is_err()
        {
            file.remove();
        }
    }

    /// Forgets what is known for `kind`.
    pub(crate) fn forget(&self, kind: BoundaryKind) {
        if let Some(state) = self.state() {
            StateFile { directory: &state, name: &name(kind) }.remove();
        }
    }

    fn state(&self) -> Option<StateDir> {
        StateDir::open(&self.path).ok()
    }

    fn key(&self, boundary: BoundaryKind) -> Option<Key> {
        Some(Key {
            boot: self.boot.clone()?,
            build: u64::from_le_bytes(BUILD_ID),
            executable: executable()?,
            boundary,
            uid: self.credentials.uid,
            gid: self.credentials.gid,
            groups: self.credentials.groups.clone(),
        })
    }
}

/// What tells this executable from another build of the same version.
fn executable() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let data = std::fs::metadata("/proc/self/exe").ok()?;
    Some(format!("{}-{}.{}", data.ino(), data.ctime(), data.ctime_nsec()))
}

fn name(kind: BoundaryKind) -> String {
    format!("facts-{kind}.json")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use isobar_policy::{Fact, Layer, Privilege};

    use super::*;

    const KIND: BoundaryKind = BoundaryKind::Namespace;

    fn facts() -> HostFacts {
        HostFacts {
            kernel: "6.1.0".to_owned(),
            machine: "x86_64".to_owned(),
            privilege: Privilege::User,
            uid: 1,
            gid: 2,
            supplementary_groups: vec![3],
            layers: BTreeMap::from([(Layer::Seccomp, Fact::Works)]),
            landlock_abi: 7,
            cgroups: BTreeMap::new(),
            swap: false,
            swap_accounting: true,
        }
    }

    fn cache(directory: &Path) -> FactsCache {
        FactsCache::new(&directory.join("state"), &Credentials::from_process())
    }

    #[test]
    fn what_was_stored_is_found_again_until_it_is_forgotten() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = cache(directory.path());
        assert_eq!(cache.load(KIND), None, "nothing was learned yet");
        cache.store(KIND, &facts());
        assert_eq!(cache.load(KIND), Some(facts()), "the next start need not probe");
        assert_eq!(cache.load(BoundaryKind::Wasm), None, "each boundary has facts of its own");
        cache.forget(KIND);
        assert_eq!(cache.load(KIND), None, "a launch contradicted it");
    }

    #[test]
    fn another_boot_user_or_group_makes_it_worthless() {
        let directory = tempfile::tempdir().expect("a directory");
        let mine = cache(directory.path());
        mine.store(KIND, &facts());
        let mut rebooted = cache(directory.path());
        rebooted.boot = Some("another".to_owned());
        assert_eq!(rebooted.load(KIND), None, "kernel and command line may be others");
        let mut joined = cache(directory.path());
        joined.credentials.groups.push(4242);
        assert_eq!(joined.load(KIND), None, "a new group opens other sockets");
        let mut unknown = cache(directory.path());
        unknown.boot = None;
        assert_eq!(unknown.load(KIND), None, "without a boot identity nothing can be kept");
    }

    #[test]
    fn what_is_corrupt_counts_as_nothing_and_is_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = cache(directory.path());
        cache.store(KIND, &facts());
        let file = directory.path().join("state").join(name(KIND));
        let whole = fs::read(&file).expect("the entry");
        let half = whole.get(..whole.len() / 2).expect("half of it").to_vec();
        for bad in [Vec::new(), half, b"[]".to_vec(), vec![b' '; 300_000], b"\xff\0".to_vec()] {
            fs::write(&file, &bad).expect("a bad entry");
            assert_eq!(cache.load(KIND), None, "{} bytes of rubbish decide nothing", bad.len());
        }
        cache.store(KIND, &facts());
        assert_eq!(cache.load(KIND), Some(facts()), "a good entry takes its place");
    }
}
