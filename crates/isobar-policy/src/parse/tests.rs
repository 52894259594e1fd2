//! What a person is told about a policy that cannot be read.

use super::*;
use crate::{BoundaryKind, Bytes, Code, Cpus, Diagnostic, GrantPath, GrantSpec, Span};

/// The refusal of a TOML text: code, message and remedy.
#[track_caller]
fn check(text: &str, code: Code, message: &str, remedy: &str) {
    let error = parse_toml(text).expect_err("the case cannot be read");
    assert_eq!(error.code(), code, "{text}: {error}");
    assert_eq!(error.to_string(), message, "what is wrong with {text}");
    assert_eq!(error.remedy(), remedy, "what to do about {text}");
}

#[test]
fn a_whole_policy_is_read_the_same_from_both_forms() {
    let toml = r#"
        version = 1
        boundary = "namespace"
        accept = ["memory=per-process"]
        [fs]
        root = "host"
        ro = ["/srv/data", "models:/models", { path = "/a:b", target = "/c" }]
        rw = [{ path = "out" }]
        tmpfs = [{ target = "/scratch", size = "64M", inodes = 100 }]
        workspace = { path = ".", target = "/work", mode = "rw" }
        toolchain = "none"
        [env]
        allow = ["PATH", "LC_*"]
        set = { HOME = "/tmp" }
        [net]
        mode = "none"
        [limits]
        memory = "512M"
        cpus = 1.5
        cpu-time = 30
        wall-time = "1m 30s"
        pids = 64
        open-files = 256
        file-size = 4096
        tmp-bytes = "1G"
        tmp-inodes = 1000
        output-bytes = "16M"
        [identity]
        uid = 1000
        gid = 100
        hostname = "guest"
    "#;
    let json = r#"{
        "version": 1, "boundary": "namespace", "accept": ["memory=per-process"],
        "fs": {"root": "host",
               "ro": ["/srv/data", "models:/models", {"path": "/a:b", "target": "/c", "size": null}],
               "rw": [{"path": "out"}], "tmpfs": [{"target": "/scratch", "size": "64M", "inodes": 100}],
               "workspace": {"path": ".", "target": "/work", "mode": "rw"}, "toolchain": "none",
               "workspace-exit": null},
        "env": {"allow": ["PATH", "LC_*"], "set": {"HOME": "/tmp"}},
        "net": {"mode": "none"},
        "limits": {"memory": "512M", "cpus": 1.5, "cpu-time": 30, "wall-time": "1m 30s", "pids": 64,
                   "open-files": 256, "file-size": 4096, "tmp-bytes": "1G", "tmp-inodes": 1000,
                   "output-bytes": "16M"},
        "identity": {"uid": 1000, "gid": 100, "hostname": "guest"}
    }"#;
    let policy = parse_toml(toml).expect("every key of the schema, rightly used");
    assert_eq!(parse_json(json), Ok(policy.clone()), "both forms have one schema");
    assert_eq!(parse(toml.as_bytes()), Ok(policy.clone()), "TOML is recognised");
    assert_eq!(parse(json.as_bytes()), Ok(policy.clone()), "JSON is recognised");

    assert_eq!(policy.boundary, Some(BoundaryKind::Namespace), "words become values");
    assert_eq!(policy.limits.memory, Some(Bytes(512 << 20)), "sizes become bytes");
    assert_eq!(policy.limits.cpus, Some(Cpus::from_millis(1500)), "shares become thousandths");
    assert_eq!(policy.limits.cpu_time, Some(Span::from_millis(30_000)), "a number is seconds");
    let long = GrantPath { path: "/a:b".into(), target: Some("/c".into()), size: None };
    assert_eq!(policy.fs.ro[2], GrantSpec::Full(long), "the long form keeps its colon");
    assert_eq!(policy.fs.ro[1].seen_at(), "/models", "the short form splits at its colon");
    assert_eq!(policy.validate(), [], "and all of it makes sense");
}

#[test]
fn an_unknown_key_names_the_key_that_was_meant() {
    for (body, key, place, nearest) in [
        ("limit.memory = 1", "limit", "line 2, column 1", "limits"),
        ("limits.memroy = 1", "limits.memroy", "line 2, column 8", "limits.memory"),
        ("[limits]\nopen_files = 64", "limits.open_files", "line 3, column 1", "limits.open-files"),
        ("memory = '512M'", "memory", "line 2, column 1", "limits.memory"),
        ("[fs]\nallow = ['PATH']", "fs.allow", "line 3, column 1", "env.allow"),
        ("[fs]\nro = [{ pth = '/a' }]", "fs.ro[0].pth", "line 3, column 9", "fs.ro[0].path"),
        ("[limits]\ntimeout = 5\n", "limits.timeout", "line 3, column 1", ""),
        ("'limits.memory' = 5\n", "limits.memory", "line 2, column 1", "limits.memory"),
    ] {
        let remedy = match nearest {
            "" => "remove it; `isobar policy schema` prints every key".to_owned(),
            _ => format!("did you mean `{nearest}`?"),
        };
        let message = format!("unknown key `{key}` ({place})");
        check(&format!("version = 1\n{body}"), Code::PolicyUnknownKey, &message, &remedy);
    }
}

