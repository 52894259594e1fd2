//! Which switch of the host stands in the way of namespaces: the question behind most failed
//! starts.

use std::fs;

use isobar_jail::JailError;
use isobar_policy::Layer;

use crate::errors::{error_text, new_proc_refused};

/// What is in the way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// The layer that cannot be had.
    pub(crate) layer: Layer,
    /// Why, in one sentence.
    pub(crate) why: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

/// What an error of the first steps of a launch means: no process in user, pid and mount
/// namespaces with a /proc of its own could be made.
pub(crate) fn blocked(error: &JailError) -> Blocked {
    let text = error_text(error);
    if new_proc_refused(error) {
        return Blocked {
            layer: Layer::MountNamespace,
            why: format!("{text}: parts of this /proc are covered, as inside a container"),
            remedy: "let the outer container show all of /proc (docker: --security-opt \
                     systempaths=unconfined; podman: --security-opt unmask=ALL; kubernetes: \
                     procMount: Unmasked)"
                .to_owned(),
        };
    }
    let (switch, remedy) = find(&|path| fs::read_to_string(path).ok());
    Blocked {
        layer: Layer::UserNamespace,
        why: format!("this host forbids user namespaces to this user: {text}{switch}"),
        remedy,
    }
}

/// What an error of one layer means, where user, pid and mount namespaces could be made.
pub(crate) fn blocked_layer(error: &JailError) -> (String, String) {
    let text = error_text(error);
    if is_filtered(&|path| fs::read_to_string(path).ok()) {
        return (format!("{text} ({FILTERED})"), UNFILTERED.to_owned());
    }
    let remedy = "use a kernel that was built with it, and a host that does not block it";
    (text, remedy.to_owned())
}

const FILTERED: &str = "isobar itself runs under a seccomp filter, as inside a container";

const UNFILTERED: &str = "let the outer container allow clone, unshare, mount and sethostname \
     (docker, podman: --security-opt seccomp=unconfined; docker also: --security-opt \
     apparmor=unconfined)";

/// Whether a filter of somebody else is in force (proc_pid_status(5), Seccomp).
fn is_filtered(read: &dyn Fn(&str) -> Option<String>) -> bool {
    read("/proc/self/status").is_some_and(|text| {
        text.lines().any(|line| line.starts_with("Seccomp:") && line.ends_with('2'))
    })
}

fn find(read: &dyn Fn(&str) -> Option<String>) -> (String, String) {
    let is = |path: &str, value: &str| read(path).is_some_and(|text| text.trim() == value);
    let found = |switch: &str, remedy: &str| (format!(" ({switch})"), remedy.to_owned());
    if is("/proc/sys/user/max_user_namespaces", "0") {
        return found(
            "user.max_user_namespaces is 0",
            "sudo isobar setup --apply userns, or sudo sysctl user.max_user_namespaces=65536",
        );
    }
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return found("kernel.unprivileged_userns_clone is 0", "sudo isobar setup --apply userns");
    }
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return found(
            "AppArmor restricts them: kernel.apparmor_restrict_unprivileged_userns is 1",
            "sudo isobar setup --apply apparmor, or sudo sysctl \
             kernel.apparmor_restrict_unprivileged_userns=0",
        );
    }
    if read("/proc/self/mountinfo").is_some_and(|text| is_chroot(&text)) {
        return found(
            "isobar runs in a chroot, where the kernel makes none",
            "enter that root with a tool that changes the root of a mount namespace \
             (pivot_root(2)), such as systemd-nspawn or a container engine",
        );
    }
    if is_filtered(read) {
        return found(FILTERED, UNFILTERED);
    }
    if read("/proc/sys/kernel/osrelease").is_some_and(|text| text.trim().ends_with("-Microsoft")) {
        return found(
            "this is version 1 of the Windows Subsystem for Linux, which has no Linux kernel",
            "move the distribution to version 2: wsl --set-version NAME 2",
        );
    }
    (
        String::new(),
        "ask the host's administrator to allow user namespaces, or run isobar as root".to_owned(),
    )
}

/// Whether no mount is at the root that the process sees (proc_pid_mountinfo(5), fifth field): the
/// root of its mount namespace is then out of its sight. A chroot into a directory that is a mount
/// itself cannot be told so.
fn is_chroot(mountinfo: &str) -> bool {
    let mut points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4)).peekable();
    points.peek().is_some() && points.all(|point| point != "/")
}

#[cfg(test)]
mod tests {
    use isobar_jail::Step;
    use isobar_os::Errno;

    use super::*;

    #[test]
    fn each_switch_is_named_with_its_remedy() {
        for (path, value, named) in [
            ("/proc/sys/user/max_user_namespaces", "0\n", "max_user_namespaces"),
            ("/proc/sys/kernel/unprivileged_userns_clone", "0\n", "unprivileged_userns_clone"),
            ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", "AppArmor"),
            ("/proc/self/mountinfo", "33 1 0:29 / /proc rw - proc proc rw\n", "chroot"),
            ("/proc/sys/kernel/osrelease", "4.4.0-19041-Microsoft\n", "Subsystem for Linux"),
            ("/proc/self/status", "Name:\tx\nSeccomp:\t2\n", "seccomp"),
        ] {
            let (switch, remedy) = find(&|asked| (asked == path).then(|| value.to_owned()));
            assert!(switch.contains(named), "{path} must be named, not {switch:?}");
            assert!(!remedy.is_empty(), "and its remedy");
        }
    }

    #[test]
    fn an_open_host_names_no_switch() {
        let (switch, _) = find(&|path| {
            (path == "/proc/self/mountinfo").then(|| "22 1 8:1 / / rw - ext4 x rw\n".to_owned())
        });
        assert_eq!(switch, "", "a guess would send people the wrong way");
    }

    #[test]
    fn a_covered_proc_is_told_from_forbidden_namespaces() {
        let at = |step, subject: &str, errno| JailError::Stage {
            step,
            subject: Some(subject.to_owned()),
            errno,
        };
        let covered = blocked(&at(Step::RootEntry, "/proc", Errno::PERM));
        assert_eq!(covered.layer, Layer::MountNamespace, "user namespaces are not what is missing");
        assert!(covered.remedy.contains("unmask=ALL"), "{covered:?}");
        for other in [
            at(Step::RootEntry, "/usr", Errno::PERM),
            at(Step::RootEntry, "/proc", Errno::NOMEM),
            at(Step::RootFs, "/", Errno::PERM),
        ] {
            assert_eq!(blocked(&other).layer, Layer::UserNamespace, "{other:?}");
        }
    }
}
