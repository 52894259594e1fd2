//! Clauses that nobody set: they bind nothing, but for those without which there is no sandbox.

use isobar_policy::{Clause, Privilege};

use super::super::plan;
use super::matrix::binding_of;
use super::world::{capable_host, empty_request};

/// Clauses that stand for a part that every sandbox has. The schema says what an unset one means,
/// and the report prints it.
const ALWAYS: [(Clause, &str); 8] = [
    (Clause::Boundary, "namespace"),
    (Clause::FsRoot, "host: /usr and parts of /etc, read-only"),
    (Clause::Net, "none"),
    (Clause::TmpBytes, "1G, the boundary's own bound"),
    (Clause::TmpInodes, "262144, the boundary's own bound"),
    (Clause::Uid, "1000"),
    (Clause::Gid, "1000"),
    (Clause::Hostname, "isobar"),
];

#[test]
fn unset_clauses_bind_nothing_and_say_so() {
    for privilege in [Privilege::Root, Privilege::User] {
        let plan = plan(&empty_request(), &capable_host(privilege)).expect("it asks for nothing");
        for clause in Clause::ALL {
            let one = binding_of(&plan, *clause);
            match ALWAYS.iter().find(|(always, _)| always == clause) {
                Some((_, meaning)) => {
                    assert_eq!(one.asked, *meaning, "{clause}: the value is not hidden");
                    assert!(!one.mechanisms.is_empty(), "{clause} is part of every sandbox");
                }
                // An empty environment is made by the supervisor like any other.
                None if *clause == Clause::Env => assert_eq!(one.asked, "0 variables: "),
                None => {
                    let bound = (&one.mechanisms, &one.evidence, one.accepted);
                    assert_eq!(bound, (&vec![], &vec![], None), "{clause} binds nothing");
                    assert!(!one.asked.is_empty(), "{clause}: and the report says what that means");
                }
            }
        }
    }
}
