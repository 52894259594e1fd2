//! A person at a terminal: input is typed, output appears, ^C interrupts the guest.
//!
//! A Python program outside plays the person, since only a session leader of its own can give
//! isobar a controlling terminal.

use crate::harness::Isobar;

/// Starts what follows on a terminal of its own, types the second half of each pair once the first
/// half was seen, prints all that was seen, and ends as isobar ended.
const PERSON: &str = r"
import os, pty, sys
pairs, words = eval(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(words[0], words)
seen = b''
while True:
    if pairs and pairs[0][0] in seen:
        os.write(terminal, pairs.pop(0)[1])
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
sys.stdout.write(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

/// isobar on a terminal at which a person does as `pairs` say.
fn on_terminal(pairs: &str, script: &str) -> Isobar {
    let isobar = Isobar::run_command().under(["/usr/bin/python3", "-c", PERSON, pairs]);
    isobar.args(["--timeout", "50s", "--", "sh", "-c", script])
}

#[test]
fn what_is_typed_reaches_the_guest_and_its_answer_appears() {
    let script = "echo ready; read -r word; echo \"got $word\"";
    let ended = on_terminal(r"[(b'ready', b'typed\n')]", script).run();
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.out().contains("got typed"), "{ended}");
}

#[test]
fn the_end_of_input_that_is_typed_is_the_guests_end_of_input() {
    let script = "echo ready; cat; echo over";
    let ended = on_terminal(r"[(b'ready', b'line\n\x04')]", script).run();
    assert_eq!(ended.code, Some(0), "^D at the start of a line: {ended}");
    assert!(ended.out().contains("over"), "{ended}");
}

#[test]
fn an_interrupt_is_the_guests_to_obey() {
    let script = "trap 'echo interrupted; exit 9' INT; echo ready; while :; do sleep 0.05; done";
    let ended = on_terminal(r"[(b'ready', b'\x03')]", script).run();
    assert_eq!((ended.code, ended.how()), (Some(9), "exited"), "it chose its own end: {ended}");
    assert!(ended.out().contains("interrupted"), "{ended}");
}

#[test]
fn an_interrupt_ends_a_guest_that_does_not_care() {
    let ended = on_terminal(r"[(b'ready', b'\x03')]", "echo ready; exec sleep 1000").run();
    assert_eq!(ended.code, Some(130), "as without isobar: {ended}");
    assert_eq!(ended.reported("/outcome/end/signal"), 2, "SIGINT: {ended}");
}

#[test]
fn a_second_interrupt_ends_a_guest_that_ignores_them() {
    let script = "trap 'echo once' INT; echo ready; while :; do sleep 0.05; done";
    let pairs = r"[(b'ready', b'\x03'), (b'once', b'\x03')]";
    let ended = on_terminal(pairs, script).run();
    assert_eq!((ended.code, ended.how()), (Some(137), "killed"), "{ended}");
    assert_eq!(ended.reported("/outcome/end/by"), "user", "{ended}");
}

/// The terminal's own descriptor would let a guest type into it (TIOCSTI) or change its modes.
#[test]
fn the_guest_has_no_terminal() {
    let script = "test -t 0 || test -t 1 || test -t 2 || echo none; ls /dev/tty; echo over";
    let ended = on_terminal("[]", script).run();
    assert!(ended.out().contains("none") && ended.out().contains("over"), "{ended}");
    assert!(ended.out().contains("cannot access '/dev/tty'"), "{ended}");
}
