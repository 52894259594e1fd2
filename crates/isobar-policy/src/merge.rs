//! Laying one policy over another: profile, then file, then flags.
//!
//! What the upper policy says wins; what it leaves unset shows through. Nothing is ever removed
//! by leaving it out, so that a reader of the upper policy sees all that it changes.

use std::collections::BTreeSet;

use crate::{
    EnvClauses, FsClauses, GrantSpec, IdentityClauses, LimitClauses, NetClauses, Policy,
    check_target,
};

impl Policy {
    /// This policy with `over` laid over it.
    ///
    /// Single values of `over` win. Lists of grants grow; a grant of `over` for a target that this
    /// policy also grants replaces it, whatever access either gives. `env.allow` and `accept`
    /// unite, `env.set` of `over` wins name by name.
    #[must_use]
    pub fn overlaid(self, over: Self) -> Self {
        Self {
            version: Self::VERSION,
            boundary: over.boundary.or(self.boundary),
            fs: self.fs.overlaid(over.fs),
            env: self.env.overlaid(over.env),
            net: NetClauses { mode: over.net.mode.or(self.net.mode) },
            limits: self.limits.overlaid(over.limits),
            identity: self.identity.overlaid(over.identity),
            accept: united(self.accept, over.accept),
        }
    }
}

impl FsClauses {
    fn overlaid(self, over: Self) -> Self {
        let taken = over.targets();
        let kept = |grants: Vec<GrantSpec>| -> Vec<GrantSpec> {
            let keep = |grant: &GrantSpec| !taken.contains(&place(grant.seen_at()));
            grants.into_iter().filter(keep).collect()
        };
        let mut tmpfs = self.tmpfs;
        tmpfs.retain(|spec| !taken.contains(&place(&spec.target)));
        tmpfs.extend(over.tmpfs);
        Self {
            root: over.root.or(self.root),
            ro: joined(kept(self.ro), over.ro),
            rw: joined(kept(self.rw), over.rw),
            cow: joined(kept(self.cow), over.cow),
            tmpfs,
            workspace: over.workspace.or(self.workspace),
            workspace_exit: over.workspace_exit.or(self.workspace_exit),
            toolchain: over.toolchain.or(self.toolchain),
            unprotect: united(self.unprotect, over.unprotect),
        }
    }

    /// Where this section's grants and tmpfs are seen.
    fn targets(&self) -> BTreeSet<String> {
        let grants = self.ro.iter().chain(&self.rw).chain(&self.cow).map(GrantSpec::seen_at);
        let tmpfs = self.tmpfs.iter().map(|spec| spec.target.as_str());
        grants.chain(tmpfs).map(place).collect()
    }
}

impl EnvClauses {
    fn overlaid(mut self, over: Self) -> Self {
        self.set.extend(over.set);
        Self { allow: united(self.allow, over.allow), set: self.set }
    }
}

impl LimitClauses {
    fn overlaid(self, over: Self) -> Self {
        Self {
            memory: over.memory.or(self.memory),
            cpus: over.cpus.or(self.cpus),
            cpu_time: over.cpu_time.or(self.cpu_time),
            wall_time: over.wall_time.or(self.wall_time),
            pids: over.pids.or(self.pids),
            open_files: over.open_files.or(self.open_files),
            file_size: over.file_size.or(self.file_size),
            tmp_bytes: over.tmp_bytes.or(self.tmp_bytes),
            tmp_inodes: over.tmp_inodes.or(self.tmp_inodes),
            output_bytes: over.output_bytes.or(self.output_bytes),
        }
    }
}

impl IdentityClauses {
    fn overlaid(self, over: Self) -> Self {
        Self {
            uid: over.uid.or(self.uid),
            gid: over.gid.or(self.gid),
            hostname: over.hostname.or(self.hostname),
        }
    }
}

/// `/data/` and `/data` are one place. What is no target at all is compared as written, and
/// refused later.
fn place(target: &str) -> String {
    check_target(target).unwrap_or_else(|_| target.to_owned())
}

fn joined<T>(mut lower: Vec<T>, upper: Vec<T>) -> Vec<T> {
    lower.extend(upper);
    lower
}

/// Both lists in order, each value once.
fn united<T: Ord + Clone>(lower: Vec<T>, upper: Vec<T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    joined(lower, upper).into_iter().filter(|one| seen.insert(one.clone())).collect()
}

#[cfg(test)]
mod tests {
    use crate::random::Random;
    use crate::schema::known_keys;
    use crate::{Policy, parse_toml, profile, schema};

    fn policy(body: &str) -> Policy {
        parse_toml(&format!("version = 1\n{body}")).expect("the case is a readable policy")
    }

    #[track_caller]
    fn check(lower: &str, upper: &str, merged: &str) {
        assert_eq!(
            policy(lower).overlaid(policy(upper)),
            policy(merged),
            "{upper} laid over {lower}"
        );
    }

