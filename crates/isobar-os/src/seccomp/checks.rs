//! The argument rules of the table, by subject.
//!
//! Each is a `Check`: a rule as data, and the sentence that `isobar explain` prints.
//! Invariant: no rule reads memory behind a pointer; a filter cannot, and another thread could
//! change it after the look.

pub(super) mod devices;
pub(super) mod files;
pub(super) mod options;
pub(super) mod processes;
pub(super) mod sockets;
