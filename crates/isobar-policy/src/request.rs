//! A policy after its one contact with the world: paths are descriptors with known identities, the
//! program is found.
//!
//! Descriptors themselves travel beside it; here they are slot numbers. A request is what a
//! boundary plans from, so it names no mechanism either.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Policy, Slot};

/// What kind of file a granted path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// Anything else: refused.
    Other,
}

/// What the guest may do with a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Read and execute.
    Ro,
    /// Change.
    Rw,
}

/// Why a path is granted, so that the report can say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantOrigin {
    /// `fs.ro` or `fs.rw`.
    Policy,
    /// The workspace.
    Workspace,
    /// The installation that the program belongs to.
    Toolchain,
    /// The program's own file, or the script that an interpreter was asked to run.
    Program,
}

/// One host path that the guest will see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Grant {
    /// The slot of an O_PATH descriptor that was opened once, without following links.
    pub slot: Slot,
    /// The host path after every link was resolved; absolute.
    pub source: String,
    /// Where the guest sees it; absolute, without `.` and `..`.
    pub target: String,
    /// What the guest may do.
    pub access: Access,
    /// Why it is granted.
    pub origin: GrantOrigin,
    /// What it is.
    pub kind: FileKind,
    /// Device number (`st_dev`) that the path had when it was resolved.
    pub device: u64,
    /// Inode number that the path had when it was resolved.
    pub inode: u64,
    /// Owner on the host.
    pub uid: u32,
    /// Group on the host.
    pub gid: u32,
    /// File system type name, such as `ext4` or `overlay`; for messages.
    pub file_system: String,
    /// A socket below it that only a supplementary group of the caller can reach, if one was
    /// found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_socket: Option<String>,
    /// What below a writable grant stays read-only, or in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protections: Vec<Protection>,
}

/// A path below a writable grant that the guest does not have in its hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Protection {
    /// Relative to the grant, without `.` and `..`.
    pub path: String,
    /// What is held.
    pub hold: Hold,
    /// Device number that it had when it was found.
    pub device: u64,
    /// Inode number that it had when it was found.
    pub inode: u64,
}

/// How a protected path is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// Neither changed nor replaced, with everything below it.
    ReadOnly,
    /// Not renamed or removed: something that is read-only lies below it, and another directory
    /// must not take its place.
    InPlace,
}

/// The program, found with the caller's PATH.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Program {
    /// The path that the guest executes.
    pub path: String,
    /// The command as the user wrote it, for the report (lossily decoded, not escaped).
    pub command: Vec<String>,
}

/// What a boundary plans from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Request {
    /// The merged policy.
    pub policy: Policy,
    /// Every host path that the guest will see, system directories excepted.
    pub grants: Vec<Grant>,
    /// The program.
    pub program: Program,
    /// The guest's working directory.
    pub cwd: String,
    /// How many variables the guest gets, and their names; values travel in the process's
    /// specification only, since they may be secret.
    pub env_names: Vec<String>,
    /// The program gets a terminal of the sandbox's own.
    #[serde(default)]
    pub terminal: bool,
    /// What the slots are for, for messages.
    pub slots: BTreeMap<Slot, String>,
}
