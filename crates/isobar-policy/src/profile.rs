//! The built-in profiles: policies that are printed, versioned and read like any other file.
//!
//! They hold only what every supported host can enforce, so that a run means the same everywhere.
//! There is no other source of default values.

use crate::{Policy, parse_toml};

/// The names of the profiles; the first is used where none is named.
pub const PROFILES: &[&str] = &["default", "strict"];

/// The text of the profile `name`, comments included, as `isobar policy show` prints it.
#[must_use]
pub fn profile_text(name: &str) -> Option<&'static str> {
    match name {
        "default" => Some(include_str!("profiles/default.toml")),
        "strict" => Some(include_str!("profiles/strict.toml")),
        _ => None,
    }
}

/// The profile `name`; `None` where there is none of that name.
#[must_use]
pub fn profile(name: &str) -> Option<Policy> {
    // A built-in text that does not parse is caught by the tests below, never by a user.
    profile_text(name).and_then(|text| parse_toml(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn every_profile_is_read_and_has_nothing_against_it() {
        for name in PROFILES {
            let text = profile_text(name).expect("every listed name has a text");
            let policy = parse_toml(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(policy.validate(), [], "{name} runs on every supported host");
            assert_eq!(profile(name), Some(policy), "{name} is what its text says");
        }
        assert_eq!((profile("other"), profile_text("other")), (None, None), "no hidden profiles");
    }

    #[test]
    fn profiles_hold_only_what_every_host_can_enforce() {
        for name in PROFILES {
            let limits = profile(name).expect("built in").limits;
            let optional = (limits.memory, limits.cpus, limits.cpu_time);
            assert_eq!(optional, (None, None, None), "{name}: these need a control group");
        }
    }

    #[test]
    fn profiles_leave_no_default_to_the_code() {
        for name in PROFILES {
            let policy = profile(name).expect("built in");
            assert!(policy.boundary.is_some(), "{name} names its boundary");
            assert!(policy.fs.root.is_some() && policy.fs.toolchain.is_some(), "{name}: root");
            assert!(policy.net.mode.is_some(), "{name} says how the guest reaches a network");
            assert!(policy.limits.tmp_bytes.is_some(), "{name}: the guest's /tmp is memory");
            let identity = policy.identity;
            let set = (identity.uid, identity.gid, identity.hostname.is_some());
            assert_eq!(set, (Some(1000), Some(1000), true), "{name} says who the guest is");
        }
    }

    #[test]
    fn strict_is_nowhere_weaker_than_default() {
        let (default, strict) = (profile("default").unwrap(), profile("strict").unwrap());
        for variable in &strict.env.allow {
            let covered = default.env.allow.iter().any(|allowed| match allowed.strip_suffix('*') {
                Some(prefix) => variable.starts_with(prefix),
                None => allowed == variable,
            });
            assert!(covered, "strict passes {variable} and default does not");
        }
        let (d, s) = (default.limits, strict.limits);
        assert!(s.pids < d.pids && s.open_files < d.open_files, "fewer processes and files");
        assert!(s.tmp_bytes < d.tmp_bytes && s.tmp_inodes < d.tmp_inodes, "a smaller /tmp");
        assert!(d.wall_time.is_none() && s.wall_time.is_some(), "and an end");
    }

    #[test]
    fn flags_over_a_profile_are_what_a_user_expects() {
        let flags = parse_toml("version = 1\nlimits.pids = 0").expect("a readable policy");
        let merged = profile("default").expect("built in").overlaid(flags);
        let codes: Vec<Code> = merged.validate().iter().map(|refusal| refusal.code).collect();
        assert_eq!(codes, [Code::PolicyZeroLimit], "a flag's zero is not covered by the profile");
    }
}
