//! The four kinds of boundary, by name. This is the only place where all four names stand together.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An isolation kind that a user can choose.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BoundaryKind {
    /// Linux namespaces, control groups, capabilities, seccomp and Landlock: fewer doors into the
    /// host kernel, which stays shared.
    Namespace,
    /// Our own kernel in user space serves the guest's system calls.
    Userkernel,
    /// Hardware virtualization with a kernel of the guest's own.
    Microvm,
    /// WebAssembly: no system calls, capabilities one by one.
    Wasm,
}

impl BoundaryKind {
    /// Every kind, in the order in which documents list them.
    pub const ALL: [Self; 4] = [Self::Namespace, Self::Userkernel, Self::Microvm, Self::Wasm];

    /// The name as policies and flags write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Userkernel => "userkernel",
            Self::Microvm => "microvm",
            Self::Wasm => "wasm",
        }
    }
}

impl fmt::Display for BoundaryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for BoundaryKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(())
    }
}
