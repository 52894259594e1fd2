//! What the host would execute in a directory that is lent writable: read-only where it is, put
//! aside where the guest makes it, and left alone where the caller says so.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use crate::guest::{passes, refused, text};
use crate::harness::{Isobar, is_root};
use crate::outside::outside;
use crate::workspace::lent;

/// Gives everything below `dir` to the owner of `dir`, as a person's files would be.
fn give(dir: &Path) {
    let data = fs::metadata(dir).unwrap();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if is_root() && !entry.file_type().unwrap().is_symlink() {
            chown(entry.path(), Some(data.uid()), Some(data.gid())).unwrap();
        }
        if entry.file_type().unwrap().is_dir() {
            give(&entry.path());
        }
    }
}

/// Tries to change, replace and remove each of its arguments, in every way that a shell has.
const ATTEMPTS: &str = r#"
for path; do
  name=$(basename "$path")
  (echo evil > "$path") 2>/dev/null && echo "wrote $path"
  (echo evil > "$path/x") 2>/dev/null && echo "wrote into $path"
  rm -rf "$path" 2>/dev/null && echo "removed $path"
  mv "$path" "/tmp/$name" 2>/dev/null && echo "moved $path"
  mv "$path" "$path.old" 2>/dev/null && echo "renamed $path"
  echo evil > /tmp/new; mv -T /tmp/new "$path" 2>/dev/null && echo "replaced $path"
  echo evil > new; mv -f -T new "$path" 2>/dev/null && echo "renamed over $path"; rm -f new
  chmod 777 "$path" 2>/dev/null && echo "chmod $path"
  test -e "$path" || echo "lost $path"
done
echo ok"#;

#[test]
fn what_the_host_would_execute_is_read_only_at_any_depth() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    let files = [
        ".git/hooks/pre-commit",
        ".git/config",
        ".envrc",
        ".github/workflows/ci.yml",
        "CLAUDE.md",
        "sub/deep/AGENTS.md",
        "sub/deep/.vscode/tasks.json",
        "sub/.git",
        "with space/.husky/pre-push",
    ];
    for name in files {
        isobar.file(&format!("w/{name}"), "original");
    }
    give(&dir);
    let held = files.map(|name| match name {
        ".git/hooks/pre-commit" => ".git/hooks",
        "with space/.husky/pre-push" => "with space/.husky",
        ".github/workflows/ci.yml" => ".github/workflows",
        other => other,
    });
    let isobar = isobar.args(["--workspace", text(&dir), "--", "sh", "-c", ATTEMPTS, "sh"]);
    let ended = passes(isobar.args(held));
    assert_eq!(ended.out(), "ok\n", "every attempt was refused: {ended}");
    for name in files {
        assert_eq!(fs::read_to_string(dir.join(name)).unwrap(), "original", "{name} is as it was");
    }
    let evidence = ended.reported("/lines").to_string();
    for name in held {
        assert!(evidence.contains(&format!("mount:{}/{name}", dir.display())), "{name}: {ended}");
    }
}

/// A directory with a mount below it can be renamed, and another one of its name would then be the
/// repository.
#[test]
fn a_repository_cannot_be_swapped_for_another() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    isobar.file("w/.git/config", "original");
    isobar.file("w/sub/.git/hooks/x", "original");
    give(&dir);
    let script = "mv .git old 2>/dev/null && echo swapped; mv sub/.git old 2>/dev/null && echo swapped; \
        mv sub sub2 && mkdir -p sub/.git/hooks && echo evil > sub/.git/hooks/x; echo ok";
    let ended = passes(isobar.args(["--workspace", text(&dir), "--", "sh", "-c", script]));
    assert_eq!(ended.out(), "ok\n", "{ended}");
    assert_eq!(fs::read_to_string(dir.join("sub2/.git/hooks/x")).unwrap(), "original");
    assert!(!dir.join("sub/.git/hooks").exists(), "what took its place was put aside: {ended}");
}

#[test]
fn a_link_and_what_it_leads_to_are_held() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    isobar.file("w/docs/agents.md", "original");
    symlink("docs/agents.md", dir.join("CLAUDE.md")).unwrap();
    symlink("/nowhere", dir.join(".envrc")).unwrap();
    give(&dir);
    let isobar = isobar.args(["--workspace", text(&dir), "--", "sh", "-c"]);
    let script = ATTEMPTS.replace("test -e \"$path\"", "test -L \"$path\" -o -e \"$path\"");
    let ended = passes(isobar.args([&script, "sh", "CLAUDE.md", ".envrc", "docs/agents.md"]));
    assert_eq!(ended.out(), "ok\n", "{ended}");
    assert_eq!(fs::read_link(dir.join("CLAUDE.md")).unwrap(), Path::new("docs/agents.md"));
    assert_eq!(fs::read_to_string(dir.join("CLAUDE.md")).unwrap(), "original");
}

