//! `-t`: a terminal of the sandbox's own, used as a person uses it.
//!
//! A Python program outside plays the person, since only a session leader of its own can give isobar
//! a controlling terminal. It keeps that terminal open, so that it can say afterwards whether isobar
//! put its modes back.

use crate::harness::{Ended, Isobar};

/// Starts what follows on a terminal of 24 by 80. Of each pair, once the first half was seen after
/// what the pair before waited for: bytes are typed, two numbers become the terminal's size, one
/// number is a signal for isobar. Prints what was seen and how the modes are left, and ends as
/// isobar ended.
const PERSON: &str = r"
import fcntl, os, signal, struct, sys, termios
pairs, words = eval(sys.argv[1]), sys.argv[2:]
near, far = os.openpty()
def size(rows, columns):
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
size(24, 80)
before = termios.tcgetattr(far)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(far, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(far, fd)
    os.execv(words[0], words)
ended, told = os.pidfd_open(pid), os.pipe()
seen, mark = b'', 0
import select
while True:
    while pairs and seen.find(pairs[0][0], mark) >= 0:
        mark = seen.find(pairs[0][0], mark) + len(pairs[0][0])
        act = pairs.pop(0)[1]
        if isinstance(act, bytes):
            os.write(near, act)
        elif isinstance(act, tuple):
            size(*act)
        else:
            os.kill(pid, act)
    ready, _, _ = select.select([near, ended], [], [])
    if near in ready:
        seen += os.read(near, 65536)
    elif ended in ready:
        break
sys.stdout.buffer.write(seen)
same = termios.tcgetattr(far) == before
print('\nMODES', 'restored' if same else 'lost', 'LEFT', pairs)
status = os.waitpid(pid, 0)[1]
sys.stdout.flush()
code = os.waitstatus_to_exitcode(status)
if code < 0:
    os.kill(os.getpid(), -code)
sys.exit(code)
";

/// isobar with `-t` and `words` for a command, and a person who does as `pairs` say.
fn person(pairs: &str, flags: &[&str], words: &[&str]) -> Ended {
    let isobar = Isobar::run_command().under(["/usr/bin/python3", "-c", PERSON, pairs]);
    let isobar = isobar.env("TERM", "xterm-256color").args(["-t", "--timeout", "50s"]);
    isobar.args(flags).arg("--").args(words).run()
}

#[track_caller]
fn restored(ended: &Ended) {
    assert!(ended.out().contains("MODES restored LEFT []"), "{ended}");
}

/// Text that the shell's echo of a typed line does not hold already.
fn shell(script: &str) -> [&str; 3] {
    ["sh", "-c", script]
}

#[test]
fn the_guest_has_a_terminal_of_its_own_and_finds_it_by_name() {
    let script = "test -t 0 && test -t 1 && test -t 2 && echo three; tty; ls -l $(tty); \
        echo again > $(tty); echo own > /dev/tty; stty size; ps -o sid=,pid= -p $$ | tr -s ' '";
    let ended = person("[]", &[], &shell(script));
    assert_eq!(ended.code, Some(0), "{ended}");
    for expected in ["three", "/dev/pts/0", "again", "own", "24 80"] {
        assert!(ended.out().contains(expected), "{expected}: {ended}");
    }
    let evidence = ended.reported("/lines").to_string();
    for key in ["terminal.devpts", "terminal.process"] {
        assert!(evidence.contains(key), "{key} is shown to be the sandbox's: {ended}");
    }
    restored(&ended);
}

#[test]
fn a_new_size_reaches_the_guest() {
    let script = "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done";
    let ended = person("[(b'ready', (50, 132))]", &[], &shell(script));
    assert!(ended.out().contains("50 132"), "{ended}");
    restored(&ended);
}

#[test]
fn an_interactive_shell_has_job_control() {
    // What the job says cannot be taken for what the shell echoes: it is typed in two parts. No sh:
    // one that makes a child by vfork(2) as ^Z comes waits for it, and it is stopped.
    let job = r#"python3 -c 'import os, signal, time; signal.signal(18, lambda *_: os.write(1, b"con" + b"tinued")); os.write(1, b"runn" + b"ing"); [time.sleep(0.05) for _ in iter(int, 1)]'"#;
    let pairs = format!(
        r#"[(b'$ ', b"""{job}\n"""), (b'running', b'\x1a'), (b'Stopped', b'fg\n'),
        (b'continued', b'\x03'), (b'$ ', b"echo ju''mp\n"), (b'jump', b''), (b'$ ', b'\x04')]"#
    );
    let flags = ["--env", "PS1=$ "];
    let ended = person(&pairs, &flags, &["bash", "--norc", "--noprofile", "-i"]);
    assert!(!ended.out().contains("no job control"), "{ended}");
    assert_eq!(ended.how(), "exited", "the end of input ends the shell: {ended}");
    assert!(ended.out().contains("jump"), "^Z, fg, ^C, and the shell lives: {ended}");
    restored(&ended);
}

