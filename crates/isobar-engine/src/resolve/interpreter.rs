//! The first line of a script: which interpreter the kernel, or `env`, starts for it (execve(2),
//! "Interpreter scripts"; env(1)).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::text_file::read_head;

/// What the kernel reads of a file to find out what it is (BINPRM_BUF_SIZE, linux/binfmts.h).
const KERNEL_READS: u64 = 256;

/// What a script's first line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interpreter {
    /// The program that the kernel starts.
    pub(super) path: PathBuf,
    /// The name that it looks up in PATH, where it is `env`.
    pub(super) name: Option<OsString>,
}

/// The interpreter of the file `path`; `None` where it is no script, or cannot be read.
pub(super) fn of_file(path: &Path) -> Option<Interpreter> {
    parse(&read_head(path, KERNEL_READS)?)
}

pub(super) fn parse(head: &[u8]) -> Option<Interpreter> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = line.trim_ascii();
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    let (path, argument) = line.split_at_checked(end)?;
    if path.is_empty() {
        return None;
    }
    let path = PathBuf::from(OsStr::from_bytes(path));
    let by_env = path.file_name().is_some_and(|name| name == "env");
    let name = if by_env { env_name(argument.trim_ascii()) } else { None };
    Some(Interpreter { path, name })
}

/// The program that `env` starts when the kernel hands it the one argument `argument`.
fn env_name(argument: &[u8]) -> Option<OsString> {
    let split = argument
        .strip_prefix(b"-S")
        .or_else(|| argument.strip_prefix(b"--split-string="))
        .map(<[u8]>::trim_ascii);
    let words = split.unwrap_or(argument).split(u8::is_ascii_whitespace);
    let mut names =
        words.filter(|word| !word.is_empty() && !word.starts_with(b"-") && !word.contains(&b'='));
    names.next().map(|name| OsString::from_vec(name.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines_are_read_as_the_kernel_and_env_read_them() {
        let table: [(&[u8], &str, Option<&str>); 8] = [
            (b"#!/bin/sh\nexit", "/bin/sh", None),
            (b"#! /bin/sh -e\n", "/bin/sh", None),
            (b"#!/usr/bin/env python3\n", "/usr/bin/env", Some("python3")),
            (b"#!/usr/bin/env\tpython3", "/usr/bin/env", Some("python3")),
            (b"#!/usr/bin/env -S python3 -u\n", "/usr/bin/env", Some("python3")),
            (b"#!/usr/bin/env -S A=b -i node --x\n", "/usr/bin/env", Some("node")),
            (b"#!/usr/bin/env\n", "/usr/bin/env", None),
            (b"#!relative/sh\n", "relative/sh", None),
        ];
        for (head, path, name) in table {
            let found = parse(head).expect("a script");
            assert_eq!(found.path, Path::new(path), "{head:?} starts this");
            assert_eq!(found.name.as_deref(), name.map(OsStr::new), "{head:?} looks this up");
        }
        for head in [&b"\x7fELF"[..], b"#!\n", b"#! \t\n", b"", b"#", b"echo"] {
            assert_eq!(parse(head), None, "{head:?} names no interpreter");
        }
    }
}