#[test]
fn what_the_guest_makes_is_put_aside_and_said() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    isobar.file("w/.git/HEAD", "ref: refs/heads/main\n");
    give(&dir);
    let script = "mkdir -p .git/hooks new/.github/workflows && echo evil > .git/hooks/post-checkout; \
        echo evil > .envrc; echo evil > new/.github/workflows/ci.yml; echo kept > new/file; echo ok";
    let ended = passes(isobar.args(["--workspace", text(&dir), "--", "sh", "-c", script]));
    for name in [".git/hooks", ".envrc", "new/.github/workflows"] {
        assert!(!dir.join(name).exists(), "{name} is not where the host looks: {ended}");
        assert!(dir.join(format!("{name}.put-aside-by-isobar")).exists(), "{name} is not lost");
    }
    assert_eq!(fs::read_to_string(dir.join("new/file")).unwrap(), "kept\n", "nothing else moved");
    let told = ended.reported("/outcome/put-aside").as_array().unwrap();
    assert_eq!(told.len(), 3, "each is named: {told:?}");
}

/// Rights that the guest takes away from the owner of the directory do not keep it there.
#[test]
fn a_closed_directory_hides_nothing() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    let script = "mkdir -p a b/c; echo evil > a/.envrc; echo evil > b/.envrc; \
        echo evil > b/c/.envrc; chmod 555 a; chmod 0 b/c b; echo ok";
    let ended = passes(isobar.args(["--workspace", text(&dir), "--", "sh", "-c", script]));
    assert_eq!(ended.reported("/outcome/put-aside").as_array().unwrap().len(), 3, "{ended}");
    assert!(!dir.join("a/.envrc").exists(), "{ended}");
    let mode = fs::metadata(dir.join("a")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o555, "the mode is the guest's");
    assert!(!dir.join("b/.envrc").exists() && !dir.join("b/c/.envrc").exists(), "{ended}");
    // What is in it could not be removed otherwise.
    fs::set_permissions(dir.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// `git init` and `git clone` work inside; outside the repository has neither hooks nor settings of
/// the guest's.
#[test]
fn a_repository_that_the_guest_makes_runs_nothing_outside() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    let marker = isobar.scratch().join("marker");
    let script = format!(
        "set -e; git init -q -b main r; cd r; echo 1 > a; git add a; \
         git -c user.name=g -c user.email=g@g commit -q -m one; \
         git config core.fsmonitor 'touch {0}'; git config core.pager 'touch {0}'; \
         mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch {0}\\n' > .git/hooks/post-checkout; \
         chmod +x .git/hooks/post-checkout; echo ok",
        marker.display()
    );
    let ended = passes(isobar.args(["--workspace", text(&dir), "--", "sh", "-c", &script]));
    let repository = dir.join("r");
    let git = ["-c", "safe.directory=*", "-C", text(&repository)];
    outside("git", [&git[..], &["checkout", "-q", "-b", "side"]].concat());
    outside("git", [&git[..], &["status", "--short"]].concat());
    let log = outside("git", [&git[..], &["log", "--format=%s"]].concat());
    assert_eq!(log, "one\n", "the work is there");
    assert!(!marker.exists(), "and nothing of the guest's ran: {ended}");
}

#[test]
fn what_is_named_stays_writable() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    isobar.file("w/.github/workflows/ci.yml", "original");
    isobar.file("w/CLAUDE.md", "original");
    give(&dir);
    let script = "echo new > .github/workflows/ci.yml && echo new > .github/workflows/b.yml && \
        echo new > .envrc && echo ok; echo evil > CLAUDE.md";
    let flags = ["--unprotect", "w/.github", "--unprotect", "w/.envrc"];
    let isobar = isobar.args(flags).args(["--workspace", text(&dir), "--", "sh", "-c", script]);
    let ended = isobar.run();
    assert_eq!(ended.out(), "ok\n", "{ended}");
    for name in [".github/workflows/ci.yml", ".github/workflows/b.yml", ".envrc"] {
        assert_eq!(fs::read_to_string(dir.join(name)).unwrap(), "new\n", "{name} was named");
    }
    assert_eq!(fs::read_to_string(dir.join("CLAUDE.md")).unwrap(), "original", "it was not");
}

#[test]
fn what_lies_in_installed_packages_is_code_anyway() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    isobar.file("w/node_modules/p/.travis.yml", "original");
    give(&dir);
    let script = "echo new > node_modules/p/.travis.yml && echo ok";
    passes(isobar.args(["--workspace", text(&dir), "--", "sh", "-c", script]));
}

#[test]
fn more_than_can_be_held_is_refused() {
    let isobar = Isobar::run_command();
    let (dir, _) = lent(&isobar, "w");
    for number in 0..1025 {
        isobar.file(&format!("w/{number}/.envrc"), "");
    }
    refused(isobar.args(["--workspace", text(&dir), "--", "true"]), "ISO-RES-024");
}