#[test]
fn the_first_fault_in_the_text_is_told_first() {
    let text = "version = 1\nzzz = 1\naaa = 2";
    let remedy = "remove it; `isobar policy schema` prints every key";
    check(text, Code::PolicyUnknownKey, "unknown key `zzz` (line 2, column 1)", remedy);
}

#[test]
fn every_table_refuses_unknown_keys() {
    for body in [
        "x = 1",
        "fs.x = 1",
        "env.x = 1",
        "net.x = 1",
        "limits.x = 1",
        "identity.x = 1",
        "fs.ro = [{ path = 'a', x = 1 }]",
        "fs.rw = [{ path = 'a', x = 1 }]",
        "fs.cow = [{ path = 'a', x = 1 }]",
        "fs.tmpfs = [{ target = '/a', size = 1, x = 1 }]",
        "fs.workspace = { path = 'a', x = 1 }",
    ] {
        let error = parse_toml(&format!("version = 1\n{body}")).expect_err("x is no key");
        assert_eq!(error.code(), Code::PolicyUnknownKey, "{body}: {error}");
    }
}

#[test]
fn a_version_is_required_and_only_one_is_known() {
    let (code, remedy) = (Code::PolicyVersion, "write `version = 1`");
    check("", code, "the policy states no version", remedy);
    check("nonsense = 1", code, "the policy states no version", remedy);
    for (value, found) in
        [("2", "2"), ("0", "0"), ("'1'", "\"1\""), ("1.0", "1"), ("-1", "-1"), ("[1]", "a list")]
    {
        let message =
            format!("version {found} of the policy schema is not known (line 1, column 11)");
        check(&format!("version = {value}\nfrom-the-future = 1"), code, &message, remedy);
    }
    let error = parse_json("{}").expect_err("no version");
    assert_eq!(error.code(), code, "JSON is held to the same");
}

#[test]
fn a_word_outside_its_list_gets_the_list() {
    check(
        "version = 1\nfs.root = 'hots'",
        Code::PolicyUnknownChoice,
        "`fs.root` cannot be \"hots\" (line 2, column 11)",
        "write one of host, image",
    );
    check(
        "version = 1\naccept = ['landlock=absent', 'everything']",
        Code::PolicyUnknownChoice,
        "`accept[1]` cannot be \"everything\" (line 2, column 30)",
        "write one of memory=per-process, cpu-time=per-process, landlock=absent, \
         time-namespace=absent, cgroup-namespace=absent",
    );
    check(
        "version = 1\nboundary = 'docker'",
        Code::PolicyUnknownChoice,
        "`boundary` cannot be \"docker\" (line 2, column 12)",
        "write one of namespace, userkernel, microvm, wasm",
    );
}

#[test]
fn a_value_of_the_wrong_type_is_told_what_it_must_be() {
    let bytes = "bytes, such as 4096, \"64K\" or \"512M\"";
    let span = "a time span, such as \"500ms\", \"30s\" or \"5m\"";
    for (body, key, expected, found) in [
        ("limits.memory = 'lots'", "limits.memory", bytes, "\"lots\""),
        ("limits.memory = -1", "limits.memory", bytes, "-1"),
        ("limits.memory = 1.5", "limits.memory", bytes, "1.5"),
        ("limits.memory = true", "limits.memory", bytes, "true"),
        ("limits.memory = 1979-05-27", "limits.memory", bytes, "a date"),
        ("limits.memory = nan", "limits.memory", bytes, "NaN"),
        ("limits.wall-time = 'soon'", "limits.wall-time", span, "\"soon\""),
        ("limits.cpus = '1,5'", "limits.cpus", "processors, such as 2, 0.5 or 2.25", "\"1,5\""),
        ("limits.pids = '64'", "limits.pids", "a whole number", "\"64\""),
        ("limits.pids = 1.5", "limits.pids", "a whole number", "1.5"),
        ("limits.pids = -1", "limits.pids", "a whole number from 0 to 4294967295", "-1"),
        (
            "limits.pids = 4294967296",
            "limits.pids",
            "a whole number from 0 to 4294967295",
            "4294967296",
        ),
        ("limits = 5", "limits", "a table", "5"),
        ("fs.ro = '/a'", "fs.ro", "a list in brackets", "\"/a\""),
        ("fs.ro = ['/a', 5]", "fs.ro[1]", "text in quotes", "5"),
        ("fs.ro = [['/a']]", "fs.ro[0]", "text in quotes", "a list"),
        ("fs.ro = [['/a', '/b']]", "fs.ro[0]", "text in quotes", "a list"),
        ("fs.tmpfs = [['/a', '1M']]", "fs.tmpfs[0]", "a table", "a list"),
        ("limits = ['512M']", "limits", "a table", "a list"),
        ("fs.root = { host = {} }", "fs.root", "one of host, image", "a table"),
        ("fs.root = 5", "fs.root", "one of host, image", "5"),
        ("env.set = { A = 1 }", "env.set.A", "text in quotes", "1"),
        ("fs.tmpfs = [{ target = '/a', size = 'big' }]", "fs.tmpfs[0].size", bytes, "\"big\""),
        ("fs.ro = [{ path = '/a', size = 'big' }]", "fs.ro[0].size", bytes, "\"big\""),
    ] {
        let error =
            parse_toml(&format!("version = 1\n{body}")).expect_err("the value does not fit");
        let PolicyError::BadValue { key: at, expected: must, found: is, place } = &error else {
            panic!("{body} has a bad value, and not: {error}");
        };
        assert_eq!((at.as_str(), must.as_str(), is.as_str()), (key, expected, found), "{body}");
        assert_eq!(place.map(|place| place.line), Some(2), "{body} stands in the second line");
        assert_eq!(error.remedy(), format!("write {expected}"), "the next step for {body}");
    }
}

