//! Every refusal that needs no host, each from a policy with that one fault.

use super::*;
use crate::{Bytes, parse_toml};

fn refusals(body: &str) -> Vec<(Code, Option<Clause>)> {
    let policy =
        parse_toml(&format!("version = 1\n{body}")).expect("the case is a readable policy");
    policy.validate().into_iter().map(|refusal| (refusal.code, refusal.clause)).collect()
}

#[track_caller]
fn check(body: &str, code: Code, clause: Clause) {
    assert_eq!(refusals(body), [(code, Some(clause))], "exactly this is wrong with: {body}");
}

#[test]
fn each_limit_of_zero_is_refused_by_its_clause() {
    for clause in Clause::ALL {
        let Some(key) = clause.name().strip_prefix("limits.") else { continue };
        check(&format!("limits.{key} = 0"), Code::PolicyZeroLimit, *clause);
    }
    check("fs.tmpfs = [{ target = '/a', size = 0 }]", Code::PolicyZeroLimit, Clause::FsTmpfs);
    check(
        "fs.tmpfs = [{ target = '/a', size = '1M', inodes = 0 }]",
        Code::PolicyZeroLimit,
        Clause::FsTmpfs,
    );
}

#[test]
fn the_smallest_limits_that_mean_something_are_accepted() {
    let body = "limits = { memory = '1M', cpus = 0.001, cpu-time = '1ms', wall-time = '1ms', pids = 1, \
                open-files = 16, file-size = 1, tmp-bytes = 1, tmp-inodes = 1, output-bytes = 1 }";
    assert_eq!(refusals(body), [], "whether a host can hold them is for the planner to say");
    check("limits.open-files = 15", Code::PolicyLimitRange, Clause::OpenFiles);
    check("limits.memory = 1048575", Code::PolicyLimitRange, Clause::Memory);
    let tmpfs = |size: &str| format!("fs.tmpfs = [{{ target = '/a', size = {size} }}]");
    assert_eq!(refusals(&tmpfs("4096")), [], "one page holds something");
    check(&tmpfs("4095"), Code::PolicyLimitRange, Clause::FsTmpfs);
}

#[test]
fn limits_that_the_kernel_would_wrap_or_cut_are_refused() {
    type Set = fn(&mut Policy, u64);
    const MOST: u64 = 0x7fff_ffff_ffff_f000;
    const YEARS: u64 = 3_155_760_000_000;
    let table: [(Clause, u64, Set); 9] = [
        (Clause::Memory, MOST, |p, n| p.limits.memory = Some(Bytes(n))),
        (Clause::FileSize, MOST, |p, n| p.limits.file_size = Some(Bytes(n))),
        (Clause::TmpBytes, MOST, |p, n| p.limits.tmp_bytes = Some(Bytes(n))),
        (Clause::OutputBytes, MOST, |p, n| p.limits.output_bytes = Some(Bytes(n))),
        (Clause::CpuTime, YEARS, |p, n| p.limits.cpu_time = Some(crate::Span::from_millis(n))),
        (Clause::WallTime, YEARS, |p, n| p.limits.wall_time = Some(crate::Span::from_millis(n))),
        (Clause::Pids, 4_194_303, |p, n| p.limits.pids = u32::try_from(n).ok()),
        (Clause::TmpInodes, 1 << 40, |p, n| p.limits.tmp_inodes = Some(n)),
        (Clause::FsTmpfs, MOST, |p, n| {
            p.fs.tmpfs = vec![TmpfsSpec { target: "/a".to_owned(), size: Bytes(n), inodes: None }];
        }),
    ];
    for (clause, most, set) in table {
        let mut policy = Policy::empty();
        set(&mut policy, most);
        assert_eq!(policy.validate(), [], "{clause} may be {most}");
        set(&mut policy, most + 1);
        let codes: Vec<_> = policy.validate().iter().map(|one| (one.code, one.clause)).collect();
        assert_eq!(codes, [(Code::PolicyLimitRange, Some(clause))], "one more is too much");
    }
    check(
        "fs.tmpfs = [{ target = '/a', size = '1M', inodes = 1099511627777 }]",
        Code::PolicyLimitRange,
        Clause::FsTmpfs,
    );
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    for (body, clause) in [
        ("fs.root = 'image'", Clause::FsRoot),
        ("fs.cow = ['/srv']", Clause::FsCow),
        ("fs.workspace = { path = '/srv', mode = 'cow' }", Clause::FsWorkspace),
        ("fs.workspace-exit = 'discard'", Clause::FsWorkspaceExit),
        ("fs.workspace-exit = 'keep'", Clause::FsWorkspaceExit),
        ("net.mode = 'gateway'", Clause::Net),
    ] {
        check(body, Code::PolicyNotBuilt, clause);
    }
}

#[test]
fn a_host_directory_has_no_size() {
    for (list, clause) in [("ro", Clause::FsRo), ("rw", Clause::FsRw)] {
        let body = format!("fs.{list} = [{{ path = '/srv', size = '1G' }}]");
        check(&body, Code::PolicyGrantSize, clause);
    }
}

