//! Who the guest is.

use isobar_policy::{Clause, Privilege};

use super::Draft;

/// The guest's numbers and name where the policy says nothing.
const DEFAULT_ID: u32 = 1000;
const DEFAULT_HOSTNAME: &str = "isobar";

pub(super) struct PlannedIdentity {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) hostname: String,
    pub(super) kept_groups: Vec<u32>,
}

pub(super) fn plan(draft: &mut Draft<'_>) -> PlannedIdentity {
    let clauses = &draft.request.policy.identity;
    let (uid, gid) = (clauses.uid.unwrap_or(DEFAULT_ID), clauses.gid.unwrap_or(DEFAULT_ID));
    let hostname = clauses.hostname.clone().unwrap_or_else(|| DEFAULT_HOSTNAME.to_owned());
    let mechanism = match draft.facts.privilege {
        Privilege::Root => "user namespace with a host range of the sandbox's own",
        Privilege::User => "user namespace with the caller's own number",
    };
    draft.bind(Clause::Uid, uid.to_string(), &[mechanism], &["identity.uid-map", "process.uid"]);
    draft.bind(Clause::Gid, gid.to_string(), &[mechanism], &["identity.gid-map", "process.gid"]);
    draft.bind(
        Clause::Hostname,
        hostname.clone(),
        &["uts namespace"],
        &["namespace.uts", "uts.hostname"],
    );
    PlannedIdentity { uid, gid, hostname, kept_groups: kept_groups(draft) }
}

/// Groups that an ordinary user cannot drop. They show as the overflow group inside, and they keep
/// their rights on files that the guest can reach, so the report says so.
fn kept_groups(draft: &mut Draft<'_>) -> Vec<u32> {
    if draft.facts.privilege == Privilege::Root {
        return Vec::new();
    }
    let mut groups = draft.facts.supplementary_groups.clone();
    groups.retain(|group| *group != draft.facts.gid);
    if !groups.is_empty() {
        let text: Vec<_> = groups.iter().map(u32::to_string).collect();
        draft.shared.push(format!(
            "the caller's supplementary groups {} stay in force inside grants",
            text.join(", ")
        ));
    }
    draft.facts.supplementary_groups.clone()
}
