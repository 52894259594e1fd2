//! Standard streams: pipes, terminals, closed and full ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::harness::{Ended, Isobar, is_root};

const CLEVER: &str = r"printf '\033[31mred\033[0m \033]52;c;ZXZpbA==\007\033[2Jplain\033[8m'";

/// A directory below /tmp with a script that writes beside itself.
fn with_script() -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("isobar-test-").tempdir_in("/tmp").unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(dir.path().join("job.sh"), "echo result > result && cat result").unwrap();
    dir
}

fn run_script(dir: &Path, flags: &[&str]) -> Ended {
    let isobar = Isobar::new().cwd(dir).arg("run").args(flags);
    isobar.args(["--", "sh", "job.sh"]).run()
}

/// Writing succeeds, and a person would look for the file in vain.
#[test]
fn what_a_script_writes_into_the_sandboxs_own_memory_is_said_to_be_gone() {
    let dir = with_script();
    let path = dir.path().to_str().unwrap();
    let tmpfs = format!("{path}:1M");
    let told = format!(
        "{path} is the sandbox's own: anything that job.sh wrote there is gone; to keep it, run it \
         from a directory of its own, with --workspace\n"
    );
    for (flags, told) in
        [(&["--tmpfs", &tmpfs][..], told.as_str()), (&["--quiet", "--tmpfs", &tmpfs], "")]
    {
        let ended = run_script(dir.path(), flags);
        assert_eq!((ended.code, ended.out().as_str()), (Some(0), "result\n"), "{ended}");
        assert_eq!(ended.err(), told, "the person hears of it, unless it asked for silence");
        assert!(!dir.path().join("result").exists(), "it was the sandbox's own directory");
    }
    let ended = run_script(dir.path(), &["--workspace", path]);
    assert_eq!(ended.err(), "", "what was lent stays: {ended}");
    assert_eq!(fs::read_to_string(dir.path().join("result")).unwrap(), "result\n", "here it is");
}

/// In a directory below /tmp the guest of an ordinary user can write; root's cannot, and is told
/// so by the kernel.
#[test]
fn a_script_in_a_directory_below_tmp_either_fails_or_is_told() {
    let dir = with_script();
    let path = dir.path().to_str().unwrap();
    let ended = run_script(dir.path(), &[]);
    if is_root() {
        assert_eq!(ended.code, Some(2), "nothing was lost: {ended}");
        assert!(ended.err().contains("Permission denied"), "and it says why: {ended}");
        assert!(!ended.err().contains("sandbox's own"), "so there is nothing to add: {ended}");
        return;
    }
    assert_eq!((ended.code, ended.out().as_str()), (Some(0), "result\n"), "{ended}");
    let told = format!(
        "{path} is the sandbox's own: anything that job.sh wrote there is gone; to keep it: \
         --workspace '{path}'\n"
    );
    assert_eq!(ended.err(), told, "the person hears of it, and what to do");
}

#[test]
fn bytes_pass_raw_into_a_pipe() {
    let script = r"printf 'a\000\377\033[2Jb'; cat; printf err >&2";
    let ended = Isobar::run_command().args(["--", "sh", "-c", script]).stdin("input").run();
    assert_eq!(ended.stdout, b"a\0\xff\x1b[2Jbinput", "what is not a terminal gets every byte");
    assert_eq!(ended.stderr, b"err", "the streams stay apart");
}

#[test]
fn a_terminal_gets_text_and_colour_only() {
    let isobar = Isobar::new().args(["run", "--", "sh", "-c", CLEVER]);
    let seen = isobar.env("TERM", "xterm").run_on_terminal();
    let expected = "\u{1b}[31mred\u{1b}[0m plain\u{1b}[8m\u{1b}[0m";
    assert_eq!(seen.out(), expected, "clipboard and erasing are dropped, hiding is undone: {seen}");
}

#[test]
fn what_is_typed_reaches_the_guest() {
    let isobar = Isobar::new().args(["run", "--", "sh", "-c", "read line; echo got $line"]);
    let seen = isobar.stdin("hello\n").run_on_terminal();
    assert_eq!(seen.code, Some(0), "{seen}");
    assert!(seen.out().contains("got hello"), "behind the terminal's own echo: {seen}");
}

#[test]
fn raw_lets_the_guest_drive_the_terminal() {
    let isobar = Isobar::new().args(["run", "--raw", "--", "sh", "-c", CLEVER]);
    let seen = isobar.env("TERM", "xterm").run_on_terminal();
    assert!(seen.out().contains("]52;c;"), "asked for by name: {seen}");
}

#[test]
fn our_own_words_have_colour_on_terminals_only() {
    let refused = || Isobar::new().args(["run", "--pids", "0", "--", "true"]);
    let on_terminal = |isobar: Isobar| isobar.env("TERM", "xterm").run_on_terminal().out();
    assert!(!refused().run().err().contains('\u{1b}'), "a pipe gets none");
    assert!(on_terminal(refused()).contains('\u{1b}'), "a terminal does");
    assert!(!on_terminal(refused().env("NO_COLOR", "1")).contains('\u{1b}'), "NO_COLOR");
    let always = Isobar::new().args(["--color", "always", "run", "--pids", "0", "--", "true"]);
    assert!(always.run().err().contains('\u{1b}'), "asked for by name");
    let never = Isobar::new().args(["--color", "never", "run", "--pids", "0", "--", "true"]);
    assert!(!on_terminal(never).contains('\u{1b}'), "refused by name");
}

#[test]
fn names_cannot_drive_the_terminal_through_our_words() {
    let name = "\u{1b}]0;title\u{7}\u{202e}";
    let ended = Isobar::new().args(["run", "--", name]).run();
    assert_eq!(ended.codes(), ["ISO-RES-001"], "{ended}");
    let hostile = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
    assert!(!ended.err().contains(hostile), "escaped: {:?}", ended.err());
}

#[test]
fn a_closed_standard_stream_is_not_mistaken_for_a_file_of_ours() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let ended = Isobar::run_command().through_shell(closed).args(["--", "true"]).run();
        assert_eq!(ended.code, Some(0), "closed by {closed}: {ended}");
        assert_eq!(ended.how(), "exited", "and the report is whole: {ended}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let ended = Isobar::new()
        .through_shell("2>&1 | head -c 1 >/dev/null")
        .args(["run", "--pids", "0", "--", "true"])
        .run();
    assert!(!ended.err().contains("panicked"), "{ended}");
    let shown = Isobar::new().through_shell("| head -c 1").args(["policy", "schema"]).run();
    assert_eq!((shown.out().as_str(), shown.err().as_str()), ("{", ""), "{shown}");
}

#[test]
fn one_liners_get_their_arguments() {
    let ended = Isobar::new().args(["run", "--lang", "bash", "-c", "echo $0 $1", "--", "-x"]).run();
    assert_eq!(ended.out(), "bash -x\n", "{ended}");
    let python = "import sys; print(sys.argv[1:])";
    let ended = Isobar::new().args(["run", "--lang", "python", "-c", python, "--", "-x"]).run();
    assert_eq!(ended.out(), "['-x']\n", "{ended}");
}

#[test]
fn the_command_may_stand_without_dashes() {
    let ended = Isobar::new().args(["run", "sh", "-c", "echo $1", "sh", "--memory"]).run();
    assert_eq!(ended.out(), "--memory\n", "after the program nothing is ours: {ended}");
}
