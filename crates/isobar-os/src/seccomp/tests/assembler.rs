//! The assembler, the check and the filter type, apart from the table.

use super::super::filter::{PROBE_BLANK, PROBE_CALL};
use super::super::instruction::{
    ANY_BIT, AT_LEAST, EQUAL, Flaw, Instruction, JUMP, LOAD, MASK, MAX_INSTRUCTIONS, RETURN, check,
};
use super::super::program::{Comparison, Program};
use super::super::rule::{ALLOW, Argument, Case, Check, DENY, Rule};
use super::super::simulate::{Passage, execute};
use super::super::table::{UNKNOWN, Verdict};
use super::super::{
    Action, Answer, AssembleError, DeniedAnswer, Filter, FilterError, FilterRequest, ProcessRule,
    Row, SeccompData, assemble, assemble_from, rows, simulate,
};
use super::{ENOSYS, EPERM, REQUESTS};

const REQUEST: FilterRequest = REQUESTS[0];
const ALLOWED: u32 = 0x7fff_0000;

fn row(name: &'static str, number: u32, verdict: Verdict) -> Row {
    Row { name, number, verdict, reason: "" }
}

fn op(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

fn value(program: &[Instruction], number: u32) -> Option<Passage> {
    execute(program, &SeccompData::native(number, [0; 6]))
}

#[test]
fn branches_farther_than_255_instructions_still_arrive() {
    // 2,000 lone values with answers of their own: the halves of the search are far longer than a
    // branch reaches.
    let mut program = Program::default();
    let otherwise = program.end(0);
    let points: Vec<_> = (0..1000).map(|at| (at * 2 + 1, program.end(at + 1))).collect();
    let lookup = program.lookup(&points, otherwise);
    let entry = program.load(0, lookup);
    let code = program.layout(entry);
    assert_eq!(check(&code), Ok(()));
    assert!(code.iter().any(|instruction| instruction.code == JUMP && instruction.k > 255));
    for number in 0..2100 {
        let expected = if number % 2 == 1 && number < 2000 { number / 2 + 1 } else { 0 };
        assert_eq!(value(&code, number).unwrap().value, expected, "{number}");
    }
}

#[test]
fn every_distance_around_255_is_laid_out_right() {
    // A chain of distinct comparisons of every length from 240 to 270 between a branch and both of
    // its targets; one of the lengths needs each kind of detour.
    for length in 240..=270_u32 {
        let mut program = Program::default();
        let (hit, miss) = (program.end(7), program.end(9));
        let far = program.mask(0xff, hit);
        let mut chain = program.mask(0xf, miss);
        for at in 0..length {
            let own = program.end(1000 + at);
            chain = program.branch(Comparison::Equal, 1 << 20 | at, own, chain);
        }
        let both = program.branch(Comparison::AnyBit, 1 << 30, far, chain);
        let again = program.branch(Comparison::AtLeast, 1 << 31, far, both);
        let entry = program.load(0, again);
        let code = program.layout(entry);
        assert_eq!(check(&code), Ok(()), "{length}");
        for (number, expected) in [
            (1 << 31, 7),
            (1 << 30, 7),
            (1 << 20, 1000),
            (1 << 20 | (length - 1), 999 + length),
            (5, 9),
        ] {
            assert_eq!(value(&code, number).unwrap().value, expected, "{length} {number:#x}");
        }
    }
}

#[test]
fn a_branch_to_old_code_keeps_its_reach_when_its_other_side_is_written() {
    // `shared` lies at the bottom of a chain of one instruction a link. The branch above the chain
    // goes back to it and has a return of its own, which is written in between: at one length
    // `shared` is just in reach before that, and just out of it after.
    for length in 230..=270_u32 {
        let mut program = Program::default();
        let (hit, miss, own) = (program.end(7), program.end(9), program.end(11));
        let shared = program.mask(0xf, miss);
        let mut chain = program.branch(Comparison::Equal, 1 << 20, hit, shared);
        for at in 1..length {
            chain = program.branch(Comparison::Equal, 1 << 20 | at, hit, chain);
        }
        let above = program.branch(Comparison::AnyBit, 1 << 30, own, shared);
        let split = program.branch(Comparison::AtLeast, 1 << 29, above, chain);
        let entry = program.load(0, split);
        let code = program.layout(entry);
        assert_eq!(check(&code), Ok(()), "{length}");
        for (number, expected) in
            [(1 << 30, 11), (1 << 29, 9), (1 << 20, 7), (1 << 20 | (length - 1), 7), (5, 9)]
        {
            assert_eq!(value(&code, number).unwrap().value, expected, "{length} {number:#x}");
        }
    }
}

#[test]
fn lookup_covers_both_ends_of_the_numbers() {
    let mut program = Program::default();
    let (low, high, otherwise) = (program.end(1), program.end(2), program.end(3));
    let points = [(0, low), (1, low), (u32::MAX - 1, high), (u32::MAX, high)];
    let lookup = program.lookup(&points, otherwise);
    let entry = program.load(0, lookup);
    let code = program.layout(entry);
    for (number, expected) in
        [(0, 1), (1, 1), (2, 3), (77, 3), (u32::MAX - 2, 3), (u32::MAX - 1, 2), (u32::MAX, 2)]
    {
        assert_eq!(value(&code, number).unwrap().value, expected, "{number}");
    }
    // Nothing listed, or nothing that differs: no comparison is left.
    assert_eq!(program.lookup(&[], otherwise), otherwise);
    assert_eq!(program.lookup(&[(4, low), (9, low)], low), low);
}

#[test]
fn equal_rules_share_their_code() {
    const CHECK: Check = Check {
        says: "",
        rule: Rule::Switch {
            argument: Argument::Sixth,
            mask: 0xff,
            cases: &[Case { values: &[3, 5, 7, 11, 13], then: ALLOW }],
            otherwise: &DENY,
        },
    };
    let one = [row("a", 4, Verdict::Check(&CHECK))];
    let two = [one[0], row("b", 40, Verdict::Check(&CHECK))];
    let [one, two] =
        [&one[..], &two].map(|rows| assemble_from(rows, Answer::Kill, &REQUEST).unwrap());
    let more = two.instructions().len() - one.instructions().len();
    assert!(more <= 4, "{more} instructions more for a call with the same rule");
    for filter in [one, two] {
        let call = |sixth| SeccompData::native(4, [0, 0, 0, 0, 0, sixth]);
        assert_eq!(simulate(&filter, &call(0xabcd_0000_0b0b)), Action::Allow);
        assert_eq!(simulate(&filter, &call(4)), EPERM);
    }
}

#[test]
fn a_helper_gets_its_few_calls_and_dies_on_any_other() {
    let own = ["read", "write", "exit_group", "clone3"];
    let few = rows().filter(|row| own.contains(&row.name));
    let filter = assemble_from(few, Answer::Kill, &REQUEST).unwrap();
    for row in rows() {
        let expected = match row.name {
            "read" | "write" | "exit_group" => Action::Allow,
            "clone3" => ENOSYS,
            _ => Action::KillProcess,
        };
        assert_eq!(
            simulate(&filter, &SeccompData::native(row.number, [0; 6])),
            expected,
            "{}",
            row.name
        );
    }
    let nothing = assemble_from([], Answer::Kill, &REQUEST).unwrap();
    assert_eq!(simulate(&nothing, &SeccompData::native(0, [0; 6])), Action::KillProcess);
    assert_ne!(filter.probe_errno(), nothing.probe_errno());
}

#[test]
fn rows_that_contradict_are_refused() {
    let twice = [row("a", 1, Verdict::Allow), row("b", 1, Verdict::Deny)];
    assert_eq!(
        assemble_from(&twice, UNKNOWN, &REQUEST),
        Err(AssembleError::Twice { number: 1, name: "b" })
    );
    for number in [PROBE_CALL, 0x4000_0000, u32::MAX] {
        let rows = [row("a", number, Verdict::Allow)];
        assert_eq!(
            assemble_from(&rows, UNKNOWN, &REQUEST),
            Err(AssembleError::Number { number, name: "a" })
        );
    }
    let many: Vec<Row> = (0..9000).map(|at| row("a", at * 2 + 2001, Verdict::Allow)).collect();
    assert!(matches!(
        assemble_from(&many, UNKNOWN, &REQUEST),
        Err(AssembleError::Program(FilterError::Flawed(Flaw::Length { .. })))
    ));
}

#[test]
fn errnos_stay_in_the_range_of_the_kernel() {
    // Errno 0 would tell the guest that the call succeeded, and is the blank of the probe.
    for (given, answered) in [(0, 1), (1, 1), (4095, 4095), (4096, 4095), (u16::MAX, 4095)] {
        let filter = assemble_from([], Answer::Errno(given), &REQUEST).unwrap();
        let call = SeccompData::native(3, [0; 6]);
        assert_eq!(simulate(&filter, &call), Action::Errno(answered));
        let probe = SeccompData::native(PROBE_CALL, [0; 6]);
        assert_eq!(simulate(&filter, &probe), Action::Errno(filter.probe_errno()));
    }
}

#[test]
fn the_probe_tells_filters_apart() {
    let mut errnos = std::collections::HashSet::new();
    for request in REQUESTS {
        let filter = assemble(&request);
        let again = assemble(&request);
        assert_eq!(filter, again, "assembly is reproducible");
        assert!(errnos.insert(filter.probe_errno()), "the two process rules look alike");
        let call = SeccompData::native(filter.probe_call(), [1; 6]);
        assert_eq!(simulate(&filter, &call), Action::Errno(filter.probe_errno()));
    }
    // Every filter with one row less: hardly two of them agree.
    let mut all = 0;
    for left_out in rows() {
        let rest = rows().filter(|row| *row != left_out);
        let filter = assemble_from(rest, Answer::Kill, &REQUEST).unwrap();
        assert!((600..=3700).contains(&filter.probe_errno()));
        errnos.insert(filter.probe_errno());
        all += 1;
    }
    // 382 draws of 3,101 values: some 360 different ones are to be expected.
    assert!(errnos.len() > all * 8 / 10, "{} of {all} errnos differ", errnos.len());
}

#[test]
fn a_filter_survives_its_serial_form_and_nothing_else_does() {
    let filter = assemble(&REQUEST);
    let text = serde_json::to_string(&filter).unwrap();
    assert!(text.starts_with("[[32,0,0,4],"), "an array of arrays: {}", &text[..40]);
    assert_eq!(serde_json::from_str::<Filter>(&text).unwrap(), filter);

    // Any change of any instruction is noticed, by the check or by the digest.
    for at in 0..filter.instructions().len() {
        let mut instructions = filter.instructions().to_vec();
        instructions[at].k ^= 4;
        let found = Filter::try_from(instructions);
        // One flip in 3,101 may hit upon the same errno; these do not.
        assert!(found.is_err(), "instruction {at} changed");
    }
    assert!(matches!(Filter::try_from(vec![]), Err(FilterError::Flawed(Flaw::Length { .. }))));
    let blank = vec![op(RETURN, PROBE_BLANK)];
    assert!(matches!(Filter::try_from(blank), Err(FilterError::Digest { .. })));
    assert!(serde_json::from_str::<Filter>("[[32,0,0,4]]").is_err());
}

#[test]
fn requests_have_stable_names() {
    let request = FilterRequest { processes: ProcessRule::SelfOnly, denied: DeniedAnswer::Errno };
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(text, r#"{"processes":"self-only","denied":"errno"}"#);
    assert_eq!(serde_json::from_str::<FilterRequest>(&text).unwrap(), request);
}

#[test]
fn the_check_refuses_what_the_kernel_refuses() {
    let end = op(RETURN, ALLOWED);
    let branch = |code, jt, jf| Instruction { code, jt, jf, k: 0 };
    let cases: [(Vec<Instruction>, Result<(), Flaw>); 14] = [
        (vec![end], Ok(())),
        (vec![], Err(Flaw::Length { length: 0 })),
        (vec![end; MAX_INSTRUCTIONS], Ok(())),
        (vec![end; MAX_INSTRUCTIONS + 1], Err(Flaw::Length { length: MAX_INSTRUCTIONS + 1 })),
        (vec![op(LOAD, 2), end], Err(Flaw::Load { at: 0, offset: 2 })),
        (vec![op(LOAD, 64), end], Err(Flaw::Load { at: 0, offset: 64 })),
        (vec![op(LOAD, 60), end], Ok(())),
        (vec![op(JUMP, 1), end], Err(Flaw::Jump { at: 0 })),
        (vec![op(JUMP, u32::MAX), end], Err(Flaw::Jump { at: 0 })),
        (vec![branch(EQUAL, 0, 1), end], Err(Flaw::Jump { at: 0 })),
        (vec![branch(AT_LEAST, 1, 0), end], Err(Flaw::Jump { at: 0 })),
        (vec![end, branch(ANY_BIT, 0, 0)], Err(Flaw::Jump { at: 1 })),
        (vec![end, op(MASK, 1)], Err(Flaw::End)),
        // BPF_LDX | BPF_IMM: the kernel takes it, the assembler never emits it.
        (vec![op(0x01, 0), end], Err(Flaw::Operation { at: 0, code: 0x01 })),
    ];
    for (program, expected) in cases {
        assert_eq!(check(&program), expected, "{:?}", program.first());
    }
}

#[test]
fn the_interpreter_reads_every_word_of_the_call() {
    let call = SeccompData {
        number: 0x10,
        arch: 0x11,
        instruction_pointer: 0x13_0000_0012,
        args: [0, 2, 4, 6, 8, 10].map(|at: u64| (0x15 + at) << 32 | (0x14 + at)),
    };
    for offset in (0..64).step_by(4) {
        // Equal to the word that the structure has there, and to nothing else.
        let k = 0x10 + offset / 4;
        let branch = Instruction { code: EQUAL, jt: 0, jf: 1, k };
        let program = [op(LOAD, offset), branch, op(RETURN, 1), op(RETURN, 2)];
        let passage = execute(&program, &call).unwrap();
        assert_eq!(passage, Passage { value: 1, at: 2, executed: 3 }, "{offset}");
    }
    for offset in [64, 68, u32::MAX - 3] {
        assert_eq!(execute(&[op(LOAD, offset), op(RETURN, 1)], &call), None);
    }
    assert_eq!(execute(&[op(JUMP, 7), op(RETURN, 1)], &call), None);
    assert_eq!(execute(&[op(MASK, 0)], &call), None, "falls off the end");
}

#[test]
fn return_values_are_decoded() {
    for (value, action) in [
        (0x7fff_0000, Action::Allow),
        (0x8000_0000, Action::KillProcess),
        (0x0005_0026, Action::Errno(38)),
        (0x7fc0_0000, Action::Other(0x7fc0_0000)),
        (0, Action::Other(0)),
    ] {
        assert_eq!(Action::from_return(value), action, "{value:#x}");
    }
}
