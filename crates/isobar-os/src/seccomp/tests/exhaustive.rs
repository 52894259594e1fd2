//! The filter does what the table says, for every call, and the table holds nothing idle.

use std::collections::{BTreeMap, HashSet};

use super::super::assemble::assemble_from;
use super::super::filter::PROBE_CALL;
use super::super::instruction::{ANY_BIT, AT_LEAST, EQUAL, Instruction, JUMP, LOAD, MASK};
use super::super::rule::{Answer, Argument, Rule};
use super::super::simulate::execute;
use super::super::table::{UNKNOWN, Verdict};
use super::super::{
    Action, NATIVE_ARCH, ProcessRule, Row, SeccompData, assemble, counts, row_of, rows, simulate,
    table,
};
use super::{ENOSYS, EPERM, REQUESTS};

/// What the table says, read straight from its data: no code is shared with the assembler.
fn expected(row: Option<&Row>, processes: ProcessRule, args: [u64; 6]) -> Action {
    let Some(row) = row else { return ENOSYS };
    match (row.verdict, processes) {
        (Verdict::Allow, _) | (Verdict::Guard(_), ProcessRule::Any) => Action::Allow,
        (Verdict::Deny, _) => EPERM,
        (Verdict::Absent, _) => ENOSYS,
        (Verdict::Check(check), _) | (Verdict::Guard(check), ProcessRule::SelfOnly) => {
            decide(&check.rule, args)
        }
    }
}

fn decide(rule: &Rule, args: [u64; 6]) -> Action {
    // Plain arithmetic on the kernel's argument array; the upper half is dropped as in the kernel.
    let low = |argument: Argument| u32::try_from(args[argument as usize] % (1 << 32)).unwrap();
    match *rule {
        Rule::Answer(Answer::Allow) => Action::Allow,
        Rule::Answer(Answer::Deny) => EPERM,
        Rule::Answer(Answer::Errno(errno)) => Action::Errno(errno),
        Rule::Answer(Answer::Kill) => Action::KillProcess,
        Rule::AnyBit { argument, bits, some, none } => {
            let hit = (0..32).any(|bit| bits & low(argument) & (1 << bit) != 0);
            decide(if hit { some } else { none }, args)
        }
        Rule::Switch { argument, mask, cases, otherwise } => {
            for case in cases {
                for value in case.values {
                    if *value == low(argument) & mask {
                        return decide(&case.then, args);
                    }
                }
            }
            decide(otherwise, args)
        }
    }
}

/// Per argument, the values that a rule compares with, their neighbours, and high-bit copies.
fn interesting(rule: &Rule, found: &mut [Vec<u64>; 6]) {
    match *rule {
        Rule::Answer(_) => {}
        Rule::AnyBit { argument, bits, some, none } => {
            let values = &mut found[argument as usize];
            values.extend((0..64).map(|bit| 1_u64 << bit));
            values.extend([u64::from(bits), u64::from(!bits), 0]);
            interesting(some, found);
            interesting(none, found);
        }
        Rule::Switch { argument, mask, cases, otherwise } => {
            for value in cases.iter().flat_map(|case| case.values) {
                let value = u64::from(*value);
                found[argument as usize].extend([
                    value,
                    value.wrapping_sub(1),
                    value + 1,
                    value | 1 << 32,
                    value | u64::from(!mask),
                ]);
            }
            cases.iter().for_each(|case| interesting(&case.then, found));
            interesting(otherwise, found);
        }
    }
}

/// A small generator of numbers, the same on every run (xorshift, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn one_of(&mut self, values: &[u64]) -> u64 {
        if values.is_empty() || self.next().is_multiple_of(8) {
            return self.next();
        }
        values[usize::try_from(self.next() % values.len() as u64).unwrap()]
    }
}

#[test]
fn every_number_is_answered_as_its_row_says() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for request in REQUESTS {
        let filter = assemble(&request);
        for number in (0..=1100).filter(|number| *number != PROBE_CALL) {
            let row = row_of(number).map(|(_, row)| row);
            let mut values: [Vec<u64>; 6] = Default::default();
            let mut tries = 4;
            if let Some(Row { verdict: Verdict::Check(check) | Verdict::Guard(check), .. }) = row {
                interesting(&check.rule, &mut values);
                tries = 4000;
            }
            for _ in 0..tries {
                let args = [0, 1, 2, 3, 4, 5].map(|at: usize| numbers.one_of(&values[at]));
                assert_eq!(
                    simulate(&filter, &SeccompData::native(number, args)),
                    expected(row, request.processes, args),
                    "call {number} {row:?} with {args:#x?}"
                );
            }
        }
    }
}

