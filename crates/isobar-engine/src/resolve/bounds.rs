//! What the kernel takes as arguments and environment of one program (execve(2), "Limits on size
//! of arguments and environment").

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;

use super::error::ResolveError;

/// The longest string, without its NUL: MAX_ARG_STRLEN is 32 pages of 4096 bytes.
const MAX_STRING: usize = 32 * 4096 - 1;
/// All strings, their NULs and their pointers: a quarter of the stack limit of 8 MiB that every
/// guest has.
const MAX_TOTAL: usize = 2 * 1024 * 1024;

/// The arguments as the kernel takes them.
pub(super) fn arguments(argv: &[OsString]) -> Result<Vec<CString>, ResolveError> {
    let mut strings = Vec::with_capacity(argv.len());
    for (index, argument) in argv.iter().enumerate() {
        let bytes = argument.len();
        if bytes > MAX_STRING {
            return Err(ResolveError::ArgumentTooLong { index, bytes, limit: MAX_STRING });
        }
        let string =
            CString::new(argument.as_bytes()).map_err(|_| ResolveError::ArgumentNul { index })?;
        strings.push(string);
    }
    let bytes = total(&strings);
    if bytes > MAX_TOTAL {
        return Err(ResolveError::ArgumentsTooLong { bytes, limit: MAX_TOTAL });
    }
    Ok(strings)
}

/// Checks the environment beside the arguments.
pub(super) fn environment(argv: &[CString], env: &[CString]) -> Result<(), ResolveError> {
    for variable in env {
        let bytes = variable.as_bytes();
        if bytes.len() > MAX_STRING {
            let name = bytes.split(|byte| *byte == b'=').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name).into_owned();
            let bytes = bytes.len();
            return Err(ResolveError::VariableTooLong { name, bytes, limit: MAX_STRING });
        }
    }
    let bytes = total(argv) + total(env);
    if bytes > MAX_TOTAL {
        return Err(ResolveError::EnvironmentTooLarge { bytes, limit: MAX_TOTAL });
    }
    Ok(())
}

fn total(strings: &[CString]) -> usize {
    strings.iter().map(|string| string.as_bytes_with_nul().len() + size_of::<usize>()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_argument_passes_and_one_more_byte_does_not() {
        let argv = |bytes| vec![OsString::from("x"), OsString::from("a".repeat(bytes))];
        assert!(arguments(&argv(131_071)).is_ok(), "the kernel takes it");
        let error = arguments(&argv(10 << 20)).expect_err("the kernel would say E2BIG");
        assert_eq!(
            error.to_string(),
            "argument 1 has 10485760 bytes; the kernel allows 131071",
            "the message names the argument and both sizes",
        );
    }

    #[test]
    fn many_small_arguments_add_up_with_their_pointers() {
        let argv = vec![OsString::new(); 300_000];
        let error = arguments(&argv).expect_err("9 bytes each are more than 2 MiB");
        assert!(matches!(error, ResolveError::ArgumentsTooLong { .. }), "{error}");
    }

    #[test]
    fn nul_is_found_wherever_it_stands() {
        for text in ["\0", "a\0", "a\0b"] {
            let error = arguments(&["x".into(), text.into()]).expect_err("no C string");
            assert!(matches!(error, ResolveError::ArgumentNul { index: 1 }), "{error}");
        }
    }

    #[test]
    fn the_environment_counts_beside_the_arguments() {
        let variable = |bytes| CString::new(format!("A={}", "a".repeat(bytes))).expect("no NUL");
        assert!(environment(&[], &[variable(131_069)]).is_ok(), "the kernel takes it");
        let error = environment(&[], &[variable(131_070)]).expect_err("one byte too long");
        assert!(matches!(error, ResolveError::VariableTooLong { .. }), "{error}");
        let many = vec![variable(100_000); 11];
        assert!(environment(&[], &many).is_ok(), "1.1 MB fit");
        let argv: Vec<_> = many.iter().chain(&many).cloned().collect();
        let error = environment(&argv, &many).expect_err("3.3 MB do not");
        assert!(matches!(error, ResolveError::EnvironmentTooLarge { .. }), "{error}");
    }
}
