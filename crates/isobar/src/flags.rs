//! The flags that say what to ask for: one set for `run`, `explain` and `policy show`.
//!
//! Profile, file and flags become one [`Policy`], in this order. Nothing here judges the result or
//! looks at the host, apart from reading the file.

use std::path::PathBuf;

use clap::Args;
use isobar_engine::policy::{
    Acceptance, BoundaryKind, Bytes, Code, Cpus, Diagnostic, GrantSpec, NetMode, PROFILES, Policy,
    RootKind, Span, TmpfsSpec, ToolchainMode, WorkspaceExit, WorkspaceMode, WorkspaceSpec,
    escape_bounded, profile,
};
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as WordError, StrDeserializer};

use crate::policy_file::{PolicyDigest, PolicyFile};

/// What the user asks for.
#[derive(Debug, Default, Args)]
pub(crate) struct PolicyFlags {
    /// Lend a directory; it becomes the working directory
    #[arg(long, value_name = "PATH[:TARGET]", help_heading = "Files")]
    workspace: Option<String>,
    /// How the guest may use it: ro, rw [default: rw]
    #[arg(long, value_name = "MODE", value_parser = word::<WorkspaceMode>, help_heading = "Files")]
    workspace_mode: Option<WorkspaceMode>,
    /// What becomes of its changes (not built yet)
    #[arg(long, value_name = "WHAT", value_parser = word::<WorkspaceExit>, help_heading = "Files", hide = true)]
    workspace_exit: Option<WorkspaceExit>,
    /// Let the guest read a host path
    #[arg(long, value_name = "PATH[:TARGET]", help_heading = "Files")]
    ro: Vec<String>,
    /// Let the guest change a host path
    #[arg(long, value_name = "PATH[:TARGET]", help_heading = "Files")]
    rw: Vec<String>,
    /// Keep the guest's changes to a host path apart (not built yet)
    #[arg(long, value_name = "PATH[:TARGET]", help_heading = "Files", hide = true)]
    cow: Vec<String>,
    /// Let the guest change what the host would execute, such as .github
    #[arg(long, value_name = "PATH", help_heading = "Files")]
    unprotect: Vec<String>,
    /// An empty file system in memory
    #[arg(long, value_name = "TARGET:SIZE", value_parser = tmpfs, help_heading = "Files")]
    tmpfs: Vec<TmpfsSpec>,
    /// What the root is made of: host
    #[arg(long, value_name = "KIND", value_parser = word::<RootKind>, help_heading = "Files", hide = true)]
    root: Option<RootKind>,
    /// Mount the program's own installation: auto, none [default: auto]
    #[arg(long, value_name = "MODE", value_parser = word::<ToolchainMode>, help_heading = "Files")]
    toolchain: Option<ToolchainMode>,

    /// Pass a variable on (LC_* for all that begin so), or set one
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Environment, network, identity")]
    env: Vec<String>,
    /// How the guest reaches a network: none [default: none]
    #[arg(long, value_name = "MODE", value_parser = word::<NetMode>, help_heading = "Environment, network, identity")]
    net: Option<NetMode>,
    /// The host name that the guest reads
    #[arg(long, value_name = "NAME", help_heading = "Environment, network, identity")]
    hostname: Option<String>,
    /// The guest's user number, as it sees itself
    #[arg(long, value_name = "N", help_heading = "Environment, network, identity")]
    uid: Option<u32>,
    /// The guest's group number, as it sees itself
    #[arg(long, value_name = "N", help_heading = "Environment, network, identity")]
    gid: Option<u32>,

    /// Time until the sandbox is killed: 500ms, 30s, 5m
    #[arg(long, value_name = "SPAN", help_heading = "Limits")]
    timeout: Option<Span>,
    /// Processor time of the whole sandbox
    #[arg(long, value_name = "SPAN", help_heading = "Limits")]
    cpu_time: Option<Span>,
    /// Memory of the whole sandbox: 512M, 2G
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    memory: Option<Bytes>,
    /// Processors at a time: 1, 0.5
    #[arg(long, value_name = "N", help_heading = "Limits")]
    cpus: Option<Cpus>,
    /// Processes and threads at a time
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pids: Option<u32>,
    /// Open files of each process
    #[arg(long, value_name = "N", help_heading = "Limits")]
    open_files: Option<u64>,
    /// Size that a file may grow to
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    file_size: Option<Bytes>,
    /// Bytes in the guest's /tmp
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    tmp_size: Option<Bytes>,
    /// Files in the guest's /tmp
    #[arg(long, value_name = "N", help_heading = "Limits")]
    tmp_inodes: Option<u64>,
    /// Bytes of standard output and of standard error, each
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    output_limit: Option<Bytes>,

