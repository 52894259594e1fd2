//! What draws a screen, for a guest with a terminal of its own: an allow-list.
//!
//! Programs like vim, less and top move the cursor, erase, scroll, and switch modes of display and
//! input. What passes shows something and nothing more. What does not: strings (titles, the
//! clipboard, device control, which are [`super::State::ControlString`]); every question that the
//! terminal would answer as if it were typed, since the answer may come when the guest is gone and a
//! shell reads; window operations, printing, reprogramming keys, locking the keyboard, another
//! character encoding. Sources: ECMA-48, and xterm's ctlseqs.
//!
//! Invariant: [`LEAVE`] undoes every mode that the list lets a guest switch.

/// Puts everything back that can be switched: mouse, focus and paste reports off; cursor keys,
/// colours, origin, wrapping, blinking, cursor, main screen, margins, insertion and new line as
/// usual; numeric keypad; character set.
pub(super) const LEAVE: &[u8] = b"\x1b[?9;1000;1001;1002;1003;1004;1005;1006;1015;2004;2026l\
    \x1b[?1;5;6;12;45;66;69l\x1b[?7;25h\x1b[?47;1047;1049l\x1b7\x1b[r\x1b8\x1b[4;20l\x1b[34h\x1b[0 q\
    \x1b>\x1b(B\x1b)B\x0f\x1b[0m";

/// DEC private modes: cursor keys, reverse, origin, wrap, mouse, blinking and visible cursor, the other
/// screen, reverse wrap, keypad, margins, focus and paste reports, drawing at once.
const PRIVATE_MODES: [u32; 24] = [
    1, 5, 6, 7, 9, 12, 25, 45, 47, 66, 69, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1047,
    1048, 1049, 2004, 2026,
];
/// ANSI modes: insertion, new line, and the cursor of screen(1). Not 2, which locks the keyboard.
const MODES: [u32; 3] = [4, 20, 34];

/// A control that passes: bell, vertical tab, form feed, and the two that shift character sets.
pub(super) const fn control(byte: u8) -> bool {
    matches!(byte, 0x07 | 0x0b | 0x0c | 0x0e | 0x0f)
}

/// ESC and this: save and restore the cursor, keypad modes, index, new line, tab, reverse index.
pub(super) const fn escape(last: u8) -> bool {
    matches!(last, b'7' | b'8' | b'=' | b'>' | b'D' | b'E' | b'H' | b'M')
}

/// ESC, these, and `last`: the character sets ASCII, British, and line drawing.
pub(super) fn charset(intermediate: &[u8], last: u8) -> bool {
    matches!(intermediate, b"(" | b")") && matches!(last, b'0' | b'A' | b'B')
}

/// A control sequence with these parameters, intermediate bytes included.
pub(super) fn sequence(parameters: &[u8], last: u8) -> bool {
    let plain = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';'));
    match (parameters, last) {
        // The shape of the cursor.
        ([style @ .., b' '], b'q') => plain(style),
        ([b'?', modes @ ..], b'h' | b'l') => all_of(modes, &PRIVATE_MODES),
        ([b'?', what @ ..], b'J' | b'K') => plain(what),
        (modes, b'h' | b'l') => all_of(modes, &MODES),
        // With more than one it asks for a report of the mouse.
        (lines, b'T') => lines.iter().all(u8::is_ascii_digit),
        (numbers, b'@'..=b'M' | b'P' | b'S' | b'X' | b'Z' | b'`' | b'a' | b'b' | b'd'..=b'g') => {
            plain(numbers)
        }
        (numbers, b'r' | b's' | b'u') => plain(numbers),
        _ => false,
    }
}

fn all_of(modes: &[u8], list: &[u32]) -> bool {
    let number = |mode: &[u8]| std::str::from_utf8(mode).ok().and_then(|text| text.parse().ok());
    modes.split(|byte| *byte == b';').all(|mode| number(mode).is_some_and(|n| list.contains(&n)))
}

#[cfg(test)]
mod tests {
    use super::super::Filter;
    use super::*;

    fn drawn(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Filter::new(true).filter(bytes, &mut out);
        out
    }

