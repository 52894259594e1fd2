//! Real processes in real jails: both phases, both filters, evidence read from outside, and that
//! nothing between clone and exec allocates.
//!
//! What runs inside a jail is this executable again: it is static and needs no file, so the jails
//! can be as empty as a test wants. `cfg(test)` always holds here; it tells clippy that helpers of
//! tests are tests too.

#[cfg(test)]
mod evidence;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod inside;
#[cfg(test)]
mod no_allocation;
#[cfg(test)]
#[expect(unsafe_code, reason = "a global allocator, and a child that breaks the rules on purpose")]
mod sys;
#[cfg(test)]
mod two_phase;