#[test]
fn targets_that_the_guest_cannot_have_are_refused() {
    for body in [
        "fs.ro = ['/']",
        "fs.ro = ['/proc/1']",
        "fs.ro = ['/usr/share/x']",
        "fs.ro = ['/srv:/etc/x']",
        "fs.ro = ['/srv:data']",
        "fs.ro = ['/srv:/a/../b']",
        "fs.ro = ['/srv:']",
        "fs.ro = [{ path = '/srv', target = '/dev/shm' }]",
    ] {
        check(body, Code::PolicyTarget, Clause::FsRo);
    }
    check("fs.tmpfs = [{ target = '/tmp', size = '1M' }]", Code::PolicyTarget, Clause::FsTmpfs);
    check(
        "fs.workspace = { path = '.', target = '/sys' }",
        Code::PolicyTarget,
        Clause::FsWorkspace,
    );
    assert_eq!(refusals("fs.ro = ['../data', '/srv/../etc']"), [], "known only once resolved");
}

#[test]
fn two_things_cannot_stand_at_one_place() {
    for (body, clause) in [
        ("fs.ro = ['/srv', '/srv/']", Clause::FsRo),
        ("fs.ro = ['/srv']\nfs.rw = ['/data:/srv']", Clause::FsRw),
        ("fs.rw = ['/srv']\nfs.tmpfs = [{ target = '/./srv', size = '1M' }]", Clause::FsTmpfs),
        ("fs.ro = ['/srv']\nfs.workspace.path = '/srv'", Clause::FsWorkspace),
    ] {
        check(body, Code::PolicyDuplicateTarget, clause);
    }
    assert_eq!(refusals("fs.ro = ['/srv', '/srv/data', '/srv:/other']"), [], "three places");
}

#[test]
fn host_paths_must_be_paths() {
    for body in [
        "fs.rw = ['']",
        "fs.rw = [':/data']",
        "fs.rw = ['/a:/b:ro']",
        r#"fs.rw = ["/a\u0000b"]"#,
        "fs.rw = [{ path = '' }]",
    ] {
        check(body, Code::PolicyPath, Clause::FsRw);
    }
    check("fs.workspace.path = ''", Code::PolicyPath, Clause::FsWorkspace);
    assert_eq!(
        refusals("fs.rw = [{ path = '/a:b', target = '/c' }]"),
        [],
        "the long form is how a path with a colon is written",
    );
}

#[test]
fn variables_have_names_and_values_that_a_program_can_get() {
    for body in [
        "env.allow = ['']",
        "env.allow = ['A=B']",
        "env.allow = ['A*B']",
        "env.allow = ['*_*']",
        "env.set = { '' = 'x' }",
        "env.set = { 'A=' = 'x' }",
        r#"env.set = { "A\u0000" = 'x' }"#,
    ] {
        check(body, Code::PolicyEnvName, Clause::Env);
    }
    check(r#"env.set = { A = "s3cret\u0000" }"#, Code::PolicyEnvValue, Clause::Env);
    assert_eq!(refusals("env.allow = ['*', 'LC_*', 'a.b']\nenv.set.A = ''"), [], "all can be had");
}

#[test]
fn a_message_never_repeats_a_value_that_may_be_secret() {
    let mut policy = Policy::empty();
    policy.env.set.insert("TOKEN".to_owned(), "s3cret\0".to_owned());
    let shown = format!("{:?}", policy.validate());
    assert!(shown.contains("TOKEN") && !shown.contains("s3cret"), "names only: {shown}");
}

#[test]
fn identities_are_ordinary_and_host_names_are_labels() {
    for number in ["0", "65534", "65535", "4294967295"] {
        check(&format!("identity.uid = {number}"), Code::PolicyIdentity, Clause::Uid);
        check(&format!("identity.gid = {number}"), Code::PolicyIdentity, Clause::Gid);
    }
    assert_eq!(refusals("identity = { uid = 1, gid = 65533 }"), [], "both ends are ordinary");
    let long = "a".repeat(64);
    for name in ["", "-a", "a-", "a.b", "a_b", "ä", "a b", &long] {
        check(&format!("identity.hostname = '{name}'"), Code::PolicyHostname, Clause::Hostname);
    }
    for name in ["a", "9", "a-b", &long[..63]] {
        assert_eq!(refusals(&format!("identity.hostname = '{name}'")), [], "{name} is a label");
    }
}

#[test]
fn everything_is_found_not_the_first() {
    let mut policy = Policy { version: 2, ..Policy::empty() };
    policy.limits.memory = Some(Bytes(0));
    policy.limits.pids = Some(0);
    policy.identity.uid = Some(0);
    policy.net.mode = Some(NetMode::Gateway);
    policy.fs.ro = vec![GrantSpec::Text("/proc".to_owned()), GrantSpec::Text(String::new())];
    let codes: Vec<Code> = policy.validate().into_iter().map(|refusal| refusal.code).collect();
    let expected = [
        Code::PolicyVersion,
        Code::PolicyTarget,
        Code::PolicyPath,
        Code::PolicyNotBuilt,
        Code::PolicyZeroLimit,
        Code::PolicyZeroLimit,
        Code::PolicyIdentity,
    ];
    assert_eq!(codes, expected, "one run of the command shows all that is to be corrected");
}

#[test]
fn a_policy_that_asks_for_nothing_is_in_order() {
    assert_eq!(Policy::empty().validate(), [], "asking for nothing is allowed");
}
