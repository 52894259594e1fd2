//! The namespace boundary through its public traits, with real sandboxes, as whoever runs the tests.
//!
//! `cfg(test)` always holds here; it tells clippy that helpers of tests are tests too.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod host;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod load;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod view;
