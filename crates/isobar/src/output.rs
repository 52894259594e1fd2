//! The one module that writes to the terminal.
//!
//! What a command produces (`doctor`, `explain`, `policy show`, help) goes to standard output; what
//! isobar says about a run goes to standard error, so that it never mixes with the guest's output.
//! Colour only where a person looks: a terminal, no NO_COLOR (no-color.org), no `TERM=dumb`, or
//! `--color always`. Nothing here panics when a stream is closed or full.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, BorrowedFd};

use isobar_engine::policy::{Code, Diagnostic, Style};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColourChoice {
    /// On terminals.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where text for people goes, and how it looks.
#[derive(Debug)]
pub(crate) struct Output {
    stdout_colour: bool,
    stderr_colour: bool,
    quiet: bool,
}

impl Output {
    /// Looks at the two streams and the environment once.
    pub(crate) fn new(choice: ColourChoice, quiet: bool) -> Self {
        let (no_colour, term) = (std::env::var_os("NO_COLOR"), std::env::var_os("TERM"));
        let wanted = no_colour.is_none_or(|value| value.is_empty())
            && term.is_none_or(|value| value != "dumb");
        let coloured = |terminal: bool| match choice {
            ColourChoice::Auto => terminal && wanted,
            ColourChoice::Always => true,
            ColourChoice::Never => false,
        };
        Self {
            stdout_colour: coloured(io::stdout().is_terminal()),
            stderr_colour: coloured(io::stderr().is_terminal()),
            quiet,
        }
    }

    /// The same streams, silent about runs if `quiet`.
    pub(crate) const fn quieted(self, quiet: bool) -> Self {
        Self { quiet, ..self }
    }

    /// How text on standard output is styled.
    pub(crate) const fn data_paint(&self) -> Paint {
        Paint { colour: self.stdout_colour }
    }

    /// How text on standard error is styled.
    pub(crate) const fn note_paint(&self) -> Paint {
        Paint { colour: self.stderr_colour }
    }

    /// How a whole report on standard error is styled.
    pub(crate) fn report_style(&self) -> Style {
        Style { colour: self.stderr_colour, unicode: reads_utf8() }
    }

    /// Writes what a command produces. A reader that has gone away is content with what it got.
    ///
    /// # Errors
    /// [`Code::RunStream`] where standard output cannot take it.
    #[expect(clippy::unused_self, reason = "only who holds the output may write")]
    pub(crate) fn data(&self, text: &str) -> Result<(), Diagnostic> {
        match write_all(io::stdout().as_fd(), text.as_bytes()) {
            Ok(()) | Err(Errno::PIPE) => Ok(()),
            Err(errno) => Err(Diagnostic {
                code: Code::RunStream,
                summary: "cannot write to standard output".to_owned(),
                causes: vec![io::Error::from(errno).to_string()],
                remedy: "give it room, or another place".to_owned(),
            }),
        }
    }

    /// Says something about a run, unless asked to be quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.asked(text);
        }
    }

    /// Says on standard error what the user asked for by name, quiet or not.
    #[expect(clippy::unused_self, reason = "only who holds the output may write")]
    pub(crate) fn asked(&self, text: &str) {
        // Nobody is left to tell when standard error itself is gone.
        write_all(io::stderr().as_fd(), text.as_bytes()).ok();
    }

    /// Tells everything that went wrong, in one write, and each thing once.
    pub(crate) fn errors(&self, diagnostics: &[Diagnostic]) {
        let mut told: Vec<String> = Vec::new();
        for diagnostic in diagnostics {
            let text = diagnostic.render(self.stderr_colour);
            if !told.contains(&text) {
                told.push(text);
            }
        }
        self.note(&told.concat());
    }
}

/// Colour, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    /// Whether escape sequences are written.
    pub(crate) colour: bool,
}

impl Paint {
    pub(crate) fn bold(self, text: &str) -> String {
        self.styled("1", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.styled("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.styled("31", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.styled("2", text)
    }

    fn styled(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Whether the locale says UTF-8; the first variable that is set decides (locale(7)).
fn reads_utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.ends_with("utf-8") || locale.ends_with("utf8")
    })
}

/// The widest line of what is laid out here.
const WIDTH: usize = 100;

/// Columns of text, each as wide as its widest cell; the last is folded where a line would be
/// wider than a terminal.
pub(crate) fn columns(rows: &[Vec<String>], indent: &str) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut lead = indent.to_owned();
        let (last, padded) = match row.split_last() {
            Some((last, padded)) if row.len() == count => (last.as_str(), padded),
            _ => ("", row.as_slice()),
        };
        for (cell, width) in padded.iter().zip(&widths) {
            // Writing to a String cannot fail.
            write!(lead, "{cell:<width$}  ").ok();
        }
        text.push_str(&folded(&lead, last));
    }
    text
}

/// `body` after `lead`, folded between words; what follows stands below the first word. A name too
/// long for what is left of the line is not broken.
pub(crate) fn folded(lead: &str, body: &str) -> String {
    let start = lead.chars().count();
    let limit = WIDTH.max(start + 24);
    let (mut text, mut line, mut width) = (String::new(), lead.to_owned(), start);
    for word in body.split_whitespace() {
        let length = word.chars().count();
        if width > start && width + 1 + length > limit {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(start);
            width = start;
        }
        if width > start {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += length;
    }
    text.push_str(line.trim_end());
    text.push('\n');
    text
}

/// Writes all of `bytes`; waits where the descriptor was made non-blocking by somebody.
pub(crate) fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut ready = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
                match poll(&mut ready, None) {
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(errno) => return Err(errno),
                }
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_clean() {
        let rows =
            vec![vec!["a".to_owned(), "bb".to_owned()], vec!["ccc".to_owned(), String::new()]];
        assert_eq!(columns(&rows, "  "), "  a    bb\n  ccc\n", "no blanks at the end of a line");
        assert_eq!(columns(&[], ""), "", "no rows, no text");
    }

    #[test]
    fn the_last_column_is_folded_under_itself() {
        let words = "word ".repeat(30);
        let text = columns(&[vec!["name".to_owned(), words.clone()]], "  ");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "fits: {text}");
        assert_eq!(text.split_whitespace().skip(1).count(), 30, "and nothing is lost: {text}");
        assert!(text.lines().nth(1).unwrap().starts_with("        word"), "in its column: {text}");
    }

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Paint { colour: false }.bad("x"), "x", "a file gets the bare text");
        assert_eq!(Paint { colour: true }.bad("x"), "\x1b[31mx\x1b[0m", "a terminal gets colour");
    }

    #[test]
    fn a_closed_pipe_is_an_error_and_no_signal() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(write_all(writer.as_fd(), b"x"), Err(Errno::PIPE), "the caller decides");
    }
}
