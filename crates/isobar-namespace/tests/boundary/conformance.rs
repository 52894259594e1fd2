//! The laws that hold of every boundary.

use isobar_boundary::conformance::{LAWS, Subject};
use isobar_boundary::{Boundary, ProcessSpec};
use isobar_namespace::NamespaceBoundary;
use isobar_policy::{HostFacts, Request};

use crate::harness::{self, Scene};

struct Namespace {
    boundary: NamespaceBoundary,
    scene: Scene,
}

impl Subject for Namespace {
    fn boundary(&self) -> &dyn Boundary {
        &self.boundary
    }

    fn facts(&self) -> &HostFacts {
        &self.scene.facts
    }

    fn request(&self) -> Request {
        self.scene.request.clone()
    }

    fn shell(&self, script: &str) -> ProcessSpec {
        harness::shell(script)
    }

    fn absent(&self) -> ProcessSpec {
        harness::program("/usr/bin/there-is-no-such-program", &[])
    }
}

#[test]
fn the_laws_of_boundaries_hold() {
    let broken: Vec<String> = LAWS
        .iter()
        .filter_map(|law| {
            // A scene for each law, so that what a law leaves is noticed.
            let subject = Namespace { boundary: harness::boundary(), scene: Scene::new() };
            (law.check)(&subject).err().map(|breach| format!("{}: {breach}", law.name))
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(LAWS.len() >= 13, "no law was dropped by accident");
}
