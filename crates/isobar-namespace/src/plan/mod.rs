//! Planning: every clause bound to mechanisms on this host, or refused. Pure.
//!
//! Each section of the policy has a file, which adds bindings, refusals and its part of the
//! payload to a [`Draft`]. All refusals are collected, never only the first.

mod files;
mod floor;
mod identity;
mod limits;
#[cfg(test)]
mod tests;

use isobar_policy::{
    Acceptance, Binding, BoundaryKind, Clause, Code, HostFacts, Mechanism, NetMode, Plan,
    Privilege, Refusal, Request, Slot,
};

pub(crate) use floor::landlock_too_old;
pub(crate) use limits::ROOT_LEAST_TASKS;

use crate::payload::Planned;

/// Bindings and refusals so far.
#[derive(Debug)]
struct Draft<'a> {
    request: &'a Request,
    facts: &'a HostFacts,
    bindings: Vec<Binding>,
    refusals: Vec<Refusal>,
    shared: Vec<String>,
}

impl Draft<'_> {
    fn accepts(&self, one: Acceptance) -> bool {
        self.request.policy.accepts(one)
    }

    fn bind(
        &mut self,
        clause: Clause,
        asked: impl Into<String>,
        mechanisms: &[&str],
        evidence: &[&str],
    ) {
        self.bindings.push(binding(Some(clause), asked.into(), mechanisms, evidence));
    }

    /// Something that only the supervisor can know, so that nothing can be read back.
    fn bind_supervised(
        &mut self,
        clause: Clause,
        asked: impl Into<String>,
        mechanism: &str,
        reason: &str,
    ) {
        let mut one = binding(Some(clause), asked.into(), &[mechanism], &[]);
        one.weak_evidence_reason = Some(reason.to_owned());
        self.bindings.push(one);
    }

    fn bind_accepted(
        &mut self,
        clause: Clause,
        asked: impl Into<String>,
        mechanisms: &[&str],
        evidence: &[&str],
        accepted: Acceptance,
    ) {
        let mut one = binding(Some(clause), asked.into(), mechanisms, evidence);
        one.accepted = Some(accepted);
        self.bindings.push(one);
    }

    /// A clause that nobody set: it binds nothing, and the report says what that means.
    fn unset(&mut self, clause: Clause, meaning: &str) {
        self.bindings.push(binding(Some(clause), meaning.to_owned(), &[], &[]));
    }

    fn refuse(
        &mut self,
        code: Code,
        clause: Clause,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (why, remedy) = (why.into(), remedy.into());
        self.refusals.push(Refusal { code, clause: Some(clause), why, remedy, acceptable: None });
    }
}

fn binding(
    clause: Option<Clause>,
    asked: String,
    mechanisms: &[&str],
    evidence: &[&str],
) -> Binding {
    Binding {
        clause,
        asked,
        mechanisms: mechanisms.iter().map(|name| Mechanism((*name).to_owned())).collect(),
        evidence: evidence.iter().map(|key| (*key).to_owned()).collect(),
        accepted: None,
        weak_evidence_reason: None,
    }
}

/// Binds every clause of the request, or says which cannot be bound.
pub(crate) fn plan(request: &Request, facts: &HostFacts) -> Result<Plan, Vec<Refusal>> {
    let (bindings, refusals, shared) = (Vec::new(), Vec::new(), Vec::new());
    let mut draft = Draft { request, facts, bindings, refusals, shared };
    draft.refusals.extend(request.policy.validate());
    boundary(&mut draft);
    let files = files::plan(&mut draft);
    environment(&mut draft);
    network(&mut draft);
    let limits = limits::plan(&mut draft);
    let identity = identity::plan(&mut draft);
    accepted(&mut draft);
    let floor = floor::plan(&mut draft);
    shared_with_host(&mut draft);
    if !draft.refusals.is_empty() {
        return Err(unique(draft.refusals));
    }
    let planned = Planned {
        privilege: facts.privilege,
        uid: identity.uid,
        gid: identity.gid,
        host_uid: facts.uid,
        host_gid: facts.gid,
        kept_groups: identity.kept_groups,
        cgroup_namespace: floor.cgroup_namespace,
        time_namespace: floor.time_namespace,
        landlock_abi: floor.landlock_abi,
        hostname: identity.hostname,
        terminal: request.terminal,
        grants: files.grants,
        tmpfs: files.tmpfs,
        tmp: files.tmp,
        limits,
    };
    seal(&planned, draft)
}

