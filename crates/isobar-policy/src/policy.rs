//! The policy: what a user asks for. It names no mechanism.
//!
//! A field that nobody set is `None` and binds nothing. TOML and JSON share this one schema, which
//! is versioned; a policy of another version is refused. Every structure refuses unknown keys.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Acceptance, BoundaryKind, Bytes, Cpus, IdentityClauses, Span};

/// One policy: a profile, a file, the flags of a command line, or the merge of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// The version of the schema. Only 1 exists.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The boundary to run behind; `namespace` where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<BoundaryKind>,
    /// Files.
    #[serde(default, skip_serializing_if = "FsClauses::is_empty")]
    pub fs: FsClauses,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "EnvClauses::is_empty")]
    pub env: EnvClauses,
    /// Network.
    #[serde(default, skip_serializing_if = "NetClauses::is_empty")]
    pub net: NetClauses,
    /// Limits.
    #[serde(default, skip_serializing_if = "LimitClauses::is_empty")]
    pub limits: LimitClauses,
    /// Who the guest is.
    #[serde(default, skip_serializing_if = "IdentityClauses::is_empty")]
    pub identity: IdentityClauses,
    /// Weaker forms that the user accepts, from a closed list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Acceptance>,
}

impl Policy {
    /// The only version of the schema so far.
    pub const VERSION: u32 = 1;

    /// A policy that asks for nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            version: Self::VERSION,
            boundary: None,
            fs: FsClauses::default(),
            env: EnvClauses::default(),
            net: NetClauses::default(),
            limits: LimitClauses::default(),
            identity: IdentityClauses::default(),
            accept: Vec::new(),
        }
    }

    /// Whether the user accepted `one`.
    #[must_use]
    pub fn accepts(&self, one: Acceptance) -> bool {
        self.accept.contains(&one)
    }
}

/// The `[fs]` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FsClauses {
    /// What the guest's root is made of; `host` where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<RootKind>,
    /// Host paths that the guest may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ro: Vec<GrantSpec>,
    /// Host paths that the guest may change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rw: Vec<GrantSpec>,
    /// Host paths whose changes stay in a private upper layer. Not built yet: refused by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cow: Vec<GrantSpec>,
    /// Empty file systems in memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tmpfs: Vec<TmpfsSpec>,
    /// The directory that the caller lends; it becomes the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceSpec>,
    /// What becomes of changes in a `cow` workspace. Not built yet: refused by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_exit: Option<WorkspaceExit>,
    /// Whether the program's own installation is found and mounted read-only; `auto` where unset.
    /// What lies in the workspace, or under `rw`, does not choose it: grant that with `ro`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<ToolchainMode>,
    /// Host paths in what is lent writable that stay writable although the host would execute
    /// them, such as `.github/workflows`; with what is below them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unprotect: Vec<String>,
}

impl FsClauses {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the guest's root file system is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RootKind {
    /// The host's system directories (`/usr` and what belongs to it), read-only.
    Host,
    /// An image's root. Not built yet: refused by name.
    Image,
}

/// A host path and where the guest sees it. Text form: `PATH` or `PATH:TARGET`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GrantSpec {
    /// The path, seen at the same place by the guest, or `PATH:TARGET`.
    Text(String),
    /// Path and target by name.
    Full(GrantPath),
}

// A structure of its own, since a variant of an untagged enum cannot refuse unknown keys.
/// A grant with its parts named, for paths with a colon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GrantPath {
    /// The host path, absolute or relative to the caller's working directory.
    pub path: String,
    /// Where the guest sees it, absolute; the host path where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// A cap on bytes below the path. No host directory can have one: refused by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
}

impl GrantSpec {
    /// The host path as written.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Text(text) => text.split_once(':').map_or(text.as_str(), |(path, _)| path),
            Self::Full(full) => &full.path,
        }
    }

    /// The guest's path as written, if it differs.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.split_once(':').map(|(_, target)| target),
            Self::Full(full) => full.target.as_deref(),
        }
    }

    /// Where the guest sees it: the target, else the host path, as written.
    #[must_use]
    pub fn seen_at(&self) -> &str {
        self.target().unwrap_or_else(|| self.path())
    }

    /// The cap on bytes, which no host directory can have.
    #[must_use]
    pub const fn size(&self) -> Option<Bytes> {
        match self {
            Self::Text(_) => None,
            Self::Full(full) => full.size,
        }
    }
}

/// An empty file system in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TmpfsSpec {
    /// Where the guest sees it, absolute.
    pub target: String,
    /// Bytes that it may hold. Required: memory without a bound is no default.
    pub size: Bytes,
    /// Files and directories that it may hold; one for each 4096 bytes of size where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub inodes: Option<u64>,
}

/// The directory that the caller lends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorkspaceSpec {
    /// The host directory.
    pub path: String,
    /// Where the guest sees it, absolute; the host path where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Whether the guest may change it; `rw` where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<WorkspaceMode>,
}

/// How the guest may use the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WorkspaceMode {
    /// Read only.
    Ro,
    /// Changes land in the host directory at once.
    Rw,
    /// Changes stay in a private upper layer. Not built yet: refused by name.
    Cow,
}

/// What becomes of changes in a `cow` workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WorkspaceExit {
    /// They are dropped.
    Discard,
    /// They are shown.
    Diff,
    /// They are applied.
    Apply,
    /// They are kept under an identifier.
    Keep,
}

/// Whether the program's installation is found and mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ToolchainMode {
    /// Found with the caller's PATH (virtual environments and pyenv included), mounted read-only.
    Auto,
    /// Only what the policy grants by name.
    None,
}

/// The `[env]` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnvClauses {
    /// Names that pass from the caller's environment; a trailing `*` matches a prefix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Variables that are set; they win over `allow`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
}

impl EnvClauses {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The `[net]` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NetClauses {
    /// How the guest reaches a network; `none` where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<NetMode>,
}

impl NetClauses {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How the guest reaches a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetMode {
    /// A loopback interface of the sandbox's own and nothing else.
    None,
    /// The egress gateway. Not built yet: refused by name.
    Gateway,
}

/// The `[limits]` section. What is unset is unlimited, and the report says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitClauses {
    /// Bytes of memory, swap included, that the whole sandbox may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Processors at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Cpus>,
    /// Processor time of the whole sandbox, user and system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_time: Option<Span>,
    /// Time from the start of the program to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_time: Option<Span>,
    /// Processes and threads of the guest at a time; isobar's own PID 1 is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub pids: Option<u32>,
    /// Open descriptors of each process, at least 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 16))]
    pub open_files: Option<u64>,
    /// Bytes that one file may grow to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size: Option<Bytes>,
    /// Bytes in the guest's /tmp, /dev/shm included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tmp_bytes: Option<Bytes>,
    /// Files and directories in the guest's /tmp, /dev/shm included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub tmp_inodes: Option<u64>,
    /// Bytes of standard output and of standard error that are passed on, each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<Bytes>,
}

impl LimitClauses {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
