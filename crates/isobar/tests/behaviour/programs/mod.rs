//! Real programs: interpreters, compilers, tools, and static executables of each kind.

mod c;
mod git;
mod node;
mod numpy;
mod python;
mod shell;
mod static_executables;
mod toolchains;
