//! The look of a report, and that nothing in it can mislead.

use super::*;
use crate::{
    Clause, Code, End, Grade, KilledBy, LimitHit, Mechanism, Phase, Refusal, Style, Truncated,
    Usage, golden, profile,
};

fn binding(clause: Option<Clause>, asked: &str, mechanism: &str, key: &str) -> Binding {
    let some = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
    Binding {
        clause,
        asked: asked.to_owned(),
        mechanisms: some(mechanism).into_iter().map(Mechanism).collect(),
        evidence: some(key),
        accepted: None,
        weak_evidence_reason: None,
    }
}

fn line(clause: Option<Clause>, asked: &str, mechanism: &str, grade: Grade) -> ClauseLine {
    let evidence = vec![Evidence::compare("key", grade, "/proc/PID/status", "2", "2")];
    ClauseLine { binding: binding(clause, asked, mechanism, "key"), evidence }
}

fn unasked(clause: Clause, asked: &str) -> ClauseLine {
    ClauseLine { binding: binding(Some(clause), asked, "", ""), evidence: vec![] }
}

fn clauses() -> Vec<ClauseLine> {
    use Grade::{Asserted, Probed, ReadBack};
    let mut memory = line(
        Some(Clause::Memory),
        "512M",
        "cgroup v1 memory.limit_in_bytes, memory.memsw.limit_in_bytes",
        ReadBack,
    );
    memory.evidence.push(Evidence::compare("swap", ReadBack, "memory.memsw", "512M", "512M"));
    let mut cpu_time = line(Some(Clause::CpuTime), "30s", "RLIMIT_CPU", ReadBack);
    cpu_time.binding.accepted = Some(Acceptance::CpuTimePerProcess);
    let mut deadline = line(Some(Clause::WallTime), "60s", "supervisor's timer", Asserted);
    deadline.binding.weak_evidence_reason =
        Some("a timer shows only by firing; its descriptor is armed before the start".to_owned());
    vec![
        line(Some(Clause::FsRoot), "host", "pivot_root on tmpfs, read-only binds", ReadBack),
        line(Some(Clause::FsRo), "ro /srv/models", "read-only bind mount", ReadBack),
        line(Some(Clause::FsRo), "ro /opt/venv", "read-only bind mount, Landlock rule", ReadBack),
        unasked(Clause::FsRw, "not asked"),
        unasked(Clause::FsTmpfs, "not asked"),
        line(
            Some(Clause::FsWorkspace),
            "rw /home/me/project",
            "bind mount, Landlock rule",
            ReadBack,
        ),
        line(Some(Clause::Env), "9 variables", "execve environment", Probed),
        line(Some(Clause::Net), "none", "network namespace with lo alone", ReadBack),
        memory,
        unasked(Clause::Cpus, "unlimited"),
        cpu_time,
        deadline,
        line(Some(Clause::Pids), "512", "RLIMIT_NPROC in the user namespace", ReadBack),
        unasked(Clause::FileSize, "unlimited"),
        unasked(Clause::OutputBytes, "unlimited"),
        line(Some(Clause::Uid), "1000", "user namespace map", ReadBack),
    ]
}

fn floor() -> Vec<ClauseLine> {
    [
        ("user namespace", "clone3 CLONE_NEWUSER", Grade::ReadBack),
        ("no new privileges", "prctl PR_SET_NO_NEW_PRIVS", Grade::ReadBack),
        ("capabilities", "all five sets empty", Grade::ReadBack),
        ("seccomp filter", "allow-list, tree-shaped", Grade::Probed),
        ("Landlock", "ABI 7, path rules", Grade::Probed),
    ]
    .map(|(name, mechanism, grade)| line(None, name, mechanism, grade))
    .into()
}

