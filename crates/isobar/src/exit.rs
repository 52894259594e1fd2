//! The table of exit codes, as help ends with it. The numbers are decided in one place, the policy
//! crate, whose table this is.

use isobar_engine::policy::EXIT_CODES;

use crate::output::columns;

/// The table with its heading and its warning.
pub(crate) fn table() -> String {
    let row = |(code, meaning): &(&str, &str)| vec![(*code).to_owned(), (*meaning).to_owned()];
    let rows: Vec<Vec<String>> = EXIT_CODES.iter().map(row).collect();
    format!(
        "Exit codes:\n{}A program can return any of these itself; --status-fd and --report tell.",
        columns(&rows, "  ")
    )
}
