//! The namespace boundary: Linux namespaces, control groups, capabilities, Landlock and seccomp.
//!
//! The thinnest boundary: it turns a request into a plan (`plan`), a plan into a `JailSpec`
//! (`jail_spec`), lets `isobar-jail` make the process, and speaks with `isobar-init` inside
//! (`agent`). What fails here fails as one reachable bug of the host's kernel: the whole kernel
//! stays shared, and every report says so.
//!
//! Order of a launch: `plan` (pure) → `launch` → `groups`, `grants` (what needs the
//! supervisor's rights) → `jail_spec` → `isobar_jail::launch` → `observe` → `sandbox` →
//! `process`.
#![forbid(unsafe_code)]

mod agent;
mod boundary;
mod collect;
mod errors;
mod etc;
#[cfg(test)]
mod fuzz;
mod grants;
mod groups;
mod jail_spec;
mod launch;
mod observe;
mod payload;
mod plan;
mod probe;
mod process;
mod range;
mod sandbox;
mod stopwatch;
mod stream;
mod system;
mod terminal;

pub use boundary::NamespaceBoundary;
