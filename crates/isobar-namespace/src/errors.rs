//! How failures of this boundary reach a person: code, cause, remedy.

use isobar_boundary::LaunchError;
use isobar_jail::{JailError, Step};
use isobar_os::Errno;
use isobar_policy::{Clause, Code, Diagnostic, Layer, Refusal};

use crate::probe::{Blocked, blocked};

/// A launch that isobar could not carry out.
pub(crate) fn failed(code: Code, error: &dyn std::error::Error, remedy: &str) -> LaunchError {
    LaunchError::Failed(Diagnostic::new(code, error, remedy))
}

/// What a failed jail means: a host that cannot, a path that changed, or a fault of ours.
pub(crate) fn jail(error: &JailError) -> LaunchError {
    if let Some(refusal) = refusal(error) {
        return LaunchError::Refused(vec![refusal]);
    }
    if let JailError::Stage { step: Step::Changed, .. } = error {
        let remedy = "leave the path alone while isobar starts, or find out who changes it";
        return failed(Code::LaunchChanged, error, remedy);
    }
    failed(Code::LaunchStep, error, "run `isobar doctor` to see what this host offers")
}

/// The refusal that a failure amounts to, where the host is the cause.
fn refusal(error: &JailError) -> Option<Refusal> {
    let (code, clause, errno) = match error {
        JailError::Clone(errno) => (Code::HostUserNamespaces, None, *errno),
        JailError::Stage { errno, .. } if new_proc_refused(error) => {
            (Code::HostUserNamespaces, None, *errno)
        }
        JailError::Group(errno) => (Code::HostCgroupMissing, None, *errno),
        JailError::Stage { step, errno, subject } => {
            (code_of(*step)?, clause_of(*step, subject.as_deref()), *errno)
        }
        JailError::Prepare(_) | JailError::Maps(_) | JailError::Vanished | _ => return None,
    };
    // Exhaustion passes by itself and says nothing about the host.
    if matches!(errno, Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE) {
        return None;
    }
    let text = error_text(error);
    let (code, why, remedy) = if code == Code::HostUserNamespaces {
        let Blocked { layer, why, remedy } = blocked(error);
        (layer_code(layer), why, remedy)
    } else if code == Code::HostLimitCeiling {
        (
            code,
            format!("{text}: the value is above the caller's own hard limit"),
            "ask for less, or raise the hard limit (ulimit -H)".to_owned(),
        )
    } else if code == Code::HostCgroupMissing {
        (code, text, crate::groups::REMEDY_UNIFIED.to_owned())
    } else {
        (code, text, "run `isobar doctor` to see what this host offers".to_owned())
    };
    Some(Refusal { code, clause, why, remedy, acceptable: None })
}

/// Whether the kernel would not mount a new /proc, which it does only where the one that is there
/// shows everything (mount_namespaces(7), "Restrictions on mount namespaces").
pub(crate) fn new_proc_refused(error: &JailError) -> bool {
    match error {
        JailError::Stage { step: Step::RootEntry, errno: Errno::PERM, subject } => {
            subject.as_deref() == Some("/proc")
        }
        JailError::Prepare(_)
        | JailError::Clone(_)
        | JailError::Maps(_)
        | JailError::Stage { .. }
        | JailError::Vanished
        | _ => false,
    }
}

/// The code of a refusal for want of `layer`.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other layers share one code")]
pub(crate) const fn layer_code(layer: Layer) -> Code {
    match layer {
        Layer::UserNamespace => Code::HostUserNamespaces,
        Layer::Landlock => Code::HostLandlockMissing,
        _ => Code::HostLayerMissing,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other steps say nothing about the host")]
const fn code_of(step: Step) -> Option<Code> {
    match step {
        Step::Helper | Step::Unshare | Step::Maps | Step::Private | Step::RootFs | Step::Pivot => {
            Some(Code::HostUserNamespaces)
        }
        Step::Network | Step::CgroupNamespace | Step::Filter => Some(Code::HostLayerMissing),
        Step::Landlock => Some(Code::HostLandlockMissing),
        Step::Limits => Some(Code::HostLimitCeiling),
        _ => None,
    }
}

fn clause_of(step: Step, subject: Option<&str>) -> Option<Clause> {
    if step != Step::Limits {
        return None;
    }
    match subject? {
        "Max open files" => Some(Clause::OpenFiles),
        "Max file size" => Some(Clause::FileSize),
        "Max processes" => Some(Clause::Pids),
        "Max data size" => Some(Clause::Memory),
        "Max cpu time" => Some(Clause::CpuTime),
        _ => None,
    }
}

/// The error with its causes in one line.
pub(crate) fn error_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