#[test]
fn every_value_of_every_rule_is_answered_as_the_rule_says() {
    // One argument at a time takes each interesting value, the others a few; this walks each case
    // of each switch, which random choice could miss.
    for request in REQUESTS {
        let filter = assemble(&request);
        for row in rows() {
            let (Verdict::Check(check) | Verdict::Guard(check)) = row.verdict else { continue };
            let mut values: [Vec<u64>; 6] = Default::default();
            interesting(&check.rule, &mut values);
            for (at, list) in values.iter().enumerate() {
                for value in list {
                    for rest in [0, 1, 2, u64::from(u32::MAX)] {
                        let mut args = [rest; 6];
                        args[at] = *value;
                        assert_eq!(
                            simulate(&filter, &SeccompData::native(row.number, args)),
                            expected(Some(row), request.processes, args),
                            "{} with {args:#x?}",
                            row.name
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn foreign_code_is_killed_whatever_it_calls() {
    const I386: u32 = 0x4000_0003;
    const ARM: u32 = 0x4000_0028;
    for request in REQUESTS {
        let filter = assemble(&request);
        for number in 0..=1100 {
            for arch in [I386, ARM, 0, NATIVE_ARCH ^ 1, NATIVE_ARCH ^ 0x8000_0000] {
                let call = SeccompData { number, arch, instruction_pointer: 0, args: [0; 6] };
                assert_eq!(simulate(&filter, &call), Action::KillProcess, "{arch:#x} {number}");
            }
            if cfg!(target_arch = "x86_64") {
                // x32 shares the arch value and sets this bit.
                let call = SeccompData::native(number | 0x4000_0000, [0; 6]);
                assert_eq!(simulate(&filter, &call), Action::KillProcess, "x32 {number}");
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn no_call_of_linux_6_18_is_left_unreviewed() {
    // The x86-64 table ends at 335 and goes on from 424 to 469, where all architectures count alike.
    let known = (0..=335).chain(424..=469);
    let missing: Vec<u32> = known.filter(|number| row_of(*number).is_none()).collect();
    assert_eq!(missing, Vec::<u32>::new());
    assert_eq!(rows().count(), 336 + 46);
}

#[test]
fn no_row_is_redundant() {
    for request in REQUESTS {
        let whole = assemble_from(rows(), UNKNOWN, &request).unwrap();
        for row in rows() {
            let rest = assemble_from(rows().filter(|other| *other != row), UNKNOWN, &request);
            let rest = rest.unwrap();
            let same = (0..6).all(|at| {
                // A checked call is served with all zeros, or with one of these in one place.
                [0, 1, u64::MAX].iter().all(|value| {
                    let mut args = [0; 6];
                    args[at] = *value;
                    let call = SeccompData::native(row.number, args);
                    simulate(&whole, &call) == simulate(&rest, &call)
                })
            });
            // A row that repeats the default is there for its reason, so it must have one.
            assert_eq!(same, row.verdict == Verdict::Absent, "{}", row.name);
        }
    }
    for group in table() {
        assert!(!group.reason.is_empty() && !group.rows.is_empty(), "{}", group.name);
    }
}

#[test]
fn no_case_of_a_rule_is_redundant() {
    fn walk(name: &str, rule: &Rule) {
        match *rule {
            Rule::Answer(_) => {}
            Rule::AnyBit { bits, some, none, .. } => {
                assert!(bits != 0 && some != none, "{name}");
                walk(name, some);
                walk(name, none);
            }
            Rule::Switch { mask, cases, otherwise, .. } => {
                let mut seen = HashSet::new();
                for case in cases {
                    assert_ne!(case.then, *otherwise, "{name}: a case does nothing");
                    for value in case.values {
                        assert!(seen.insert(value), "{name}: {value:#x} is listed twice");
                        assert_eq!(value & mask, *value, "{name}: {value:#x} can never occur");
                    }
                    walk(name, &case.then);
                }
                walk(name, otherwise);
            }
        }
    }
    for row in rows() {
        if let Verdict::Check(check) | Verdict::Guard(check) = row.verdict {
            walk(row.name, &check.rule);
        }
    }
}

#[test]
fn groups_and_calls_have_names_of_their_own() {
    let mut names = HashSet::new();
    for group in table() {
        assert!(names.insert(group.name), "group {}", group.name);
    }
    let mut numbers = BTreeMap::new();
    for row in rows() {
        assert_eq!(numbers.insert(row.number, row.name), None, "{}", row.name);
    }
    let names: HashSet<&str> = numbers.values().copied().collect();
    assert_eq!(names.len(), numbers.len());
}

#[test]
fn the_counts_add_up() {
    let counts = counts();
    println!("{counts:?}");
    let sum = counts.allowed + counts.checked + counts.guarded + counts.denied + counts.absent;
    assert_eq!(sum, rows().count());
    assert!(counts.denied >= 50, "the known-bad calls are listed: {counts:?}");
}

/// Positions that an instruction may go on at.
fn successors(at: usize, instruction: &Instruction) -> Vec<usize> {
    let skip = |count: u8| at + 1 + usize::from(count);
    match instruction.code {
        LOAD | MASK => vec![at + 1],
        JUMP => vec![at + 1 + instruction.k as usize],
        EQUAL | AT_LEAST | ANY_BIT => vec![skip(instruction.jt), skip(instruction.jf)],
        _ => vec![],
    }
}

#[test]
fn filters_are_small_shallow_and_without_dead_code() {
    for request in REQUESTS {
        let filter = assemble(&request);
        let program = filter.instructions();
        // Jumps only go forward, so one pass finds the longest path to each instruction.
        let mut depth = vec![0; program.len()];
        depth[0] = 1;
        for (at, instruction) in program.iter().enumerate() {
            assert!(depth[at] > 0, "instruction {at} of {} is never reached", program.len());
            for next in successors(at, instruction) {
                depth[next] = depth[next].max(depth[at] + 1);
            }
        }
        let deepest = depth.iter().max().unwrap();
        let plain = rows()
            .filter(|row| row.verdict == Verdict::Allow)
            .map(|row| execute(program, &SeccompData::native(row.number, [0; 6])).unwrap().executed)
            .max();
        println!("{request:?}: {} instructions, {deepest} deep, {plain:?}", program.len());
        // Installation time grows with both; these are the sizes of today with a little room.
        assert!(program.len() <= 340, "{} instructions", program.len());
        assert!(*deepest <= 25, "{deepest} instructions on one path");
    }
}
