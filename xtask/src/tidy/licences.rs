//! Rule: every dependency has a licence of this list and comes from the default registry.

use cargo_metadata::{Metadata, Package};
use spdx::{Expression, ParseMode};

use super::Finding;

/// Licences that go together with ours (Apache-2.0) and ask for nothing but notices.
const ALLOWED: [&str; 10] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The one exception to a licence that is fine: it only gives more rights.
const ALLOWED_EXCEPTION: &str = "LLVM-exception";

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let foreign = metadata
        .packages
        .iter()
        .filter(|package| !metadata.workspace_members.contains(&package.id));
    foreign.filter_map(objection).collect()
}

/// What speaks against a dependency.
fn objection(package: &Package) -> Option<Finding> {
    let registry = package.source.as_ref().is_some_and(cargo_metadata::Source::is_crates_io);
    let why = if registry {
        let licence = package.license.as_deref().unwrap_or_default();
        (!is_allowed(licence)).then(|| format!("licence `{licence}` is not on the list"))
    } else {
        Some("does not come from the default registry".to_owned())
    };
    why.map(|why| {
        Finding::new("Cargo.lock", 0, format!("{} {}: {why}", package.name, package.version))
    })
}

/// Whether an SPDX expression can be satisfied by licences of the list.
fn is_allowed(expression: &str) -> bool {
    // Lax: older manifests write `MIT/Apache-2.0`, which means OR.
    let Ok(expression) = Expression::parse_mode(expression, ParseMode::LAX) else { return false };
    expression.evaluate(|requirement| {
        let text = requirement.to_string();
        let licence = match text.split_once(" WITH ") {
            Some((licence, ALLOWED_EXCEPTION)) => licence,
            Some(_) => return false,
            None => &text,
        };
        ALLOWED.contains(&licence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copyleft_and_nothing_are_caught() {
        for bad in ["GPL-3.0-only", "MIT AND GPL-2.0-only", "", "Some words", "MPL-2.0"] {
            assert!(!is_allowed(bad), "{bad:?} must not pass");
        }
        assert!(!is_allowed("Apache-2.0 WITH Classpath-exception-2.0"), "unknown exception");
    }

    #[test]
    fn a_choice_needs_one_licence_of_the_list() {
        for good in [
            "MIT/Apache-2.0",
            "MIT OR GPL-3.0-only",
            "Apache-2.0 WITH LLVM-exception OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
        ] {
            assert!(is_allowed(good), "{good:?} must pass");
        }
    }

    #[test]
    fn another_source_is_caught_whatever_its_licence() {
        let metadata = crate::workspace::metadata().unwrap();
        let mut package = metadata.packages.iter().find(|p| p.name == "clap").unwrap().clone();
        assert_eq!(objection(&package), None);
        package.source = None;
        assert!(objection(&package).is_some(), "a path outside of the workspace");
    }
}
