//! Tests of the whole resolution, each in a scene of its own: a directory tree, an environment, a
//! working directory, and somebody who calls.

mod environment;
mod grants;
mod installation;
mod lent;
mod pyenv;
mod script;
mod sockets;
mod steering;
mod virtualenv;
mod workdir;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use isobar_policy::{Code, Grant, Policy, Refusal, WorkspaceMode, WorkspaceSpec};
use tempfile::TempDir;

use super::{OwnPaths, Resolved, resolve};
use crate::ask::Ask;
use crate::caller::{Caller, Credentials};

/// A caller in a tree.
struct Scene {
    /// Removes the tree at the end of the test.
    _directory: TempDir,
    root: PathBuf,
    caller: Caller,
    credentials: Credentials,
    policy: Policy,
    cwd: Option<String>,
}

impl Scene {
    /// An ordinary user in an empty tree, whose PATH is the system's.
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(directory.path()).expect("its real path");
        let env = vec![
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("HOME".into(), root.join("home").into()),
        ];
        let caller = Caller { cwd: root.clone(), env };
        let credentials = Credentials { uid: 4242, gid: 4242, groups: Vec::new() };
        let mut scene = Self {
            _directory: directory,
            root,
            caller,
            credentials,
            policy: Policy::empty(),
            cwd: None,
        };
        scene.policy.env.allow = vec!["PATH".to_owned()];
        scene.directory("home");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    fn directory(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).expect("a directory");
        path
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, content).expect("a file");
        path
    }

    /// An executable that is no script.
    fn program(&self, name: &str) -> PathBuf {
        self.executable(name, "\x7fELF")
    }

    fn executable(&self, name: &str, content: &str) -> PathBuf {
        let path = self.file(name, content);
        mode(&path, 0o755);
        path
    }

    fn link(&self, name: &str, to: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::os::unix::fs::symlink(to, &path).expect("a link");
        path
    }

    /// An installation of Python in `prefix`, as a build from source makes it.
    fn python(&self, prefix: &str) {
        self.program(&format!("{prefix}/bin/python3.11"));
        self.link(&format!("{prefix}/bin/python3"), "python3.11");
        self.directory(&format!("{prefix}/lib/python3.11"));
    }

    fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.caller.env.retain(|(key, _)| key != name);
        self.caller.env.push((name.into(), value.into()));
    }

    /// Puts directories of the tree in front of PATH.
    fn search(&mut self, names: &[&str]) {
        let mut path: Vec<String> = names.iter().map(|name| self.text(name)).collect();
        path.push("/usr/bin:/bin".to_owned());
        self.set("PATH", path.join(":"));
    }

    fn workspace(&mut self, name: &str, target: Option<&str>) {
        self.policy.fs.workspace = Some(WorkspaceSpec {
            path: self.text(name),
            target: target.map(str::to_owned),
            mode: Some(WorkspaceMode::Rw),
        });
    }

    fn resolve_os(&self, argv: Vec<OsString>) -> Result<Resolved, Vec<Refusal>> {
        let ask = Ask {
            policy: self.policy.clone(),
            argv,
            code: None,
            cwd: self.cwd.clone(),
            terminal: false,
            caller: self.caller.clone(),
        };
        resolve(
            ask,
            &self.credentials,
            &OwnPaths::new(self.path("state"), Some(self.path("libexec")))
                .with_others(vec![self.path("runtime/isobar")]),
        )
    }

    fn resolve(&self, argv: &[&str]) -> Result<Resolved, Vec<Refusal>> {
        self.resolve_os(argv.iter().map(OsString::from).collect())
    }

    fn resolved(&self, argv: &[&str]) -> Resolved {
        self.resolve(argv).unwrap_or_else(|refusals| panic!("refused: {refusals:#?}"))
    }

    fn refusals(&self, argv: &[&str]) -> Vec<Refusal> {
        match self.resolve(argv) {
            Ok(resolved) => panic!("was not refused: {:#?}", resolved.request),
            Err(refusals) => refusals,
        }
    }

    /// The one refusal, which must have `code`.
    fn refused(&self, argv: &[&str], code: Code) -> Refusal {
        let mut refusals = self.refusals(argv);
        assert_eq!(refusals.len(), 1, "one thing is wrong: {refusals:#?}");
        let refusal = refusals.remove(0);
        assert_eq!(refusal.code, code, "it has another cause: {refusal:#?}");
        refusal
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// What the guest sees of the host, as `source -> target`, where these differ.
fn shown(resolved: &Resolved) -> Vec<String> {
    let line = |grant: &Grant| {
        if grant.source == grant.target {
            grant.source.clone()
        } else {
            format!("{} -> {}", grant.source, grant.target)
        }
    };
    resolved.request.grants.iter().map(line).collect()
}

fn argv_of(resolved: &Resolved) -> Vec<String> {
    let text = |string: &std::ffi::CString| string.to_string_lossy().into_owned();
    resolved.spec.argv.iter().map(text).collect()
}

/// The value of a variable of the guest.
fn variable(resolved: &Resolved, name: &str) -> Option<String> {
    let strings = resolved.spec.env.iter().map(|string| string.to_string_lossy().into_owned());
    let mut pairs = strings.filter_map(|one| {
        one.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
    });
    pairs.find(|(key, _)| key == name).map(|(_, value)| value)
}
