//! Planning by exhaustive tables: every clause against every host that lacks one thing, for root
//! and for an ordinary user.
//!
//! [`matrix`] holds the expected cells and [`world`] makes the hosts and requests. A clause, layer
//! or controller that is added later has no row or no column, and the test fails until it has.
#![expect(clippy::wildcard_enum_match_arm, reason = "the tables name what is special")]

mod acceptance;
mod matrix;
mod together;
mod told;
mod unset;
mod world;
