//! The arrays of pointers that execve(2) wants, built beside the strings that they point to.
//!
//! One array holds the arguments, a null, the environment, a null. The pointers stay valid as long
//! as the memory that `strings` lies in; this module never follows them.

use core::ffi::{CStr, c_char};
use core::ptr::null;

use isobar_boundary::protocol::{MAX_SPAWN_BYTES, SpawnHeader, Strings};

/// Why a specification cannot become arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// The pointers alone are more than the kernel takes (`E2BIG`).
    TooMany,
    /// The strings are not as many as the header says, or the table is too small for them.
    Count,
}

/// Where the parts of a specification lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout<'a> {
    /// The path to execute.
    pub program: &'a CStr,
    /// The working directory.
    pub cwd: &'a CStr,
    /// The index in the table at which the environment begins; the arguments begin at 0.
    pub environment: usize,
}

/// How many pointers the table of that specification needs, both nulls included.
///
/// # Errors
/// [`TableError::TooMany`] where they alone reach what the kernel takes for pointers and strings
/// together (`bprm_stack_limits`, at most three quarters of `_STK_LIM`).
pub fn pointers(header: &SpawnHeader) -> Result<usize, TableError> {
    let count = u64::from(header.arguments) + u64::from(header.variables) + 2;
    if count * size_of::<*const c_char>() as u64 >= u64::from(MAX_SPAWN_BYTES) {
        return Err(TableError::TooMany);
    }
    usize::try_from(count).map_err(|_| TableError::TooMany)
}

impl<'a> Layout<'a> {
    /// Fills `table` with pointers into `strings`.
    ///
    /// # Errors
    /// [`TableError::Count`] where `strings` holds fewer or more strings than `header` says, or
    /// `table` is not as long as [`pointers`] says.
    pub fn fill(
        header: &SpawnHeader,
        strings: &'a [u8],
        table: &mut [*const c_char],
    ) -> Result<Self, TableError> {
        let mut walk = Strings::new(strings);
        let program = walk.next().ok_or(TableError::Count)?;
        let cwd = walk.next().ok_or(TableError::Count)?;
        let arguments = header.arguments as usize;
        if table.len() != pointers(header)? {
            return Err(TableError::Count);
        }
        let (argv, envp) = table.split_at_mut_checked(arguments + 1).ok_or(TableError::Count)?;
        let mut used = program.count_bytes() + cwd.count_bytes() + 2;
        for array in [argv, envp] {
            let (last, places) = array.split_last_mut().ok_or(TableError::Count)?;
            for place in places {
                let string = walk.next().ok_or(TableError::Count)?;
                used += string.count_bytes() + 1;
                *place = string.as_ptr();
            }
            *last = null();
        }
        // Neither a string too many nor a tail without a NUL.
        if used != strings.len() {
            return Err(TableError::Count);
        }
        Ok(Self { program, cwd, environment: arguments + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(arguments: u32, variables: u32, bytes: &[u8]) -> SpawnHeader {
        let bytes = u32::try_from(bytes.len()).expect("test strings are short");
        SpawnHeader { process: 1, arguments, variables, bytes, watch_pids: 0, flags: 0 }
    }

    #[test]
    fn pointers_point_at_their_strings_and_end_in_nulls() {
        let strings = b"/bin/x\0/tmp\0x\0-a\0\0A=1\0";
        let header = header(3, 1, strings);
        let mut table = vec![c"unset".as_ptr(); pointers(&header).expect("four strings are few")];
        let layout = Layout::fill(&header, strings, &mut table).expect("counts are right");
        assert_eq!((layout.program, layout.cwd), (c"/bin/x", c"/tmp"), "the first two strings");
        assert_eq!(layout.environment, 4, "three arguments and a null come first");
        let offsets: Vec<Option<usize>> = table
            .iter()
            .map(|place| (!place.is_null()).then(|| place.addr() - strings.as_ptr().addr()))
            .collect();
        let expected = [Some(12), Some(14), Some(17), None, Some(18), None];
        assert_eq!(offsets, expected, "each points at the first byte of its string");
    }

    #[test]
    fn other_counts_are_refused() {
        let good: &[u8] = b"/x\0/\0x\0A=\0";
        let cases = [
            (1, 2, good, "a variable is missing"),
            (2, 1, good, "an argument is missing"),
            (1, 0, good, "a string too many"),
            (1, 1, &good[..good.len() - 1], "a tail without NUL"),
            (1, 1, b"", "nothing at all"),
            (1, 1, b"/x\0", "no working directory"),
        ];
        for (arguments, variables, strings, why) in cases {
            let header = header(arguments, variables, strings);
            let mut table = vec![null(); pointers(&header).expect("few")];
            let filled = Layout::fill(&header, strings, &mut table);
            assert_eq!(filled, Err(TableError::Count), "{why}");
        }
        let short = &mut [null(); 3];
        let filled = Layout::fill(&header(1, 1, good), good, short);
        assert_eq!(filled, Err(TableError::Count), "the table has no place for the last null");
    }

    #[test]
    fn more_pointers_than_the_kernel_takes_are_refused_before_memory_is_asked_for() {
        let most = MAX_SPAWN_BYTES / 8 - 3;
        let fits = SpawnHeader { arguments: most, ..header(1, 0, b"") };
        assert!(pointers(&fits).is_ok(), "one below the limit");
        let over = SpawnHeader { arguments: most + 1, ..fits };
        assert_eq!(pointers(&over), Err(TableError::TooMany), "execve would answer E2BIG");
        let absurd = SpawnHeader { arguments: u32::MAX, variables: u32::MAX, ..fits };
        assert_eq!(pointers(&absurd), Err(TableError::TooMany), "and no sum may wrap");
    }
}