    /// What ncurses' xterm-256color and vim write; each must arrive as it was sent.
    #[test]
    fn what_editors_draw_with_passes() {
        for sent in [
            "\x1b[?1049h\x1b[22;23H",
            "\x1b[H\x1b[2J",
            "\x1b[K",
            "\x1b[?25l\x1b[?25h",
            "\x1b[1;24r",
            "\x1b[?1h\x1b=",
            "\x1b[?1l\x1b>",
            "\x1b(0qqq\x1b(B",
            "\x1bM",
            "\x1b7\x1b8",
            "\x1b[3L\x1b[2P",
            "\x1b[?2004h\x1b[?1004h",
            "\x1b[2 q",
            "\x1b[31;1m",
            "\x07\x0e\x0f",
            "\x1b[10S\x1b[4T",
            "\x1b[?1006;1000h",
            "\x1b[4h\x1b[4l",
            "\x1b[5X\x1b[3@\x1b[8G\x1b[4d",
        ] {
            assert_eq!(drawn(sent.as_bytes()), sent.as_bytes(), "{sent:?} draws");
        }
    }

    #[test]
    fn what_acts_on_a_terminal_does_not() {
        for sent in [
            "\x1b]52;c;AAAA\x07",
            "\x1b]0;title\x07",
            "\x1b]2;title\x1b\\",
            "\x1b]10;?\x07",
            "\x1bP$qm\x1b\\",
            "\x1b_G\x1b\\",
            "\x1b^x\x1b\\",
            "\x1bXx\x1b\\",
            "\x1bkt\x1b\\",
            "\x05",
            "\x1bZ",
            "\x1bc",
            "\x1b%@",
            "\x1b[c",
            "\x1b[0c",
            "\x1b[>c",
            "\x1b[=c",
            "\x1b[5n",
            "\x1b[6n",
            "\x1b[?6n",
            "\x1b[x",
            "\x1b[21t",
            "\x1b[8;9;9t",
            "\x1b[i",
            "\x1b[4i",
            "\x1b[?u",
            "\x1b[>1u",
            "\x1b[>4;2m",
            "\x1b[?4m",
            "\x1b[>q",
            "\x1b[1$p",
            "\x1b[?1$p",
            "\x1b[1;1;1;1;1;1*y",
            "\x1b[61\"p",
            "\x1b[2h",
            "\x1b[4;2h",
            "\x1b[?3h",
            "\x1b[?1;3h",
            "\x1b[?h",
            "\x1b[1;1;1;1;1T",
            "\x1b[1;2'z",
            "\x1b[!p",
            "\x1b#8",
            "\x1b(%",
            "\x1b((B",
            "\u{9d}52;c;AA\u{9c}",
            "\u{9b}6n",
            "\x1b[1:2H",
        ] {
            assert_eq!(
                drawn(sent.as_bytes()),
                b"",
                "{sent:?} would make the terminal do something"
            );
        }
    }

    #[test]
    fn filtering_twice_is_filtering_once_and_cuts_make_no_difference() {
        let mut numbers = super::super::tests::Numbers(4711);
        for _ in 0..20_000 {
            let sent = [numbers.hostile(), b"\x1b[?25l".to_vec(), numbers.hostile()].concat();
            let once = drawn(&sent);
            assert_eq!(drawn(&once), once, "{sent:x?}: what passed is harmless by itself");
            let (head, tail) = sent.split_at(numbers.below(sent.len() + 1));
            let (mut filter, mut cut) = (Filter::new(true), Vec::new());
            filter.filter(head, &mut cut);
            filter.filter(tail, &mut cut);
            assert_eq!(cut, once, "{sent:x?} cut after {}", head.len());
        }
    }

    #[test]
    fn the_terminal_is_left_as_it_was() {
        let mut filter = Filter::new(true);
        filter.filter(b"\x1b[?1049h\x1b[?1000h", &mut Vec::new());
        let (mut once, mut twice) = (Vec::new(), Vec::new());
        filter.finish(&mut once);
        filter.finish(&mut twice);
        assert_eq!((once.as_slice(), twice.as_slice()), (LEAVE, &b""[..]), "once is enough");
        let leave = String::from_utf8_lossy(LEAVE);
        let named: Vec<u32> = leave
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        for mode in PRIVATE_MODES.iter().chain(&MODES) {
            // 1048 saves and restores the cursor, which is no mode.
            assert!(*mode == 1048 || named.contains(mode), "{mode} is put back");
        }
        let mut text = Vec::new();
        let mut filter = Filter::new(true);
        filter.filter(b"plain", &mut Vec::new());
        filter.finish(&mut text);
        assert_eq!(text, b"", "a program that only wrote text leaves nothing to undo");
    }
}
