//! What a person can do after a run that did not go well: at most two lines.
//!
//! The flags are named here and nowhere else outside `flags.rs`, since the policy crate knows
//! clauses and no command line.

use std::iter;
use std::path::Path;

use isobar_engine::policy::{
    Clause, End, FileKind, GrantOrigin, KilledBy, Outcome, Report, Request, escape, exit_code,
};

/// At most so many lines.
const MOST: usize = 2;

/// The lines for a report, without line ends.
pub(crate) fn lines(report: &Report) -> Vec<String> {
    let outcome = &report.outcome;
    let mut lines: Vec<String> = end(&outcome.end).into_iter().collect();
    for hit in &outcome.limits_hit {
        if let Some(flag) = flag(hit.clause).filter(|_| !killed_for(&outcome.end, hit.clause)) {
            let more = format!("{} was reached; give more with {flag}", hit.clause);
            if !lines.contains(&more) {
                lines.push(more);
            }
        }
    }
    if let Some((act, _)) = outcome.denied.first_key_value() {
        lines.push(format!("`{act}` was denied; see `isobar explain`"));
    }
    lines.truncate(MOST);
    lines
}

/// What a run must be told of whose program is a file in the guest's own `/tmp`: what it writes
/// beside itself succeeds and goes with the sandbox. Elsewhere such a directory cannot be written,
/// and the program hears of it; below `/tmp` that is so for a guest of root's, which does not own
/// the directories that were made for its mounts.
pub(crate) fn vanishing(request: &Request, as_root: bool) -> Option<String> {
    let own = iter::once("/tmp").chain(request.policy.fs.tmpfs.iter().map(|one| &*one.target));
    let own: Vec<&str> = own.collect();
    let named = request.grants.iter().find(|grant| {
        let alone = grant.origin == GrantOrigin::Program && grant.kind == FileKind::File;
        alone && own.iter().any(|target| Path::new(&grant.target).starts_with(target))
    })?;
    let (directory, name) =
        (Path::new(&named.target).parent()?, Path::new(&named.target).file_name()?);
    let lent = request
        .grants
        .iter()
        .any(|grant| grant.kind == FileKind::Directory && directory.starts_with(&grant.target));
    let (shown, name) = (escape(directory.to_str()?), escape(name.to_str()?));
    // A file system of the sandbox's own cannot be lent whole.
    let whole = own.iter().any(|target| Path::new(target) == directory);
    let remedy = if whole {
        "to keep it, run it from a directory of its own, with --workspace".to_owned()
    } else {
        format!("to keep it: --workspace '{shown}'")
    };
    (!lent && (whole || !as_root)).then(|| {
        format!("{shown} is the sandbox's own: anything that {name} wrote there is gone; {remedy}")
    })
}

/// Whether anything about the run is worth a line.
pub(crate) fn is_notable(outcome: &Outcome) -> bool {
    let ours = 124..=127;
    let cut = outcome.truncated.stdout_bytes > 0 || outcome.truncated.stderr_bytes > 0;
    match outcome.end {
        End::Exited { code: 0 } => cut || !outcome.limits_hit.is_empty(),
        // SIGPIPE of signal(7): the reader of our output went away, as in `isobar run -- yes | head`,
        // and shells are silent about that too.
        End::Signalled { signal: 13 } => false,
        // A program that fails says so itself; only a code that could be ours needs a word.
        End::Exited { .. } => {
            cut || !outcome.limits_hit.is_empty() || ours.contains(&exit_code(outcome))
        }
        End::Signalled { .. }
        | End::Killed { .. }
        | End::NotExecuted { .. }
        | End::Refused { .. }
        | End::Failed { .. } => true,
    }
}

fn end(end: &End) -> Option<String> {
    match end {
        End::Killed { by: KilledBy::WallTime } => Some("give more time with --timeout".to_owned()),
        End::Killed { by: KilledBy::CpuTime } => Some("give more with --cpu-time".to_owned()),
        End::Killed { by: KilledBy::Memory } => Some("give more with --memory".to_owned()),
        End::Exited { code: 124..=127 } => {
            Some("this code is the program's own, not isobar's".to_owned())
        }
        // SIGSYS of signal(7): the seccomp filter's answer to a call of another architecture.
        End::Signalled { signal: 31 } => {
            Some("the program made a call that is never served; see `isobar explain`".to_owned())
        }
        End::Exited { .. }
        | End::Signalled { .. }
        | End::Killed { by: KilledBy::User }
        | End::NotExecuted { .. }
        | End::Refused { .. }
        | End::Failed { .. } => None,
    }
}

fn killed_for(end: &End, clause: Clause) -> bool {
    matches!(
        (end, clause),
        (End::Killed { by: KilledBy::WallTime }, Clause::WallTime)
            | (End::Killed { by: KilledBy::CpuTime }, Clause::CpuTime)
            | (End::Killed { by: KilledBy::Memory }, Clause::Memory)
    )
}

/// The flag that sets a limit.
#[expect(clippy::wildcard_enum_match_arm, reason = "only limits are reached")]
const fn flag(clause: Clause) -> Option<&'static str> {
    Some(match clause {
        Clause::Memory => "--memory",
        Clause::CpuTime => "--cpu-time",
        Clause::WallTime => "--timeout",
        Clause::Pids => "--pids",
        Clause::OpenFiles => "--open-files",
        Clause::FileSize => "--file-size",
        Clause::TmpBytes => "--tmp-size",
        Clause::TmpInodes => "--tmp-inodes",
        Clause::OutputBytes => "--output-limit",
        _ => return None,
    })
}
