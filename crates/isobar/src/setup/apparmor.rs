//! AppArmor's restriction of unprivileged user namespaces (Ubuntu 23.10 and later, on by default
//! since 24.04): a profile that gives them back to isobar alone.
//!
//! With `kernel.apparmor_restrict_unprivileged_userns=1` a process that no profile allows `userns`
//! gets a user namespace without capabilities, so the first mount fails. Source: Ubuntu 24.04
//! release notes, "Unprivileged user namespace restrictions"; apparmor.d(5), `userns`.

use std::path::Path;

use super::file::{self, Found};
use super::{Action, Root, SetupError, State, Step};

pub(super) const NAME: &str = "apparmor";

/// What switches the restriction on.
const SWITCH: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";

/// Where the profile goes.
pub(crate) const PROFILE: &str = "/etc/apparmor.d/isobar";

/// Where packages put the executable; what else is called isobar is not given the right.
pub(crate) const INSTALLED: &str = "/usr/libexec/isobar/isobar";

const PARSER: &str = "/usr/sbin/apparmor_parser";

/// The profile for an executable at `path`. `flags=(unconfined)` confines nothing else: isobar
/// brings its own confinement, and a second one here would break it.
pub(crate) fn profile(path: &str) -> String {
    format!(
        "# isobar makes user namespaces for the programs that it confines itself.\n\
         abi <abi/4.0>,\n\
         include <tunables/global>\n\n\
         profile isobar \"{path}\" flags=(unconfined) {{\n  \
           userns,\n\n  \
           include if exists <local/isobar>\n\
         }}\n"
    )
}

/// Whether nobody but root can put something else at this path: a profile gives the right to whatever
/// lies there.
fn is_roots(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    path.ancestors().all(|part| {
        let data = std::fs::symlink_metadata(part);
        data.is_ok_and(|data| data.uid() == 0 && data.mode() & 0o022 == 0)
    })
}

/// The path that the profile is for: the running executable's where only root could change it and it
/// can be named in a profile, else where packages put it.
fn executable(root: &Root) -> String {
    let own = std::env::current_exe().ok().filter(|path| root.is_running() && is_roots(path));
    let named = own.and_then(|path| path.to_str().map(str::to_owned));
    let plain = |path: &String| {
        path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte))
    };
    named.filter(plain).unwrap_or_else(|| INSTALLED.to_owned())
}

pub(super) fn step(root: &Root) -> Result<Step, SetupError> {
    let text = profile(&executable(root));
    let write = file::written(PROFILE, &text);
    let found = file::found(root, PROFILE)?;
    let restricted = root.read(SWITCH)?.is_some_and(|value| value.trim() == "1");
    let current = matches!(&found, Found::Ours(there) if Some(there.as_str()) == write.text());
    let state = match (restricted, &found) {
        (_, Found::Ours(_)) if current => State::Done,
        (true, Found::Ours(_)) => {
            State::Needed("the profile that is there is for another place of isobar".to_owned())
        }
        (true, _) => State::Needed(format!(
            "AppArmor keeps ordinary users from user namespaces ({SWITCH} is 1)"
        )),
        (false, _) => State::NotNeeded("AppArmor restricts no user namespaces here"),
    };
    let load = |flag| Action::Run { program: PARSER, args: vec![flag, PROFILE] };
    let undo = match found {
        Found::Ours(_) => vec![load("--remove"), Action::Remove { path: PROFILE }],
        Found::Missing | Found::Foreign => Vec::new(),
    };
    Ok(Step {
        name: NAME,
        about: "let the executable at that path make user namespaces where AppArmor forbids them",
        caution: Some("not tested on a kernel that restricts them; written to its documentation"),
        state,
        apply: vec![write, load("--replace")],
        undo,
    })
}
