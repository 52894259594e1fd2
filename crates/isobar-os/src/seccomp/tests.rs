//! Tests of the seccomp module: the table against the assembled filter, the rules against
//! expectations written by hand, the assembler, and what real programs call.

mod arguments;
mod assembler;
mod exhaustive;
mod programs;

use super::{
    Action, DeniedAnswer, Filter, FilterRequest, ProcessRule, SeccompData, assemble, rows,
};

const REQUESTS: [FilterRequest; 2] = [
    FilterRequest { processes: ProcessRule::Any, denied: DeniedAnswer::Errno },
    FilterRequest { processes: ProcessRule::SelfOnly, denied: DeniedAnswer::Errno },
];

const EPERM: Action = Action::Errno(1);
const EINVAL: Action = Action::Errno(22);
const ENOTTY: Action = Action::Errno(25);
const ENOSYS: Action = Action::Errno(38);
const EPROTONOSUPPORT: Action = Action::Errno(93);
const ESOCKTNOSUPPORT: Action = Action::Errno(94);
const EOPNOTSUPP: Action = Action::Errno(95);
const EAFNOSUPPORT: Action = Action::Errno(97);

fn number(name: &str) -> u32 {
    rows().find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}")).number
}

/// A filter to ask by name and leading arguments; the rest of the arguments is zero.
struct Asked(Filter);

impl Asked {
    fn new(processes: ProcessRule) -> Self {
        Self(assemble(&FilterRequest { processes, denied: DeniedAnswer::Errno }))
    }

    fn ask(&self, name: &str, leading: &[u64]) -> Action {
        let mut args = [0; 6];
        args[..leading.len()].copy_from_slice(leading);
        super::simulate(&self.0, &SeccompData::native(number(name), args))
    }
}