    #[test]
    fn single_values_override_and_what_is_unset_shows_through() {
        check("limits.pids = 64", "limits.pids = 8", "limits.pids = 8");
        check("limits.pids = 64", "limits.memory = '1G'", "limits = { pids = 64, memory = '1G' }");
        check(
            "boundary = 'namespace'\nidentity.uid = 7\nnet.mode = 'none'\nfs.toolchain = 'auto'",
            "boundary = 'wasm'\nidentity.hostname = 'x'\nfs.toolchain = 'none'",
            "boundary = 'wasm'\nidentity = { uid = 7, hostname = 'x' }\nnet.mode = 'none'\n\
             fs.toolchain = 'none'",
        );
        check(
            "fs.workspace = { path = '/a', mode = 'ro' }",
            "fs.workspace = { path = '/b' }",
            "fs.workspace = { path = '/b' }",
        );
    }

    #[test]
    fn every_single_value_of_the_upper_policy_wins_and_only_those() {
        let lists =
            ["/fs/ro", "/fs/rw", "/fs/cow", "/fs/tmpfs", "/fs/unprotect", "/env/allow", "/accept"];
        let keys = known_keys(&schema()).into_iter();
        let pointers: Vec<String> = keys
            .filter(|key| !key.path.contains("[]") && !key.path.starts_with("fs.workspace."))
            .filter(|key| !key.path.starts_with("env.") && key.schema.get("$ref").is_none())
            .map(|key| format!("/{}", key.path.replace('.', "/")))
            .filter(|pointer| !lists.contains(&pointer.as_str()))
            .collect();
        assert!(pointers.len() > 15, "every limit is among them: {pointers:?}");
        let mut random = Random::seeded(8);
        for _ in 0..500 {
            let [lower, upper] = [(); 2].map(|()| random.policy());
            let json = |policy: &Policy| serde_json::to_value(policy).expect("plain data");
            let (low, high) = (json(&lower), json(&upper));
            let merged = json(&lower.overlaid(upper));
            for pointer in &pointers {
                let expected = high.pointer(pointer).or(low.pointer(pointer));
                assert_eq!(merged.pointer(pointer), expected, "{pointer}: {high} over {low}");
            }
        }
    }

    #[test]
    fn lists_of_grants_grow_and_the_later_grant_of_a_place_wins() {
        check("fs.ro = ['/a']", "fs.ro = ['/b']", "fs.ro = ['/a', '/b']");
        check("fs.ro = ['/a', '/b']", "fs.rw = ['/a/']", "fs.ro = ['/b']\nfs.rw = ['/a/']");
        check("fs.rw = ['/x:/a']", "fs.ro = ['/y:/a']", "fs.ro = ['/y:/a']");
        check("fs.rw = ['/x:/a']", "fs.rw = ['/x:/b']", "fs.rw = ['/x:/a', '/x:/b']");
        check(
            "fs.ro = ['/a', '/b']\nfs.tmpfs = [{ target = '/c', size = '1M' }]",
            "fs.ro = ['/c']\nfs.tmpfs = [{ target = '//a', size = '2M' }]",
            "fs.ro = ['/b', '/c']\nfs.tmpfs = [{ target = '//a', size = '2M' }]",
        );
    }

    #[test]
    fn names_and_acceptances_unite_and_set_variables_merge() {
        check("env.allow = ['A', 'B']", "env.allow = ['B', 'C']", "env.allow = ['A', 'B', 'C']");
        check(
            "env.set = { A = '1', B = '1' }",
            "env.set = { B = '2' }",
            "env.set = { A = '1', B = '2' }",
        );
        check(
            "accept = ['memory=per-process']",
            "accept = ['landlock=absent', 'memory=per-process']",
            "accept = ['memory=per-process', 'landlock=absent']",
        );
    }

    #[test]
    fn laying_over_is_associative_and_nothing_is_the_neutral_policy() {
        let mut random = Random::seeded(7);
        for _ in 0..500 {
            let [a, b, c] = [(); 3].map(|()| Policy::empty().overlaid(random.policy()));
            let left = a.clone().overlaid(b.clone()).overlaid(c.clone());
            let right = a.clone().overlaid(b.overlaid(c));
            assert_eq!(left, right, "how profile, file and flags are bracketed must not matter");
            assert_eq!(
                a.clone().overlaid(Policy::empty()),
                a,
                "flags that say nothing change nothing"
            );
        }
    }

    #[test]
    fn a_profile_laid_over_itself_stays_itself() {
        for name in crate::PROFILES {
            let one = profile(name).expect("built in");
            assert_eq!(one.clone().overlaid(one.clone()), one, "{name} says the same thing twice");
        }
    }
}
