//! The guest's environment, and the sizes of what is handed over.

use std::os::unix::ffi::OsStringExt;

use isobar_policy::Clause;

use super::*;

#[test]
fn only_what_is_allowed_passes_and_what_is_set_wins() {
    let mut scene = Scene::new();
    scene.policy.env.allow = ["LANG", "LC_*", "TWICE"].map(str::to_owned).to_vec();
    scene.policy.env.set = [("HOME", "/tmp"), ("LC_ALL", "C")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    scene.set("LANG", "de_DE");
    scene.set("LC_TIME", "fr_FR");
    scene.set("LC_ALL", "xx");
    scene.set("LANGUAGE", "no");
    scene.set("SECRET", "x");
    scene.caller.env.push(("TWICE".into(), "first".into()));
    scene.caller.env.push(("TWICE".into(), "second".into()));
    let resolved = scene.resolved(&["env"]);
    let mut names = resolved.request.env_names.clone();
    names.sort();
    assert_eq!(
        names,
        ["HOME", "LANG", "LC_ALL", "LC_TIME", "TWICE"],
        "PATH was not allowed either"
    );
    for (name, value) in [
        ("HOME", "/tmp"),
        ("LANG", "de_DE"),
        ("LC_ALL", "C"),
        ("LC_TIME", "fr_FR"),
        ("TWICE", "first"),
    ] {
        assert_eq!(variable(&resolved, name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn path_keeps_what_the_guest_can_see() {
    let mut scene = Scene::new();
    scene.directory("data/bin");
    scene.directory("hidden");
    scene.policy.fs.ro = vec![isobar_policy::GrantSpec::Text("data:/data".to_owned())];
    scene.set("PATH", format!("/data/bin:{}::bin:/usr/bin:/data/bin:/bin", scene.text("hidden")));
    let resolved = scene.resolved(&["env"]);
    let path = variable(&resolved, "PATH").expect("it is allowed");
    assert_eq!(path, "/data/bin:/usr/bin:/bin", "no relative entry, nothing twice, nothing hidden");
    scene.policy.env.set.insert("PATH".to_owned(), "/nowhere".to_owned());
    let path = variable(&scene.resolved(&["env"]), "PATH");
    assert_eq!(path.as_deref(), Some("/nowhere"), "what the policy sets is not touched");
    scene.policy.env.set.clear();
    scene.set("PATH", scene.text("hidden"));
    let path = variable(&scene.resolved(&["/usr/bin/env"]), "PATH");
    assert_eq!(path, None, "an empty PATH would mean the working directory");
}

#[test]
fn names_that_no_program_could_read_are_refused() {
    let mut scene = Scene::new();
    scene.policy.env.allow = vec!["*".to_owned()];
    let bad = [b"".to_vec(), b"A=B".to_vec(), b"A\0".to_vec(), b"\xff".to_vec()];
    for name in bad.map(OsString::from_vec) {
        let mut scene =
            Scene { caller: scene.caller.clone(), policy: scene.policy.clone(), ..Scene::new() };
        scene.caller.env.push((name.clone(), "x".into()));
        let refusal = scene.refused(&["env"], Code::ResolveEnvName);
        assert_eq!(refusal.clause, Some(Clause::Env), "{name:?} belongs to this clause");
    }
    scene.caller.env.push(("A".into(), "a\0b".into()));
    let refusal = scene.refused(&["env"], Code::ResolveEnvNul);
    assert!(!refusal.why.contains("a\\x00b"), "a value may be secret: {}", refusal.why);
    scene.policy.env.allow = vec!["PATH".to_owned()];
    scene.resolved(&["env"]);
}

#[test]
fn sizes_are_those_of_the_kernel() {
    let mut scene = Scene::new();
    let big = "a".repeat(10 << 20);
    let refusal = scene.refused(&["env", "x", &big], Code::ResolveArgumentTooLong);
    assert_eq!(
        refusal.why, "argument 2 has 10485760 bytes; the kernel allows 131071",
        "both sizes"
    );
    assert!(refusal.remedy.len() < 200, "the message does not repeat it");
    let refusal = scene.refused(&[&big], Code::ResolveArgumentTooLong);
    assert!(refusal.why.len() < 200, "not even where it is the program: {}", refusal.why.len());
    let most = "a".repeat(131_071);
    scene.resolved(&["env", &most]);
    let many: Vec<&str> =
        std::iter::once("env").chain(std::iter::repeat_n(most.as_str(), 16)).collect();
    scene.refused(&many, Code::ResolveArgumentTooLong);
    scene.policy.env.allow.push("BIG*".to_owned());
    scene.set("BIG", most.clone());
    scene.refused(&["env"], Code::ResolveEnvTooLarge);
    scene.caller.env.retain(|(name, _)| name != "BIG");
    for index in 0..16 {
        scene.set(&format!("BIG{index}"), "a".repeat(131_000));
    }
    let refusal = scene.refused(&["env", &most], Code::ResolveEnvTooLarge);
    assert_eq!(refusal.clause, Some(Clause::Env), "together they are too much");
}

#[test]
fn a_nul_in_an_argument_is_named_by_its_place() {
    let scene = Scene::new();
    let refusals = scene.resolve_os(vec!["env".into(), "a\0b".into()]).expect_err("no C string");
    assert_eq!(refusals[0].code, Code::ResolveArgumentNul, "{refusals:?}");
    assert_eq!(refusals[0].why, "argument 1 contains a NUL", "the place is enough");
}

#[test]
fn arguments_that_are_no_text_pass_unchanged() {
    let scene = Scene::new();
    let bytes = b"\xff\xfe".to_vec();
    let resolved = scene
        .resolve_os(vec!["env".into(), OsString::from_vec(bytes.clone())])
        .expect("bytes are the program's business");
    assert_eq!(resolved.spec.argv[1].as_bytes(), bytes, "as the caller gave them");
    assert_eq!(resolved.request.program.command[1], "\u{fffd}\u{fffd}", "the report is text");
}
