//! The commands, one a file.

pub(crate) mod attack;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod gc;
pub(crate) mod policy;
pub(crate) mod run;
pub(crate) mod setup;
