//! What is wrong with a policy whatever the host: zero limits, impossible names, places that the
//! guest cannot have, and what this build does not do yet.
//!
//! Runs on the merged policy, before anything touches the world. Finds everything, not the first.

use std::collections::BTreeMap;

use crate::{
    Clause, Code, GrantSpec, IdentityClauses, LimitClauses, NetMode, Policy, Refusal, RootKind,
    TmpfsSpec, WorkspaceMode, WorkspaceSpec, check_target, escape_bounded,
};

mod range;
#[cfg(test)]
mod tests;

/// The highest number of an ordinary user or group; 65534 is the overflow number that the kernel
/// shows for the unmapped (proc(5), overflowuid).
const MAX_ID: u32 = 65533;
/// The longest host name label (RFC 1123 2.1, RFC 1035 2.3.4).
const MAX_LABEL: usize = 63;
/// How much of a value a message repeats.
const SHOWN: usize = 60;

impl Policy {
    /// Everything that no host could make right, in the order of the schema; empty where there
    /// is nothing.
    #[must_use]
    pub fn validate(&self) -> Vec<Refusal> {
        let mut found = Found::default();
        if self.version != Self::VERSION {
            found.add(
                Code::PolicyVersion,
                None,
                format!("version {} of the policy schema is not known", self.version),
                format!("write `version = {}`", Self::VERSION),
            );
        }
        found.files(self);
        found.environment(self);
        if self.net.mode == Some(NetMode::Gateway) {
            found.not_built(Clause::Net, "the egress gateway", "leave net.mode at `none`");
        }
        found.limits(&self.limits);
        found.identity(&self.identity);
        found.refusals
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    refusals: Vec<Refusal>,
    /// Normalised targets and the clause that gave each first.
    targets: BTreeMap<String, Clause>,
}

impl Found {
    fn add(
        &mut self,
        code: Code,
        clause: impl Into<Option<Clause>>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.refusals.push(Refusal {
            code,
            clause: clause.into(),
            why: why.into(),
            remedy: remedy.into(),
            acceptable: None,
        });
    }

    fn not_built(&mut self, clause: Clause, what: &str, remedy: &str) {
        self.add(Code::PolicyNotBuilt, clause, format!("{what} is not built yet"), remedy);
    }

    fn files(&mut self, policy: &Policy) {
        let fs = &policy.fs;
        if fs.root == Some(RootKind::Image) {
            self.not_built(Clause::FsRoot, "a root from an image", "leave fs.root at `host`");
        }
        for (clause, grants) in [(Clause::FsRo, &fs.ro), (Clause::FsRw, &fs.rw)] {
            for grant in grants {
                self.grant(clause, grant);
            }
        }
        if !fs.cow.is_empty() {
            self.not_built(Clause::FsCow, "copy-on-write", "grant the path by fs.ro or fs.rw");
        }
        for tmpfs in &fs.tmpfs {
            self.tmpfs(tmpfs);
        }
        if let Some(workspace) = &fs.workspace {
            self.workspace(workspace);
        }
        for path in &fs.unprotect {
            self.host_path(Clause::FsUnprotect, path);
        }
        if fs.workspace_exit.is_some() {
            self.not_built(
                Clause::FsWorkspaceExit,
                "deciding about a workspace's changes at exit",
                "leave fs.workspace-exit out; an `rw` workspace changes the host's files at once",
            );
        }
    }

    fn grant(&mut self, clause: Clause, grant: &GrantSpec) {
        if let GrantSpec::Text(text) = grant
            && text.matches(':').count() > 1
        {
            self.add(
                Code::PolicyPath,
                clause,
                format!("\"{}\" has more than one `:`", escape_bounded(text, SHOWN)),
                "write { path = \"…\", target = \"…\" } for a path with `:`; the access is the list's name",
            );
            return;
        }
        if !self.host_path(clause, grant.path()) {
            return;
        }
        if let Some(size) = grant.size() {
            self.add(
                Code::PolicyGrantSize,
                clause,
                format!(
                    "\"{}\" was given a size of {size}, and nothing can hold a host directory to a size",
                    escape_bounded(grant.path(), SHOWN)
                ),
                "leave size out, or use fs.tmpfs, which has one",
            );
        }
        self.seen(clause, grant.target(), grant.path());
    }

    fn tmpfs(&mut self, tmpfs: &TmpfsSpec) {
        let clause = Clause::FsTmpfs;
        let place = escape_bounded(&tmpfs.target, SHOWN);
        if tmpfs.size.0 == 0 {
            let why = format!("the size of \"{place}\" is zero");
            self.add(Code::PolicyZeroLimit, clause, why, "give it a size, such as 64M");
        }
        if tmpfs.inodes == Some(0) {
            let why = format!("the number of files of \"{place}\" is zero");
            self.add(Code::PolicyZeroLimit, clause, why, "leave inodes out, or give a number");
        }
        self.tmpfs_ranges(tmpfs);
        self.target(clause, &tmpfs.target);
    }

    fn workspace(&mut self, workspace: &WorkspaceSpec) {
        let clause = Clause::FsWorkspace;
        if workspace.mode == Some(WorkspaceMode::Cow) {
            self.not_built(clause, "a copy-on-write workspace", "use the mode `ro` or `rw`");
        }
        if self.host_path(clause, &workspace.path) {
            self.seen(clause, workspace.target.as_deref(), &workspace.path);
        }
    }

