//! The behaviour suite: what people do with a sandbox, through the real executable.
//!
//! One file a topic. Every test runs as whoever started the suite, root or an ordinary user, and
//! where the two differ the test says how. After each run the harness checks that nothing is left.
//! A snippet of guest code asserts for itself and ends with the word `ok`, so that a guest that
//! ends early for another reason cannot pass. With `--nocapture` the versions of the programs are
//! printed.
//!
//! `cfg(test)` always holds here; it tells clippy that helpers of tests are tests too.

#[cfg(test)]
#[path = "../harness/mod.rs"]
mod harness;

#[cfg(test)]
mod bad_grant;
#[cfg(test)]
mod bad_policy;
#[cfg(test)]
mod bad_request;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod death;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod exits;
#[cfg(test)]
mod flood;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod guest;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod network;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod protected;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod swapped;
#[cfg(test)]
mod terminal_input;
#[cfg(test)]
mod tty;
#[cfg(test)]
mod view;
#[cfg(test)]
mod workspace;
