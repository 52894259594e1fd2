//! The command line as its users meet it: the real executable, its output, its exit codes.
//!
//! `cfg(test)` always holds here; it tells clippy that helpers of tests are tests too.

#[cfg(test)]
#[path = "../harness/mod.rs"]
mod harness;

#[cfg(test)]
mod doctor;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod help;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod report;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod status;
#[cfg(test)]
mod streams;