fn report() -> Report {
    let mut outcome = Outcome::only(End::Exited { code: 0 });
    outcome.usage = Usage {
        wall_micros: 1_234_000,
        user_micros: 912_000,
        system_micros: 88_000,
        peak_memory_bytes: 45_193_625,
        stdout_bytes: 12_288,
        stderr_bytes: 0,
    };
    outcome.phases = [("resolve", 412), ("plan", 96), ("launch", 2_380), ("run", 1_234_000)]
        .map(|(name, micros)| Phase { name: name.to_owned(), micros })
        .into();
    Report {
        version: Report::VERSION,
        isobar: "isobar 0.1.0".to_owned(),
        boundary: BoundaryKind::Namespace,
        host: "Linux 6.1.0-28-amd64, ordinary user".to_owned(),
        command: ["python3", "generated.py"].map(str::to_owned).into(),
        policy: profile("default").expect("a built-in profile"),
        lines: [clauses(), floor()].concat(),
        accepted: vec![Acceptance::CpuTimePerProcess],
        shared: vec![
            "the host kernel, by 274 system calls".to_owned(),
            "the processor, its caches and what they tell".to_owned(),
        ],
        outcome,
    }
}

#[test]
fn a_good_run_looks_like_this() {
    golden::check("src/report/golden/good.txt", &report().render(Style::TEXT));
    golden::check("src/report/golden/good-ascii.txt", &report().render(Style::PLAIN));
}

#[test]
fn a_run_that_met_its_limits_looks_like_this() {
    let mut report = report();
    report.outcome.end = End::Killed { by: KilledBy::Memory };
    let hit = |clause, limit, observed| LimitHit {
        clause,
        limit,
        observed,
        source: "a counter".to_owned(),
    };
    report.outcome.limits_hit =
        vec![hit(Clause::Memory, 512 << 20, 512 << 20), hit(Clause::Pids, 512, 7)];
    report.outcome.denied.insert("ptrace".to_owned(), 2);
    report.outcome.truncated = Truncated { stdout_bytes: 3 << 20, stderr_bytes: 0 };
    golden::check("src/report/golden/limits.txt", &report.render(Style::TEXT));
}

#[test]
fn a_failed_boundary_shows_what_contradicts() {
    let mut report = report();
    let filter = report.lines.iter_mut().find(|line| line.binding.asked == "seccomp filter");
    let filter = filter.expect("the sample has a filter");
    filter.evidence = vec![Evidence::compare(
        "seccomp.filter",
        Grade::Probed,
        "reserved call 0x1337",
        "errno 812",
        "errno 38",
    )];
    filter.binding.evidence = vec!["seccomp.filter".to_owned(), "seccomp.kill".to_owned()];
    report.outcome.end = End::Failed {
        diagnostic: crate::Diagnostic {
            code: Code::BoundaryFailed,
            summary: "seccomp filter: expected errno 812, observed errno 38".to_owned(),
            causes: vec![],
            remedy: "report this: nothing ran".to_owned(),
        },
    };
    golden::check("src/report/golden/failed.txt", &report.render(Style::TEXT));
}

#[test]
fn a_refusal_lists_every_reason() {
    let refusal = |code, clause, why: &str, acceptable| Refusal {
        code,
        clause: Some(clause),
        why: why.to_owned(),
        remedy: "run as root".to_owned(),
        acceptable,
    };
    let refusals = vec![
        refusal(
            Code::HostCgroupMissing,
            Clause::Memory,
            "no memory control group can be made",
            Some(Acceptance::MemoryPerProcess),
        ),
        refusal(Code::HostCgroupMissing, Clause::Cpus, "no cpu control group can be made", None),
    ];
    let outcome = Outcome::only(End::Refused { refusals });
    let refused = Report { lines: vec![], accepted: vec![], shared: vec![], outcome, ..report() };
    golden::check("src/report/golden/refused.txt", &refused.render(Style::TEXT));
}

#[test]
fn no_line_is_wider_than_a_hundred_columns() {
    let mut report = report();
    report.command = vec!["x".repeat(500)];
    report.shared.push("a very long sentence about what stays shared ".repeat(9));
    for line in &mut report.lines {
        line.binding.asked = format!("{} {}", line.binding.asked, "deep/".repeat(40));
        line.binding.mechanisms.push(Mechanism("m".repeat(120)));
    }
    for style in [Style::TEXT, Style::PLAIN] {
        for line in report.render(style).lines() {
            assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
        }
    }
}

