//! What `isobar attack` runs inside a sandbox: one attempt to get out of it a call.
//!
//! `isobar-attack-payload ATTEMPT TOKEN [ARGUMENT]...` tries every way that it knows and prints one
//! line, `RESULT TOKEN succeeded|refused DETAIL`. It exits with 0 where it succeeded, 1 where every
//! way was refused, 2 where it could not try. It works outside of a sandbox too, where an attempt
//! must succeed: otherwise its failing inside would prove nothing. Nobody believes the line alone
//! where the host can look for itself.
//!
//! `isobar-attack-payload hold-segment SECRET` is the other side of one attempt: it runs on the
//! host.
//!
//! An ordinary program with no rights of its own; what it tries, any guest can try.

mod attributes;
mod foreign_abi;
mod fork_bomb;
mod memory_bomb;
mod mount;
mod names;
mod old_root;
mod scratch;
mod segment;
mod socket;
mod sys;
mod user_namespace;
mod verdict;
mod write_read_only;

use std::io::Write as _;
use std::process::ExitCode;

use crate::verdict::{Unable, Verdict};

/// An attempt: its arguments after the token to what came of it.
type Attempt = fn(&[String]) -> Result<Verdict, Unable>;

/// Every attempt by its name.
const ATTEMPTS: [(&str, Attempt); 13] = [
    ("old-root", old_root::attempt),
    ("mount", mount::attached),
    ("detached-mount", mount::detached),
    ("remount", mount::remount),
    ("write-read-only", write_read_only::attempt),
    ("change-attributes", attributes::attempt),
    ("user-namespace", user_namespace::attempt),
    ("foreign-abi", foreign_abi::attempt),
    ("fork-bomb", fork_bomb::attempt),
    ("memory-bomb", memory_bomb::attempt),
    ("host-ipc", segment::attempt),
    ("abstract-socket", socket::unix),
    ("loopback-socket", socket::loopback),
];

/// The attempt could not be tried.
const UNABLE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|one| one.to_string_lossy().into_owned()).collect();
    ExitCode::from(match arguments.as_slice() {
        [command, secret] if command == "hold-segment" => segment::hold(secret),
        [name, token, rest @ ..] => run(name, token, rest),
        _ => usage(),
    })
}

fn run(name: &str, token: &str, rest: &[String]) -> u8 {
    let Some((_, attempt)) = ATTEMPTS.iter().find(|(known, _)| *known == name) else {
        return usage();
    };
    let (line, code) = match attempt(rest) {
        Ok(Verdict::Succeeded(how)) => (format!("RESULT {token} succeeded {how}\n"), 0),
        Ok(Verdict::Refused(by)) => (format!("RESULT {token} refused {by}\n"), 1),
        Err(Unable(why)) => {
            // Nobody is left to tell when standard error itself is gone.
            writeln!(std::io::stderr(), "isobar-attack-payload: {why}").ok();
            return UNABLE;
        }
    };
    match std::io::stdout().write_all(line.as_bytes()) {
        Ok(()) => code,
        Err(_) => UNABLE,
    }
}

fn usage() -> u8 {
    let names: Vec<&str> = ATTEMPTS.iter().map(|(name, _)| *name).collect();
    // Nobody is left to tell when standard error itself is gone.
    writeln!(
        std::io::stderr(),
        "usage: isobar-attack-payload ATTEMPT TOKEN [ARGUMENT]...\nattempts: {}",
        names.join(" ")
    )
    .ok();
    UNABLE
}