    /// The boundary to run behind [default: namespace]
    #[arg(long, value_name = "NAME", value_parser = boundary, help_heading = "Policy")]
    boundary: Option<BoundaryKind>,
    /// The profile below file and flags [default: default]
    #[arg(long, value_name = "NAME", help_heading = "Policy")]
    profile: Option<String>,
    /// A policy in TOML or JSON, laid over the profile
    #[arg(long, value_name = "FILE", help_heading = "Policy")]
    policy: Option<PathBuf>,
    /// The digest of that file, needed where a guest could have written it
    #[arg(long, value_name = "sha256:HEX", requires = "policy", help_heading = "Policy")]
    policy_digest: Option<PolicyDigest>,
    /// Accept a weaker form by name, such as memory=per-process
    #[arg(long, value_name = "WHAT", help_heading = "Policy")]
    accept: Vec<String>,
}

impl PolicyFlags {
    /// Profile, file and flags, merged. `profile_name` stands for `--profile` where the command
    /// takes the name as an argument.
    ///
    /// # Errors
    /// Everything that is wrong with them, as far as it can be told apart.
    pub(crate) fn merged(&self, profile_name: Option<&str>) -> Result<Policy, Vec<Diagnostic>> {
        let mut errors = Vec::new();
        let name = self.profile.as_deref().or(profile_name);
        let base = profile_named(name).unwrap_or_else(|error| {
            errors.push(error);
            Policy::empty()
        });
        let file = match self.policy.as_deref().map(PolicyFile::read).transpose() {
            Ok(file) => file,
            Err(error) => {
                errors.push(error);
                None
            }
        };
        let lower = match &file {
            Some(file) => base.overlaid(file.policy.clone()),
            None => base,
        };
        let flags = self.overlay(&lower, &mut errors);
        let merged = lower.overlaid(flags);
        if let Some(file) = &file
            && let Err(error) = file.check(&merged, self.policy_digest.as_ref())
        {
            errors.push(error.into());
        }
        if errors.is_empty() { Ok(merged) } else { Err(errors) }
    }

    /// Whether any flag or file changes the profile.
    pub(crate) fn is_bare(&self) -> bool {
        let empty = self.overlay(&Policy::empty(), &mut Vec::new()) == Policy::empty();
        empty && self.policy.is_none() && self.accept.is_empty() && self.workspace_mode.is_none()
    }