fn seal(planned: &Planned, draft: Draft<'_>) -> Result<Plan, Vec<Refusal>> {
    let slots: Vec<Slot> = planned.grants.iter().map(|grant| grant.slot).collect();
    match planned.seal() {
        Ok(payload) => {
            let (bindings, shared) = (draft.bindings, draft.shared);
            Ok(Plan { boundary: BoundaryKind::Namespace, bindings, shared, payload, slots })
        }
        Err(error) => Err(vec![Refusal {
            code: Code::LaunchStep,
            clause: None,
            why: format!("the plan cannot be written down: {error}"),
            remedy: "report this as a bug of isobar".to_owned(),
            acceptable: None,
        }]),
    }
}

/// Two sections may refuse for the same reason; the user hears it once.
fn unique(refusals: Vec<Refusal>) -> Vec<Refusal> {
    let mut seen: Vec<Refusal> = Vec::with_capacity(refusals.len());
    for refusal in refusals {
        if !seen.contains(&refusal) {
            seen.push(refusal);
        }
    }
    seen
}

fn boundary(draft: &mut Draft<'_>) {
    // The filter and the stage are written for one architecture so far.
    if draft.facts.machine != "x86_64" {
        draft.refuse(
            Code::HostMachine,
            Clause::Boundary,
            format!("this build runs on x86_64, and the host is {}", draft.facts.machine),
            "run isobar on an x86-64 host",
        );
    }
    match draft.request.policy.boundary {
        None | Some(BoundaryKind::Namespace) => {
            draft.bind(
                Clause::Boundary,
                "namespace",
                &["every layer of the floor"],
                &["mount.roots"],
            );
        }
        Some(other) => draft.refuse(
            Code::HostBoundaryMissing,
            Clause::Boundary,
            format!("this plan is for the namespace boundary, and the policy asks for {other}"),
            "write boundary = \"namespace\"",
        ),
    }
}

fn environment(draft: &mut Draft<'_>) {
    let count = draft.request.env_names.len();
    let asked = format!("{count} variables: {}", draft.request.env_names.join(" "));
    draft.bind_supervised(
        Clause::Env,
        asked,
        "environment made by the supervisor",
        "execve passes exactly what the supervisor sent; the caller's environment never enters",
    );
}

fn network(draft: &mut Draft<'_>) {
    match draft.request.policy.net.mode {
        None | Some(NetMode::None) => {
            let mechanisms = ["network namespace with loopback only"];
            draft.bind(Clause::Net, "none", &mechanisms, &["namespace.net", "net.devices"]);
        }
        // Refused by name in `Policy::validate`.
        Some(NetMode::Gateway) => {}
    }
}

fn accepted(draft: &mut Draft<'_>) {
    let accept = &draft.request.policy.accept;
    if accept.is_empty() {
        draft.unset(Clause::Accept, "nothing");
        return;
    }
    let text: Vec<_> = accept.iter().map(|one| one.name()).collect();
    let text = text.join(" ");
    draft.unset(Clause::Accept, &text);
}

fn shared_with_host(draft: &mut Draft<'_>) {
    draft
        .shared
        .insert(0, "the host's whole kernel: one reachable bug in it is an escape".to_owned());
    draft.shared.push(
        "the host's clock, processor caches, and page cache of files that both read".to_owned(),
    );
    draft.shared.push(
        "counters that the kernel keeps for the caller's user: inotify instances and watches, \
         pages in pipes, descriptors sent and not yet taken"
            .to_owned(),
    );
    if draft.facts.privilege == Privilege::User {
        draft.shared.push(
            "the caller's user number: isobar-init runs under it too, guarded by the filter and \
             by being non-dumpable"
                .to_owned(),
        );
    }
}
