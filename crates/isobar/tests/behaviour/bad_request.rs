//! Programs and arguments that cannot be executed.
//!
//! The kernel refuses to give isobar itself an argument of 10 MB or one with a NUL, so those are
//! asked of the engine, with the executables under test as its helpers.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use isobar_engine::policy::{Code, Policy, profile};
use isobar_engine::{Ask, Caller, Engine, InlineCode, Language, Stop};

use crate::guest::{has_remedy, sh};
use crate::harness::{Isobar, bin_dir};

#[test]
fn a_missing_program() {
    for program in ["no-such-program", "./none", "/none/none", "/etc/passwd/none"] {
        let ended = Isobar::run_command().args(["--", program]).run();
        assert_eq!(ended.codes(), ["ISO-RES-001"], "{program}: {ended}");
        assert_eq!((ended.code, ended.how()), (Some(127), "refused"), "{program}: {ended}");
        assert!(has_remedy(&ended), "{program}: {ended}");
    }
}

#[test]
fn something_that_is_no_program() {
    let isobar = Isobar::run_command();
    isobar.file("text", "no program");
    let ended = isobar.args(["--", "./text"]).run();
    assert_eq!((ended.code, ended.codes()), (Some(126), vec!["ISO-RES-002".to_owned()]), "{ended}");
}

/// 127 and 126 belong to a program alone: with another refusal beside it, nothing was judged.
#[test]
fn a_missing_program_among_other_errors() {
    let ended = Isobar::run_command().args(["--ro", "none", "--", "no-such-program"]).run();
    assert_eq!((ended.code, ended.codes().len()), (Some(125), 2), "both are told: {ended}");
}

/// What the engine says to `argv` or to a one-liner.
fn asked(argv: Vec<OsString>, code: Option<InlineCode>, env: &[(&str, OsString)]) -> Vec<Code> {
    let policy = profile("default").expect("built in");
    let mut caller = Caller::from_process();
    caller.env.extend(env.iter().map(|(name, value)| ((*name).into(), value.clone())));
    let engine = Engine::with_libexec(bin_dir());
    match engine.prepare(Ask {
        policy: allowing(policy, env),
        argv,
        code,
        cwd: None,
        terminal: false,
        caller,
    }) {
        Ok(prepared) => panic!("planned: {:?}", prepared.command().len()),
        Err(Stop::Refused(refusals)) => {
            assert!(refusals.iter().all(|one| !one.remedy.is_empty()), "{refusals:?}");
            refusals.iter().map(|one| one.code).collect()
        }
        Err(other) => panic!("isobar's own failure: {other:?}"),
    }
}

fn allowing(mut policy: Policy, env: &[(&str, OsString)]) -> Policy {
    policy.env.allow.extend(env.iter().map(|(name, _)| (*name).to_owned()));
    policy
}

#[test]
fn an_argument_of_ten_megabytes() {
    let long = OsString::from("x".repeat(10 << 20));
    let argv = vec!["true".into(), long.clone()];
    assert_eq!(asked(argv, None, &[]), [Code::ResolveArgumentTooLong], "as an argument");
    let code = InlineCode { language: Language::Bash, code: long };
    assert_eq!(asked(code.argv(), Some(code), &[]), [Code::ResolveArgumentTooLong], "as code");
    let many = std::iter::repeat_n(OsString::from("x".repeat(1000)), 10_000);
    let argv = std::iter::once("true".into()).chain(many).collect();
    assert_eq!(asked(argv, None, &[]), [Code::ResolveArgumentTooLong], "as ten thousand");
}

#[test]
fn a_nul_where_the_kernel_ends_a_string() {
    let nul = || OsString::from_vec(b"a\0b".to_vec());
    assert_eq!(asked(vec!["true".into(), nul()], None, &[]), [Code::ResolveArgumentNul]);
    assert_eq!(asked(vec![nul()], None, &[]), [Code::ResolveArgumentNul]);
    assert_eq!(asked(vec!["true".into()], None, &[("X", nul())]), [Code::ResolveEnvNul]);
}

#[test]
fn no_command_at_all() {
    assert_eq!(asked(Vec::new(), None, &[]), [Code::CliNoCommand]);
}

/// The longest that the kernel takes does pass.
#[test]
fn an_argument_of_a_hundred_kilobytes() {
    let long = "x".repeat(131_000);
    let ended = sh(&[], "echo ${#1}").arg("sh").arg(long).run();
    assert_eq!(ended.out(), "131000\n", "{ended}");
}
