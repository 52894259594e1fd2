//! Rust source text as the rules see it: code with comments and literals blanked out.
//!
//! A rule that searches for `unsafe` or a name must not trip over a comment or a string, so a small
//! lexer replaces their text by blanks and keeps every line where it was. It knows line and nested
//! block comments, all string forms, and tells character literals from lifetimes. Items under
//! `#[cfg(test)]` and files of tests are marked, since most rules are about what ships.

use std::path::{Component, Path, PathBuf};

/// One `.rs` file.
pub(crate) struct Source {
    /// Relative to the root of the checkout.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// `text` with comments and the contents of literals blanked out; the same lines.
    code: String,
    literals: Vec<Literal>,
    /// For each line whether it belongs to tests.
    test: Vec<bool>,
}

/// A string literal.
pub(crate) struct Literal {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// A line of code, numbered from 1.
pub(crate) struct Line<'a> {
    pub(crate) number: usize,
    pub(crate) code: &'a str,
    pub(crate) test: bool,
}

impl Source {
    pub(crate) fn new(path: PathBuf, text: String) -> Self {
        let (code, literals) = Lexer::new(&text).run();
        let test =
            if is_test_file(&path) { vec![true; code.lines().count()] } else { test_lines(&code) };
        Self { path, text, code, literals, test }
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.code.lines().zip(&self.test).enumerate().map(|(index, (code, test))| Line {
            number: index + 1,
            code,
            test: *test,
        })
    }

    /// The lines that ship.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = Line<'_>> {
        self.lines().filter(|line| !line.test)
    }

    /// The string literals that ship.
    pub(crate) fn shipped_literals(&self) -> impl Iterator<Item = &Literal> {
        self.literals
            .iter()
            .filter(|literal| self.test.get(literal.line - 1).is_some_and(|test| !test))
    }

    /// The crate's directory name, such as `isobar-os` or `xtask`.
    pub(crate) fn package(&self) -> &str {
        let mut parts = self.path.iter().filter_map(|part| part.to_str());
        match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            Some(first) => first,
            None => "",
        }
    }
}

/// The identifiers and keywords of a line of code with the byte offset at which each begins.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let part_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + code.get(rest..)?.find(part_of_word)?;
        let tail = code.get(start..)?;
        let length = tail.find(|letter| !part_of_word(letter)).unwrap_or(tail.len());
        rest = start + length;
        Some((start, tail.get(..length)?))
    })
}

fn is_test_file(path: &Path) -> bool {
    let in_directory = path.components().any(
        |part| matches!(part, Component::Normal(name) if name == "tests" || name == "benches"),
    );
    // In a crate that is a file of fuzz targets, which are tests.
    let fuzz = path.starts_with("crates") && path.ends_with("fuzz.rs");
    in_directory || fuzz || path.file_name().is_some_and(|name| name == "tests.rs")
}

/// Marks the lines of items under `#[cfg(test)]` (and `cfg(all(test, …))`).
fn test_lines(code: &str) -> Vec<bool> {
    let lines: Vec<&str> = code.lines().collect();
    let mut test = vec![false; lines.len()];
    let mut depth = None; // of braces inside the marked item; None outside of one
    for (line, marked) in lines.iter().zip(&mut test) {
        let attribute = line.trim_start();
        let begins =
            attribute.starts_with("#[cfg(test)]") || attribute.starts_with("#[cfg(all(test");
        if depth.is_none() && !begins {
            continue;
        }
        *marked = true;
        let mut level = depth.unwrap_or(0);
        let mut ended = false;
        let after_attribute = if begins && depth.is_none() {
            attribute.split_once(']').map_or("", |(_, rest)| rest)
        } else {
            line
        };
        for letter in after_attribute.chars() {
            match letter {
                '{' => level += 1,
                '}' => level -= 1,
                _ => {}
            }
            ended |= level == 0 && matches!(letter, '}' | ';' | ',');
        }
        depth = if ended { None } else { Some(level) };
    }
    test
}

/// Walks through source text once.
struct Lexer {
    text: Vec<char>,
    at: usize,
    line: usize,
    code: String,
    literals: Vec<Literal>,
}

impl Lexer {
    fn new(text: &str) -> Self {
        let (code, literals) = (String::with_capacity(text.len()), Vec::new());
        Self { text: text.chars().collect(), at: 0, line: 1, code, literals }
    }