    /// Whether `path` could be a host path; says why where it could not.
    fn host_path(&mut self, clause: Clause, path: &str) -> bool {
        let why = if path.is_empty() {
            "a host path is empty".to_owned()
        } else if path.contains('\0') {
            format!("the host path \"{}\" contains a NUL", escape_bounded(path, SHOWN))
        } else {
            return true;
        };
        self.add(Code::PolicyPath, clause, why, "write the path of a file or directory");
        false
    }

    /// Where a grant is seen. Without a target that is the resolved host path; a relative path,
    /// or one with `..`, becomes a place only then, and the resolver applies the same rule.
    fn seen(&mut self, clause: Clause, target: Option<&str>, path: &str) {
        let climbs = path.split('/').any(|name| name == "..");
        match target {
            Some(target) => self.target(clause, target),
            None if path.starts_with('/') && !climbs => self.target(clause, path),
            None => {}
        }
    }

    fn target(&mut self, clause: Clause, target: &str) {
        let plain = match check_target(target) {
            Ok(plain) => plain,
            Err(error) => {
                self.add(Code::PolicyTarget, clause, error.to_string(), error.remedy());
                return;
            }
        };
        if let Some(first) = self.targets.get(&plain) {
            let why =
                format!("\"{}\" is already the target of {first}", escape_bounded(&plain, SHOWN));
            self.add(Code::PolicyDuplicateTarget, clause, why, "grant one thing at one place");
            return;
        }
        self.targets.insert(plain, clause);
    }

    fn environment(&mut self, policy: &Policy) {
        for name in &policy.env.allow {
            let stem = name.strip_suffix('*').unwrap_or(name);
            if stem.contains('*') {
                let why = format!("\"{}\" has a `*` before its end", escape_bounded(name, SHOWN));
                let remedy = "`*` stands at the end only: LC_* for every name that begins so";
                self.add(Code::PolicyEnvName, Clause::Env, why, remedy);
            } else if name != "*" {
                self.variable(stem);
            }
        }
        for (name, value) in &policy.env.set {
            self.variable(name);
            if value.contains('\0') {
                // The value may be secret, so the message names the variable only.
                let why =
                    format!("the value of \"{}\" contains a NUL", escape_bounded(name, SHOWN));
                self.add(
                    Code::PolicyEnvValue,
                    Clause::Env,
                    why,
                    "no program can be given such a value",
                );
            }
        }
    }

    fn variable(&mut self, name: &str) {
        let fault = if name.is_empty() {
            "is empty"
        } else if name.contains('=') {
            "contains `=`"
        } else if name.contains('\0') {
            "contains a NUL"
        } else {
            return;
        };
        let why = format!("the variable name \"{}\" {fault}", escape_bounded(name, SHOWN));
        self.add(Code::PolicyEnvName, Clause::Env, why, "write a name such as LANG");
    }

    fn limits(&mut self, limits: &LimitClauses) {
        let LimitClauses {
            memory,
            cpus,
            cpu_time,
            wall_time,
            pids,
            open_files,
            file_size,
            tmp_bytes,
            tmp_inodes,
            output_bytes,
        } = limits;
        for (clause, value, example) in [
            (Clause::Memory, memory.map(|bytes| bytes.0), "512M"),
            (Clause::Cpus, cpus.map(|cpus| u64::from(cpus.millis())), "0.5"),
            (Clause::CpuTime, cpu_time.map(crate::Span::millis), "30s"),
            (Clause::WallTime, wall_time.map(crate::Span::millis), "60s"),
            (Clause::Pids, pids.map(u64::from), "64"),
            (Clause::OpenFiles, *open_files, "256"),
            (Clause::FileSize, file_size.map(|bytes| bytes.0), "64M"),
            (Clause::TmpBytes, tmp_bytes.map(|bytes| bytes.0), "64M"),
            (Clause::TmpInodes, *tmp_inodes, "16384"),
            (Clause::OutputBytes, output_bytes.map(|bytes| bytes.0), "16M"),
        ] {
            if value == Some(0) {
                let remedy = format!("leave it out for no limit, or give one, such as {example}");
                self.add(Code::PolicyZeroLimit, clause, "a limit of zero lets nothing run", remedy);
            }
        }
        self.ranges(limits);
    }

    fn identity(&mut self, identity: &IdentityClauses) {
        for (clause, number) in [(Clause::Uid, identity.uid), (Clause::Gid, identity.gid)] {
            if let Some(number) = number
                && !(1..=MAX_ID).contains(&number)
            {
                let why = format!("{number} is not a number from 1 to {MAX_ID}");
                self.add(Code::PolicyIdentity, clause, why, "use 1000, or leave it out");
            }
        }
        if let Some(name) = &identity.hostname
            && !is_label(name)
        {
            let why = format!("\"{}\" is not a host name", escape_bounded(name, SHOWN));
            let remedy = "use at most 63 letters, digits and inner hyphens (RFC 1123)";
            self.add(Code::PolicyHostname, Clause::Hostname, why, remedy);
        }
    }
}

/// One label of RFC 1123: letters, digits and hyphens, no hyphen at either end.
fn is_label(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.len() <= MAX_LABEL
        && name.bytes().all(plain)
        && edge(name.bytes().next())
        && edge(name.bytes().next_back())
}