    /// The profile that `--profile` names.
    pub(crate) fn profile_name(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Lets another argument of a command stand for `--profile` or `--policy`.
    pub(crate) fn set_policy(&mut self, file: PathBuf) {
        self.policy = Some(file);
    }

    /// The flags alone, as a policy to lay over `lower`.
    fn overlay(&self, lower: &Policy, errors: &mut Vec<Diagnostic>) -> Policy {
        let mut over = Policy::empty();
        over.boundary = self.boundary;
        over.fs.root = self.root;
        over.fs.ro = grants(&self.ro);
        over.fs.rw = grants(&self.rw);
        over.fs.cow = grants(&self.cow);
        over.fs.tmpfs.clone_from(&self.tmpfs);
        over.fs.workspace = self.workspace(lower, errors);
        over.fs.workspace_exit = self.workspace_exit;
        over.fs.toolchain = self.toolchain;
        over.fs.unprotect.clone_from(&self.unprotect);
        for variable in &self.env {
            match variable.split_once('=') {
                Some((name, value)) => {
                    over.env.set.insert(name.to_owned(), value.to_owned());
                }
                None => over.env.allow.push(variable.clone()),
            }
        }
        over.net.mode = self.net;
        over.limits.wall_time = self.timeout;
        over.limits.cpu_time = self.cpu_time;
        over.limits.memory = self.memory;
        over.limits.cpus = self.cpus;
        over.limits.pids = self.pids;
        over.limits.open_files = self.open_files;
        over.limits.file_size = self.file_size;
        over.limits.tmp_bytes = self.tmp_size;
        over.limits.tmp_inodes = self.tmp_inodes;
        over.limits.output_bytes = self.output_limit;
        over.identity.uid = self.uid;
        over.identity.gid = self.gid;
        over.identity.hostname.clone_from(&self.hostname);
        for name in &self.accept {
            match name.parse() {
                Ok(one) => over.accept.push(one),
                Err(()) => errors.push(unknown_acceptance(name)),
            }
        }
        over
    }

    /// The workspace of the flags; `--workspace-mode` alone changes the one below.
    fn workspace(&self, lower: &Policy, errors: &mut Vec<Diagnostic>) -> Option<WorkspaceSpec> {
        let named = self.workspace.as_deref().map(|text| {
            let (path, target) = split(text);
            WorkspaceSpec { path, target, mode: self.workspace_mode }
        });
        match (named, self.workspace_mode, &lower.fs.workspace) {
            (Some(named), _, _) => Some(named),
            (None, None, _) => None,
            (None, Some(mode), Some(below)) => {
                Some(WorkspaceSpec { mode: Some(mode), ..below.clone() })
            }
            (None, Some(_), None) => {
                errors.push(Diagnostic {
                    code: Code::CliConflict,
                    summary: "--workspace-mode was given, and there is no workspace".to_owned(),
                    causes: Vec::new(),
                    remedy: "add --workspace PATH".to_owned(),
                });
                None
            }
        }
    }
}

/// The profile of that name, or the default one.
///
/// # Errors
/// [`Code::CliUnknownProfile`] with the list.
pub(crate) fn profile_named(name: Option<&str>) -> Result<Policy, Diagnostic> {
    let name = name.or_else(|| PROFILES.first().copied()).unwrap_or_default();
    profile(name).ok_or_else(|| Diagnostic {
        code: Code::CliUnknownProfile,
        summary: format!("no profile is called \"{}\"", escape_bounded(name, 60)),
        causes: Vec::new(),
        remedy: format!("use one of {}, or --policy FILE", PROFILES.join(", ")),
    })
}

fn unknown_acceptance(name: &str) -> Diagnostic {
    Diagnostic {
        code: Code::CliUnknownAcceptance,
        summary: format!("nothing that can be accepted is called \"{}\"", escape_bounded(name, 60)),
        causes: Vec::new(),
        remedy: format!("use one of {}", Acceptance::ALL.map(Acceptance::name).join(", ")),
    }
}

fn grants(texts: &[String]) -> Vec<GrantSpec> {
    texts.iter().cloned().map(GrantSpec::Text).collect()
}

/// `PATH[:TARGET]`.
fn split(text: &str) -> (String, Option<String>) {
    match text.split_once(':') {
        Some((path, target)) => (path.to_owned(), Some(target.to_owned())),
        None => (text.to_owned(), None),
    }
}

fn tmpfs(text: &str) -> Result<TmpfsSpec, String> {
    let Some((target, size)) = text.rsplit_once(':') else {
        return Err("write TARGET:SIZE, such as /scratch:64M".to_owned());
    };
    let size = size.parse::<Bytes>().map_err(|error| error.to_string())?;
    Ok(TmpfsSpec { target: target.to_owned(), size, inodes: None })
}

pub(crate) fn boundary(text: &str) -> Result<BoundaryKind, String> {
    text.parse().map_err(|()| {
        format!(
            "no boundary has this name; there are {}",
            BoundaryKind::ALL.map(BoundaryKind::name).join(", ")
        )
    })
}

/// One of the words of an enumeration of the policy, by the names that policies use.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let deserializer: StrDeserializer<'_, WordError> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| {
        let text = error.to_string();
        // serde repeats the value, which is said already, and then lists the words.
        text.split_once(", ").map_or(text.clone(), |(_, expected)| expected.to_owned())
    })
}