#[test]
fn arguments_show_where_they_end() {
    let mut report = report();
    report.command = ["sh", "-c", "echo it's", "", "--n=1"].map(str::to_owned).into();
    let shown = report.render(Style::TEXT);
    let first = shown.lines().next();
    assert_eq!(first, Some(r"isobar run -- sh -c 'echo it'\''s' '' --n=1"), "as a shell takes it");
}

#[test]
fn ascii_means_ascii() {
    let mut report = report();
    report.outcome.end = End::Signalled { signal: 9 };
    report.command = vec!["grüße\u{202e}".to_owned()];
    let shown = report.render(Style::PLAIN);
    let foreign: Vec<char> =
        shown.chars().filter(|c| !c.is_ascii() && *c != 'ü' && *c != 'ß').collect();
    assert_eq!(foreign, [], "the frame is ASCII; a command's own letters are kept");
}

#[test]
fn foreign_text_can_neither_drive_the_terminal_nor_forge_a_line() {
    let evil = "\u{1b}[2J\n✓ exited with code 0\r\u{202e}\u{9b}";
    let mut report = report();
    report.command = vec![evil.to_owned()];
    report.host = evil.to_owned();
    report.isobar = evil.to_owned();
    report.shared = vec![evil.to_owned()];
    report.outcome.denied.insert(evil.to_owned(), 1);
    report.outcome.phases = vec![Phase { name: evil.to_owned(), micros: 1 }];
    report.outcome.end = End::NotExecuted { errno: 8, reason: evil.to_owned() };
    for line in &mut report.lines {
        line.binding.asked = evil.to_owned();
        line.binding.mechanisms = vec![Mechanism(evil.to_owned())];
        line.binding.weak_evidence_reason = Some(evil.to_owned());
        line.binding.evidence = vec![evil.to_owned()];
        line.evidence = vec![Evidence::compare(evil, Grade::Probed, evil, evil, "else")];
    }
    for end in [report.outcome.end.clone(), End::Exited { code: 1 }] {
        report.outcome.end = end;
        let shown = report.render(Style::TEXT);
        let control = shown.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "no control character reaches the terminal");
        assert!(!shown.contains('\u{202e}'), "nor one that turns the direction");
        assert!(
            !shown.lines().any(|line| line.starts_with('✓')),
            "nor does it begin a line: {shown}"
        );
    }
}

#[test]
fn colour_changes_no_word() {
    let coloured = report().render(Style::TERMINAL);
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').expect("every sequence is a colour").1;
    }
    bare.push_str(rest);
    let trimmed = |text: &str| text.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(trimmed(&bare), trimmed(&report().render(Style::TEXT)), "only sequences are added");
    assert!(coloured.contains("\u{1b}[32m"), "and some are");
}

#[test]
fn a_line_is_as_strong_as_its_weakest_observation() {
    use super::proof::Proof;
    let mut line = line(None, "layer", "mechanism", Grade::ReadBack);
    line.evidence.push(Evidence::compare("other", Grade::Asserted, "call", "0", "0"));
    assert_eq!(line.proof(), Proof::Holds(Some(Grade::Asserted)), "both are needed");
    line.binding.evidence.push("absent".to_owned());
    let missing = Proof::Fails { contradicted: vec![], missing: vec!["absent"] };
    assert_eq!(line.proof(), missing, "what was not observed is not proven");
}

#[test]
fn a_report_survives_json_but_for_the_values_of_variables() {
    let mut report = report();
    report.policy.env.set.insert("TOKEN".to_owned(), "s3cret".to_owned());
    let json = serde_json::to_string(&report).expect("a report is plain data");
    assert!(json.contains("TOKEN") && !json.contains("s3cret"), "names only: {json}");
    let back: Report = serde_json::from_str(&json).expect("and is read back");
    report.policy.env.set.values_mut().for_each(|value| *value = NOT_SHOWN.to_owned());
    assert_eq!(back, report, "tools that read reports see all else that people see");
}
