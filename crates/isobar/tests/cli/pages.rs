//! Every command that README, the pages of docs and the examples of `--help` show is run here, in a
//! directory that has what they name.
//!
//! A new line is found by itself. One that cannot be run so stands in [`NOT_HERE`] with its reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::harness::{Isobar, is_root};

/// Lines that this test does not run, and why.
const NOT_HERE: &[(&str, &str)] = &[
    ("cargo xtask", "what runs this test is one of them; the others are run by it or at night"),
    ("sudo isobar setup", "changes this host; setup.rs runs both on a host that is a directory"),
    ("isobar attack", "runs for a while; attack_command.rs runs it"),
    ("isobar setup", "what this host needs is its own affair; setup.rs runs it on others"),
    ("isobar run [", "a form and no command"),
    ("sudo dpkg --install", "cargo xtask dist --check installs the package in a clean root"),
    ("tar --extract", "cargo xtask dist --check unpacks it there"),
];

/// What shows commands.
const PAGES: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../../README.md")),
    ("docs/cli.md", include_str!("../../../../docs/cli.md")),
    ("docs/policy.md", include_str!("../../../../docs/policy.md")),
    ("docs/install.md", include_str!("../../../../docs/install.md")),
    ("docs/platforms.md", include_str!("../../../../docs/platforms.md")),
    ("docs/attacks.md", include_str!("../../../../docs/attacks.md")),
    ("docs/errors.md", include_str!("../../../../docs/errors.md")),
    ("docs/exit-codes.md", include_str!("../../../../docs/exit-codes.md")),
];

/// The commands whose help has examples.
const HELPS: &[&[&str]] =
    &[&[], &["run"], &["doctor"], &["explain"], &["policy"], &["attack"], &["setup"]];

/// The lines of `sh` blocks, without what stands behind a `#`.
fn blocks(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(kind) => inside = !inside && kind == "sh",
            None if inside => lines.push(command_of(line)),
            None => {}
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The examples of a help text, without what stands behind three blanks.
fn examples(help: &str) -> Vec<String> {
    let after = help.split_once("Examples:\n").map_or("", |(_, after)| after);
    after.lines().take_while(|line| line.starts_with("  ")).map(command_of).collect()
}

fn command_of(line: &str) -> String {
    let line = line.trim();
    let end = [line.find("  "), line.find(" #")].into_iter().flatten().min();
    line.get(..end.unwrap_or(line.len())).unwrap_or(line).trim().to_owned()
}

/// What the commands name: scripts, programs, directories.
fn furnish(isobar: &Isobar) {
    let programs = [
        ("tools/pytest", "#!/bin/sh\necho 1 passed\n"),
        ("tools/make", "#!/bin/sh\necho \"$1 done\"\n"),
        ("solve", "#!/bin/sh\ncat \"${1:-.}\"/* >/dev/null 2>&1; echo 42\n"),
    ];
    let files = [
        ("generated.py", include_str!("../../../../examples/demo/generated.py")),
        ("job.sh", "echo done\n"),
        ("app.js", "console.log(6 * 7)\n"),
        ("home/data/input", "3\n"),
        ("IMAGE/etc/sysctl.d/README", ""),
    ];
    for (name, text) in programs.into_iter().chain(files) {
        isobar.executable(name, text);
    }
}

/// Runs a line of shell as a reader would type it.
fn run(line: &str) {
    let isobar = Isobar::new();
    furnish(&isobar);
    let (home, tools) = (isobar.scratch().join("home"), isobar.scratch().join("tools"));
    let typed = format!("PATH=\"${{0%/*}}:{}:/usr/bin:/bin\"; {line}", tools.display());
    let isobar = isobar.under(["/bin/sh", "-c", &typed]).env("HOME", home);
    let ended = isobar.run();
    // What only a control group can hold is refused to an ordinary user who has none, and said so.
    if line.contains("--memory") && !is_root() && ended.code != Some(0) {
        assert_eq!(ended.codes(), ["ISO-HOST-004"], "{line}: {ended}");
        return;
    }
    assert_eq!(ended.code, Some(0), "{line}: {ended}");
}

#[test]
fn every_command_that_is_shown_works() {
    let mut lines: BTreeSet<String> = BTreeSet::new();
    for (page, text) in PAGES {
        let shown = blocks(text);
        assert!(*page != "README.md" || shown.len() > 5, "README shows commands: {shown:?}");
        lines.extend(shown);
    }
    for command in HELPS {
        let args = command.iter().chain(&["--help"]);
        let help = Isobar::new().args(args).run().out();
        lines.extend(examples(&help));
    }
    let (left_out, typed): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| NOT_HERE.iter().any(|(start, _)| line.starts_with(start)));
    assert!(typed.len() >= 10, "the lines were found: {typed:?}");
    for line in &typed {
        run(line);
    }
    for (start, reason) in NOT_HERE {
        // A reason for what is not shown any more would hide a line that comes later.
        let used = left_out.iter().any(|line| line.starts_with(start));
        let in_text = PAGES.iter().any(|(_, text)| text.contains(start));
        assert!(used || in_text, "{start} is shown nowhere: {reason}");
    }
}

/// No page of the directory is forgotten.
#[test]
fn every_page_with_commands_is_read() {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo and xtask set it");
    let root = Path::new(&manifest).join("../..");
    for entry in fs::read_dir(root.join("docs")).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("docs/{}", path.file_name().unwrap().to_str().unwrap());
        if path.extension().is_some_and(|end| end == "md") {
            let text = fs::read_to_string(&path).unwrap();
            let known = PAGES.iter().any(|(page, _)| *page == name);
            assert!(known || blocks(&text).is_empty(), "{name} shows commands that nobody runs");
        }
    }
}
