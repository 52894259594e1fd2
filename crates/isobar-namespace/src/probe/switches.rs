//! Which switch of the host forbids user namespaces: the question behind most failed starts.

use std::fs;

/// Why namespaces are blocked and what to do about it, in one sentence each.
pub(crate) fn blocked_namespaces(what: &str) -> (String, String) {
    let (switch, remedy) = find(&|path| fs::read_to_string(path).ok());
    (format!("this host forbids user namespaces to this user: {what}{switch}"), remedy)
}

fn find(read: &dyn Fn(&str) -> Option<String>) -> (String, String) {
    let is = |path: &str, value: &str| read(path).is_some_and(|text| text.trim() == value);
    let found = |switch: &str, remedy: &str| (format!(" ({switch})"), remedy.to_owned());
    if is("/proc/sys/user/max_user_namespaces", "0") {
        return found(
            "user.max_user_namespaces is 0",
            "sudo sysctl user.max_user_namespaces=15000",
        );
    }
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return found(
            "kernel.unprivileged_userns_clone is 0",
            "sudo sysctl kernel.unprivileged_userns_clone=1",
        );
    }
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return found(
            "AppArmor restricts them: kernel.apparmor_restrict_unprivileged_userns is 1",
            "install an AppArmor profile for isobar that allows userns, or sudo sysctl \
             kernel.apparmor_restrict_unprivileged_userns=0",
        );
    }
    let filtered = read("/proc/self/status").is_some_and(|text| {
        text.lines().any(|line| line.starts_with("Seccomp:") && line.ends_with('2'))
    });
    if filtered {
        return found(
            "isobar itself runs under a seccomp filter, as inside a container",
            "let the outer container allow clone, unshare and mount (docker: --security-opt \
             seccomp=unconfined --security-opt apparmor=unconfined)",
        );
    }
    (
        String::new(),
        "ask the host's administrator to allow user namespaces, or run isobar as root".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_switch_is_named_with_its_remedy() {
        for (path, value, named) in [
            ("/proc/sys/user/max_user_namespaces", "0\n", "max_user_namespaces"),
            ("/proc/sys/kernel/unprivileged_userns_clone", "0\n", "unprivileged_userns_clone"),
            ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", "AppArmor"),
            ("/proc/self/status", "Name:\tx\nSeccomp:\t2\n", "seccomp"),
        ] {
            let (switch, remedy) = find(&|asked| (asked == path).then(|| value.to_owned()));
            assert!(switch.contains(named), "{path} must be named, not {switch:?}");
            assert!(!remedy.is_empty(), "and its remedy");
        }
    }

    #[test]
    fn an_open_host_names_no_switch() {
        let (switch, _) = find(&|_| None);
        assert_eq!(switch, "", "a guess would send people the wrong way");
    }
}
