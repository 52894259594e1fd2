//! Text in columns for a terminal: wrapping and padding by characters.
//!
//! Widths count characters, not cells: what is wider than one cell misaligns a line and harms
//! nothing else.

/// `text` in lines of at most `width` characters, broken at spaces where that is possible. At
/// least one line; no line ends in a space.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word;
        let used = line.chars().count();
        if used > 0 && used + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if used > 0 {
            lines.push(std::mem::take(&mut line));
        }
        // A word that no line can hold is cut.
        while let Some((cut, _)) = word.char_indices().nth(width) {
            let (head, tail) = word.split_at(cut);
            lines.push(head.to_owned());
            word = tail;
        }
        line.push_str(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// `text` with spaces up to `width`; longer text stays as it is.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

/// The number of characters of the longest of `texts`, at most `limit`.
pub(super) fn widest<'t>(texts: impl Iterator<Item = &'t str>, limit: usize) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_loses_no_word_and_keeps_the_width() {
        let text = "the quick brown fox jumps over the extraordinarily lazy dog";
        for width in 1..=text.len() + 1 {
            let lines = wrap(text, width);
            assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}: {lines:?}");
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            assert_eq!(letters(&lines.concat()), letters(text), "{width}: every letter is there");
        }
        assert_eq!(wrap("a b  c", 3), ["a b", "c"], "runs of spaces are one break");
        assert_eq!(wrap("", 5), [""], "an empty cell is one empty line");
        assert_eq!(wrap("äöüäöü", 4), ["äöüä", "öü"], "characters are not cut");
    }
}