    fn run(mut self) -> (String, Vec<Literal>) {
        while let Some(letter) = self.peek(0) {
            match letter {
                '/' if self.peek(1) == Some('/') => {
                    self.blank_while(|lexer| lexer.peek(0) != Some('\n'))
                }
                '/' if self.peek(1) == Some('*') => self.block_comment(),
                '"' => self.string(),
                'r' | 'b' | 'c' if !self.inside_word() && self.raw_hashes().is_some() => {
                    self.raw_string();
                }
                '\'' => self.quote(),
                _ => self.keep(),
            }
        }
        (self.code, self.literals)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    /// Whether the letter before this one belongs to a word.
    fn inside_word(&self) -> bool {
        self.at
            .checked_sub(1)
            .and_then(|before| self.text.get(before))
            .is_some_and(|letter| letter.is_alphanumeric() || *letter == '_')
    }

    fn keep(&mut self) {
        if let Some(letter) = self.peek(0) {
            self.line += usize::from(letter == '\n');
            self.code.push(letter);
            self.at += 1;
        }
    }

    /// Skips one letter; a line break stays one.
    fn blank(&mut self) -> Option<char> {
        let letter = self.peek(0)?;
        self.line += usize::from(letter == '\n');
        self.code.push(if letter == '\n' { '\n' } else { ' ' });
        self.at += 1;
        Some(letter)
    }

    fn blank_while(&mut self, more: impl Fn(&Self) -> bool) {
        while self.peek(0).is_some() && more(self) {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                (None, _) => return,
                _ => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.keep();
        let line = self.line;
        let mut text = String::new();
        while let Some(letter) = self.peek(0).filter(|letter| *letter != '"') {
            text.push(letter);
            self.blank();
            if letter == '\\' {
                text.extend(self.blank());
            }
        }
        self.keep();
        self.literals.push(Literal { line, text });
    }

    /// The number of hashes if a raw string begins here (`r"`, `r#"`, `br"`, `cr"`).
    fn raw_hashes(&self) -> Option<usize> {
        let r = usize::from(self.peek(0) != Some('r'));
        if self.peek(r) != Some('r') {
            return None;
        }
        let hashes = (r + 1..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
        (self.peek(r + 1 + hashes) == Some('"')).then_some(hashes)
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_hashes().unwrap_or(0);
        while self.peek(0) != Some('"') {
            self.keep();
        }
        self.keep();
        let line = self.line;
        let mut text = String::new();
        let closes = |lexer: &Self| {
            lexer.peek(0) == Some('"') && (1..=hashes).all(|ahead| lexer.peek(ahead) == Some('#'))
        };
        while self.peek(0).is_some() && !closes(self) {
            text.extend(self.blank());
        }
        (0..=hashes).for_each(|_| self.keep());
        self.literals.push(Literal { line, text });
    }

    /// A character literal is blanked, a lifetime kept.
    fn quote(&mut self) {
        let escaped = self.peek(1) == Some('\\');
        if !escaped && self.peek(2) != Some('\'') {
            self.keep();
            return;
        }
        self.keep();
        if escaped {
            self.blank();
        }
        self.blank();
        self.blank_while(|lexer| lexer.peek(0) != Some('\''));
        self.keep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::new("src/lib.rs".into(), text.to_owned()).code
    }

    #[test]
    fn comments_and_literals_are_blanked_and_lines_stay() {
        assert_eq!(
            code("a // unsafe\nb /* x /* y */\nz */ c"),
            "a          \nb             \n     c"
        );
        assert_eq!(code(r#"f("un\"safe", b"x", '"', '\'')"#).matches("safe").count(), 0);
        assert_eq!(
            code("r#\"unsafe \" {\"# + r\"\\\" + 1").trim_end(),
            "r#\"          \"# + r\" \" + 1"
        );
    }

    #[test]
    fn lifetimes_raw_identifiers_and_numbers_stay() {
        let text = "fn f<'a>(r#type: &'a u8) { 'out: loop { break 'out } }";
        assert_eq!(code(text), text);
    }

    #[test]
    fn literals_are_collected_with_their_line() {
        let source = Source::new("src/lib.rs".into(), "\nlet a = \"wasm\";".to_owned());
        let found: Vec<_> = source.shipped_literals().map(|l| (l.line, l.text.as_str())).collect();
        assert_eq!(found, [(2, "wasm")]);
    }

    #[test]
    fn the_item_under_cfg_test_is_marked_to_its_end_only() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { }\n}\nfn c() {}\n\
                    #[cfg(test)]\nuse x;\nfn d() {}";
        let source = Source::new("src/lib.rs".into(), text.to_owned());
        let shipped: Vec<usize> = source.shipped().map(|line| line.number).collect();
        assert_eq!(shipped, [1, 6, 9]);
    }

    #[test]
    fn files_of_tests_do_not_ship() {
        for path in ["crates/isobar/tests/run.rs", "crates/isobar-os/src/mount/tests.rs"] {
            let source = Source::new(path.into(), "fn a() {}".to_owned());
            assert_eq!(source.shipped().count(), 0, "{path}");
        }
    }

    #[test]
    fn words_are_whole_identifiers() {
        let found: Vec<_> = words("unsafe_code, unsafe{r#x}").collect();
        assert_eq!(found, [(0, "unsafe_code"), (13, "unsafe"), (20, "r"), (22, "x")]);
    }
}