#[test]
fn an_interrupt_is_typed_and_not_sent() {
    let ended = person(r"[(b'ready', b'\x03')]", &[], &shell("echo ready; exec sleep 1000"));
    assert_eq!(ended.reported("/outcome/end/signal"), 2, "SIGINT from its own terminal: {ended}");
    restored(&ended);
}

#[test]
fn the_end_of_input_is_typed() {
    let ended = person(r"[(b'ready', b'line\n\x04')]", &[], &shell("echo ready; cat; echo over"));
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.out().contains("over"), "{ended}");
    restored(&ended);
}

#[test]
fn a_flood_is_bounded_and_passed_on() {
    let script = "yes isobar | head -c 3000000; printf 'e%s' nd";
    let ended = person("[]", &["--output-limit", "5M"], &shell(script));
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.out().contains("end"), "all of it, to the last byte");
    assert!(ended.stdout.len() > 3_000_000, "with a carriage return a line");
    restored(&ended);
    let ended = person("[]", &["--output-limit", "64K"], &shell("yes isobar | head -c 3000000"));
    assert!(ended.stdout.len() < 70_000, "the cap holds: {} bytes", ended.stdout.len());
    restored(&ended);
}

/// The titles, the clipboard and whatever the terminal would answer stay out; what an editor draws
/// with comes through, and is undone.
#[test]
fn a_screen_may_be_drawn_and_nothing_else() {
    let script =
        r"printf '\033[?1049h\033[2J\033[5;5Hdrawn\033]52;c;QUJD\007\033]0;title\007\033[6n\033[c'";
    let ended = person("[]", &[], &shell(script));
    let seen = ended.out();
    assert!(seen.starts_with("\u{1b}[?1049h\u{1b}[2J\u{1b}[5;5Hdrawn"), "{ended}");
    for dropped in ["]52", "title", "\u{1b}[6n", "\u{1b}[c"] {
        assert!(!seen.contains(dropped), "{dropped:?} acts on the terminal: {ended}");
    }
    assert!(seen.contains("?47;1047;1049l"), "the main screen is back: {ended}");
    restored(&ended);
}

/// Typing into a terminal for somebody else (CVE-2017-5226) and asking for its console.
#[test]
fn the_terminal_takes_no_forged_keys() {
    let code = "import fcntl, errno\n\
        for request in (0x5412, 0x541C):\n\
        \x20   try: fcntl.ioctl(0, request, b'x')\n\
        \x20   except OSError as e: print('refused', errno.errorcode[e.errno])\n\
        \x20   else: print('ALLOWED')";
    let ended = person("[]", &[], &["python3", "-c", code]);
    assert_eq!(ended.out().matches("refused EPERM").count(), 2, "TIOCSTI and TIOCLINUX: {ended}");
    assert!(!ended.out().contains("ALLOWED"), "{ended}");
}

#[test]
fn the_modes_are_put_back_when_isobar_is_asked_to_end() {
    let script = "trap '' TERM INT; echo ready; while :; do sleep 0.05; done";
    let ended = person("[(b'ready', 15), (b'', 2)]", &[], &shell(script));
    assert_eq!(ended.reported("/outcome/end/by"), "user", "{ended}");
    restored(&ended);
}

#[test]
fn the_modes_are_put_back_when_a_limit_ends_the_run() {
    let isobar = Isobar::run_command().under(["/usr/bin/python3", "-c", PERSON, "[]"]);
    let ended = isobar.args(["-t", "--timeout", "300ms", "--", "sleep", "1000"]).run();
    assert_eq!(ended.reported("/outcome/end/by"), "wall-time", "{ended}");
    restored(&ended);
}

/// Nobody can put the modes back then; what ran inside is gone all the same, which the harness
/// looks for.
#[test]
fn a_killed_supervisor_takes_the_guest_along() {
    let script = "trap '' HUP TERM; echo ready; while :; do sleep 0.05; done";
    let ended = person("[(b'ready', 9)]", &[], &shell(script));
    assert!(ended.out().contains("MODES lost LEFT []"), "{ended}");
}

/// A guest that closes its streams may open its terminal again.
#[test]
fn a_terminal_that_is_closed_can_be_opened_again() {
    let script = "exec 0<&- 1>&- 2>&-; sleep 0.3; echo back > /dev/tty";
    let ended = person("[]", &[], &shell(script));
    assert!(ended.out().contains("back"), "{ended}");
}

/// A terminal on standard input alone would show nothing.
#[test]
fn without_a_terminal_there_is_none_to_give() {
    let isobar = Isobar::new().args(["run", "-t", "--", "true"]).run();
    assert_eq!(isobar.codes(), ["ISO-CLI-009"], "{isobar}");
}