#[test]
fn a_missing_key_is_named() {
    for (body, key) in [
        ("fs.tmpfs = [{ target = '/a' }]", "fs.tmpfs[0].size"),
        ("fs.tmpfs = [{ size = 1 }]", "fs.tmpfs[0].target"),
        ("fs.workspace = { mode = 'rw' }", "fs.workspace.path"),
        ("fs.ro = [{ target = '/a' }]", "fs.ro[0].path"),
    ] {
        let error = parse_toml(&format!("version = 1\n{body}")).expect_err("a key is missing");
        assert_eq!(error.code(), Code::PolicyMissingKey, "{body}: {error}");
        assert_eq!(error.remedy(), format!("add `{key}`"), "{body}");
    }
}

#[test]
fn syntax_errors_carry_their_place() {
    for (text, line, column) in [
        ("version = 1\nlimits = {", 2, 11),
        ("version = = 1", 1, 11),
        ("version = 1\nversion = 1", 2, 1),
        ("'ä' == 1", 1, 6),
    ] {
        let error = parse_toml(text).expect_err("not TOML");
        assert_eq!(error.code(), Code::PolicySyntax, "{text}: {error}");
        assert_eq!(error.place(), Some(Place { line, column }), "{text}: {error}");
        assert_eq!(error.remedy(), "correct the TOML at that place", "{text}");
    }
    let error = parse_json("{\"version\": 1,\n \"fs\": }").expect_err("not JSON");
    assert_eq!(
        error.to_string(),
        "the policy is not well-formed JSON: expected value (line 2, column 8)",
        "the place is said once"
    );
}

#[test]
fn json_with_a_doubled_key_is_refused_wherever_it_stands() {
    for text in [
        r#"{"version": 1, "version": 1}"#,
        r#"{"version": 1, "env": {"set": {"A": "1", "A": "2"}}}"#,
        r#"{"version": 1, "fs": {"ro": [{"path": "/a", "path": "/b"}]}}"#,
    ] {
        let error = parse_json(text).expect_err("which of both would hold?");
        assert_eq!(error.code(), Code::PolicySyntax, "{text}: {error}");
        assert!(error.to_string().contains("doubled key"), "{text}: {error}");
    }
}

#[test]
fn what_is_no_object_is_no_policy() {
    for text in ["null", "[]", "1", "\"version = 1\""] {
        let error = parse_json(text).expect_err("no object");
        assert_eq!(error.code(), Code::PolicyBadValue, "{text}: {error}");
        assert_eq!(error.remedy(), "write a table", "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_by_their_offset() {
    let error = parse(b"version = 1\n# \xff").expect_err("not UTF-8");
    assert_eq!(error, PolicyError::NotUtf8 { offset: 14 }, "an editor finds the byte");
    assert_eq!(error.code(), Code::PolicyNotUtf8, "with its own code");
}

#[test]
fn size_is_bounded_before_anything_is_read() {
    let fits = format!("version = 1\n#{}", " ".repeat(MAX_POLICY_BYTES - 13));
    assert_eq!(fits.len(), MAX_POLICY_BYTES, "the case sits on the edge");
    assert!(parse_toml(&fits).is_ok(), "1 MiB is read");
    for result in [parse_toml(&format!("{fits} ")), parse_json(&format!("{fits} "))] {
        let error = result.expect_err("one byte more is not");
        assert_eq!(error.code(), Code::PolicyTooLarge, "before it is known what it holds");
    }
}

#[test]
fn a_hostile_policy_cannot_forge_the_message() {
    let text = "version = 1\n\"\\u001b[2J\\nerror: all is well\" = 1";
    let error = parse_toml(text).expect_err("no such key");
    assert_eq!(
        Diagnostic::from(&error).render(false),
        "error[ISO-POL-006]: unknown key `\\x1b[2J\\nerror: all is well` (line 2, column 1)\n  remedy: \
         remove it; `isobar policy schema` prints every key\n",
        "controls of a key are shown, not obeyed",
    );
    let long = format!("version = 1\n{} = 1", "k".repeat(100_000));
    let shown = parse_toml(&long).expect_err("no such key").to_string();
    assert!(shown.len() < 300, "a message stays a message: {} bytes", shown.len());
}
