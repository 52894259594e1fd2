//! The script that an interpreter was asked to run: `generated.py` of `python3 generated.py`.
//!
//! That file belongs to the program, so it is granted, alone and read-only. Which argument it is
//! follows from a table of each interpreter's options; an option that is not in the table is taken
//! to have no value, so that at worst a file is not found to be the script.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How one family of interpreters reads its options.
struct Family {
    /// Names: exact, or followed by digits and dots (`python3.11`).
    names: &'static [&'static str],
    /// One-letter options after which no script comes: they carry code or a module, or mean
    /// standard input.
    ends: &'static [u8],
    /// One-letter options that take a value: the rest of the argument, else the next one.
    values: &'static [u8],
    /// One-letter options whose value, if any, is the rest of the argument.
    attached: &'static [u8],
    /// Long options after which no script comes.
    long_ends: &'static [&'static str],
    /// Long options that take the next argument as their value.
    long_values: &'static [&'static str],
}

/// python(1), bash(1), dash(1), node(1), perlrun(1), ruby(1).
const FAMILIES: &[Family] = &[
    Family {
        names: &["python", "pypy"],
        ends: b"cmhV?",
        values: b"WXQ",
        attached: b"",
        long_ends: &["--help", "--version", "--help-all", "--help-env", "--help-xoptions"],
        long_values: &["--check-hash-based-pycs"],
    },
    Family {
        names: &["bash", "sh", "dash", "zsh", "ksh", "mksh", "busybox-sh"],
        ends: b"cs",
        values: b"oO",
        attached: b"",
        long_ends: &["--help", "--version"],
        long_values: &["--rcfile", "--init-file"],
    },
    Family {
        names: &["node", "nodejs"],
        ends: b"epvh",
        values: b"rC",
        attached: b"",
        long_ends: &["--eval", "--print", "--version", "--help", "--test", "--v8-options", "--run"],
        long_values: &[
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "--conditions",
            "--title",
            "--icu-data-dir",
            "--openssl-config",
            "--redirect-warnings",
        ],
    },
    Family {
        names: &["perl"],
        ends: b"eEvhV",
        values: b"I",
        attached: b"0CdDFilmMx",
        long_ends: &["--help", "--version"],
        long_values: &[],
    },
    Family {
        names: &["ruby"],
        ends: b"ehv",
        values: b"ICEr",
        attached: b"0FKTWix",
        long_ends: &["--help", "--version", "--copyright"],
        long_values: &["--encoding", "--external-encoding", "--internal-encoding"],
    },
];

/// The place in `argv` of the script that `program` was asked to run; `None` where it is no known
/// interpreter, or runs none. `argv` includes the program's own name.
pub(super) fn script(program: &Path, argv: &[OsString]) -> Option<usize> {
    let name = program.file_name()?;
    let family = FAMILIES.iter().find(|family| family.is_called(name))?;
    let mut arguments = argv.iter().enumerate().skip(1);
    while let Some((index, argument)) = arguments.next() {
        match family.read(argument.as_bytes()) {
            Reading::Operand => return Some(index),
            Reading::NextIsOperand => return arguments.next().map(|(index, _)| index),
            Reading::Option => {}
            Reading::OptionWithNext => {
                arguments.next()?;
            }
            Reading::NoScript => return None,
        }
    }
    None
}

/// What an argument is.
enum Reading {
    Operand,
    NextIsOperand,
    Option,
    OptionWithNext,
    NoScript,
}

impl Family {
    fn is_called(&self, name: &OsStr) -> bool {
        let Some(name) = name.to_str() else { return false };
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        // `python3.13t` is the free-threaded one.
        let plain = name
            .strip_suffix('t')
            .map(|name| name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'));
        self.names.iter().any(|one| *one == name || *one == stem || Some(*one) == plain)
    }

    fn read(&self, argument: &[u8]) -> Reading {
        match argument {
            b"-" => Reading::NoScript,
            b"--" => Reading::NextIsOperand,
            [b'-', b'-', ..] => self.read_long(argument),
            [b'-' | b'+', letters @ ..] if !letters.is_empty() => self.read_letters(letters),
            _ => Reading::Operand,
        }
    }

    fn read_long(&self, argument: &[u8]) -> Reading {
        let is = |one: &&str| one.as_bytes() == argument;
        let name = argument.split(|byte| *byte == b'=').next().unwrap_or_default();
        if self.long_values.iter().any(is) {
            Reading::OptionWithNext
        } else if self.long_ends.iter().any(|one| one.as_bytes() == name) {
            Reading::NoScript
        } else {
            Reading::Option
        }
    }

    fn read_letters(&self, letters: &[u8]) -> Reading {
        for (index, letter) in letters.iter().enumerate() {
            if self.ends.contains(letter) {
                return Reading::NoScript;
            }
            if self.values.contains(letter) {
                let last = index + 1 == letters.len();
                return if last { Reading::OptionWithNext } else { Reading::Option };
            }
            if self.attached.contains(letter) {
                return Reading::Option;
            }
        }
        Reading::Option
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<usize> {
        let argv: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        script(Path::new(&argv[0]), &argv)
    }

    #[test]
    fn the_script_is_the_first_operand() {
        for (line, index) in [
            ("python3 x.py", 1),
            ("/usr/bin/python3.11 x.py a b", 1),
            ("python3.13t x.py", 1),
            ("python3 -u -W ignore -X dev x.py -c", 6),
            ("python3 -Wignore -BX dev x.py", 4),
            ("python3 --check-hash-based-pycs always x.py", 3),
            ("python3 -- -x.py", 2),
            ("pypy3 x.py", 1),
            ("bash -e -o pipefail x.sh", 4),
            ("bash -eo pipefail x.sh", 3),
            ("bash +o posix x.sh", 3),
            ("bash --rcfile r --posix x.sh", 4),
            ("sh x.sh -c", 1),
            ("node -r m --max-old-space-size=9 x.js", 4),
            ("node --import m x.js", 3),
            ("perl -w -I lib -Mstrict -l x.pl", 6),
            ("perl -Ilib -i.e x.pl", 3),
            ("ruby -w -r json x.rb", 4),
        ] {
            assert_eq!(found(line), Some(index), "the interpreter of {line:?} opens this one");
        }
    }

    #[test]
    fn code_modules_and_standard_input_are_no_scripts() {
        for line in [
            "python3",
            "python3 -c x.py",
            "python3 -uc x.py",
            "python3 -m x.py",
            "python3 -mjson x.py",
            "python3 -",
            "python3 - x.py",
            "python3 -W",
            "bash -c x.sh",
            "bash -ec x.sh",
            "bash -s x.sh",
            "node -e x.js",
            "node --eval=1 x.js",
            "node -p x.js",
            "perl -e x.pl",
            "perl -ne x.pl",
            "ruby -e x.rb",
            "gcc x.c",
            "pythonic x.py",
            "cat x.py",
        ] {
            assert_eq!(found(line), None, "{line:?} runs no file");
        }
    }
}
