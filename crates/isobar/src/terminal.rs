//! What a guest may say to a terminal: text and colour, or also what draws a screen.
//!
//! A terminal obeys the bytes that it shows: sequences write the clipboard, answer questions into
//! the shell's input, rename windows and hide what follows. So when a guest's output goes to a
//! terminal, this filter lets pass UTF-8 text, tab, line feed, carriage return, backspace, and SGR
//! sequences (ECMA-48 8.3.117: colour and weight); everything else is dropped, in 7-bit and in
//! 8-bit form. With `-t` the list is longer, since editors draw: see [`drawing`]. `--raw` leaves the
//! filter out; output that goes elsewhere never meets it.
//!
//! Invariants: memory is bounded whatever the guest sends; how its bytes are cut into writes makes
//! no difference; each result is whole characters and whole sequences, so that text of ours can
//! follow at any time; filtering twice is filtering once. The terminal is taken to read UTF-8.

mod drawing;
pub(crate) mod screen;

/// What of the guest's bytes reaches a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Text and colour.
    Text,
    /// Also what draws a screen: the guest has a terminal of its own.
    Screen,
    /// Everything.
    Raw,
}

/// The longest parameters of an SGR sequence that is kept. True colour for both grounds takes 37.
const MAX_PARAMETERS: usize = 64;

/// After so many bytes a control string without an end is taken to be over, so that a stray
/// introducer in binary output does not swallow all that follows.
const MAX_STRING: usize = 128 << 10;

const ESC: u8 = 0x1b;
const REPLACEMENT: &str = "\u{fffd}";
const RESET: &[u8] = b"\x1b[0m";

/// Where the guest's bytes stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Text.
    Ground,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte.
    EscapeIntermediate,
    /// In the parameters of a control sequence that may be SGR.
    Parameters,
    /// In a control sequence that is dropped.
    Ignored,
    /// In a control string (OSC, DCS, APC, PM, SOS, window title), of which so many bytes passed.
    ControlString(usize),
    /// After ESC inside a control string.
    ControlStringEscape,
}

/// A filter for one stream of guest output. See the module's text for what passes.
#[derive(Debug)]
pub(crate) struct Filter {
    state: State,
    /// The bytes of an unfinished UTF-8 character: at most three.
    character: Vec<u8>,
    /// The parameters of an unfinished sequence, intermediate bytes included: at most
    /// [`MAX_PARAMETERS`].
    parameters: Vec<u8>,
    /// Whether what draws a screen may pass.
    draws: bool,
    /// Whether something of that passed, so that modes may have to be put back.
    drawn: bool,
    /// Whether the terminal is left in another style than its own.
    styled: bool,
}

impl Filter {
    /// A filter that lets pass text and colour; with `draws` also what draws a screen.
    pub(crate) const fn new(draws: bool) -> Self {
        Self {
            state: State::Ground,
            character: Vec::new(),
            parameters: Vec::new(),
            draws,
            drawn: false,
            styled: false,
        }
    }

    /// Appends to `out` what may pass of `bytes`.
    pub(crate) fn filter(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            if self.state == State::Ground && self.character.is_empty() {
                let text = rest.iter().take_while(|byte| matches!(byte, b' '..=b'~')).count();
                if text > 0 {
                    let (run, after) = rest.split_at(text);
                    out.extend_from_slice(run);
                    rest = after;
                    continue;
                }
            }
            self.byte(*first, out);
            rest = after;
        }
    }

    /// Ends the stream: appends what makes the terminal ready for text of ours.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.character.is_empty() {
            out.extend_from_slice(REPLACEMENT.as_bytes());
            self.character.clear();
        }
        if self.drawn {
            out.extend_from_slice(drawing::LEAVE);
            self.drawn = false;
        }
        if self.styled {
            out.extend_from_slice(RESET);
            self.styled = false;
        }
        self.state = State::Ground;
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        match self.state {
            State::Ground => self.ground(byte, out),
            State::Escape => self.escape(byte, out),
            State::EscapeIntermediate => match byte {
                // Two are more than any that passes has.
                b' '..=b'/' if self.parameters.len() < 2 => self.parameters.push(byte),
                b' '..=b'/' => {}
                b'0'..=b'~' => {
                    self.state = State::Ground;
                    if self.draws && drawing::charset(&self.parameters, byte) {
                        self.draw(byte, out);
                    }
                }
                _ => self.aborted(byte, out),
            },
            State::Parameters => self.sequence(byte, out),
            State::Ignored => match byte {
                b' '..=b'?' => {}
                b'@'..=b'~' => self.state = State::Ground,
                _ => self.aborted(byte, out),
            },
            State::ControlString(passed) => self.control_string(byte, passed),
            State::ControlStringEscape => match byte {
                b'\\' => self.state = State::Ground,
                // Not the end of the string, so a sequence of its own that breaks the string off.
                _ => self.escape(byte, out),
            },
        }
    }

    fn ground(&mut self, byte: u8, out: &mut Vec<u8>) {
        if !self.character.is_empty() {
            return self.continuation(byte, out);
        }
        match byte {
            b'\t' | b'\n' | b'\r' | b'\x08' | b' '..=b'~' => out.push(byte),
            _ if self.draws && drawing::control(byte) => {
                self.drawn = true;
                out.push(byte);
            }
            ESC => self.state = State::Escape,
            0x80..=0x9f => self.c1(byte),
            0xc2..=0xf4 => self.character.push(byte),
            0xa0..=0xff => out.extend_from_slice(REPLACEMENT.as_bytes()),
            _ => {}
        }
    }

    /// A byte after the beginning of a UTF-8 character.
    fn continuation(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.character.push(byte);
        match std::str::from_utf8(&self.character).map(|text| text.chars().next()) {
            Ok(Some(c @ '\u{80}'..='\u{9f}')) => {
                self.character.clear();
                if let Ok(c1) = u8::try_from(u32::from(c)) {
                    self.c1(c1);
                }
            }
            Ok(_) => {
                out.extend_from_slice(&self.character);
                self.character.clear();
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => {
                self.character.clear();
                out.extend_from_slice(REPLACEMENT.as_bytes());
                self.ground(byte, out);
            }
        }
    }

    /// A C1 control, which is an ESC sequence in one character.
    fn c1(&mut self, byte: u8) {
        self.state = match byte {
            0x9b => self.begun(),
            0x90 | 0x98 | 0x9d | 0x9e | 0x9f => State::ControlString(0),
            _ => State::Ground,
        };
    }

    fn begun(&mut self) -> State {
        self.parameters.clear();
        State::Parameters
    }

    fn escape(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = match byte {
            b'[' => self.begun(),
            // DCS, SOS, OSC, PM, APC, and the window title of screen(1).
            b'P' | b'X' | b']' | b'^' | b'_' | b'k' => State::ControlString(0),
            ESC => State::Escape,
            b' '..=b'/' => {
                self.parameters.clear();
                self.parameters.push(byte);
                State::EscapeIntermediate
            }
            b'0'..=b'~' => {
                if self.draws && drawing::escape(byte) {
                    self.parameters.clear();
                    self.draw(byte, out);
                }
                State::Ground
            }
            _ => return self.aborted(byte, out),
        };
    }

    fn sequence(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'0'..=b';' if self.parameters.len() < MAX_PARAMETERS => self.parameters.push(byte),
            b' '..=b'?' if self.draws && self.parameters.len() < MAX_PARAMETERS => {
                self.parameters.push(byte);
            }
            // Too long, private (`<` to `?`) or with an intermediate byte: not SGR.
            b' '..=b'?' => self.state = State::Ignored,
            b'm' if self.parameters.iter().all(|byte| matches!(byte, b'0'..=b';')) => {
                out.extend_from_slice(b"\x1b[");
                out.extend_from_slice(&self.parameters);
                out.push(b'm');
                self.styled = !matches!(self.parameters.as_slice(), b"" | b"0");
                self.state = State::Ground;
            }
            b'@'..=b'~' => {
                self.state = State::Ground;
                if self.draws && drawing::sequence(&self.parameters, byte) {
                    self.parameters.insert(0, b'[');
                    self.draw(byte, out);
                }
            }
            _ => self.aborted(byte, out),
        }
    }

    /// Lets a sequence pass that ends in `byte` and has the parameters for its middle.
    fn draw(&mut self, byte: u8, out: &mut Vec<u8>) {
        out.push(ESC);
        out.extend_from_slice(&self.parameters);
        out.push(byte);
        self.drawn = true;
    }

    fn control_string(&mut self, byte: u8, passed: usize) {
        const BEL: u8 = 0x07;
        const CAN: u8 = 0x18;
        const SUB: u8 = 0x1a;
        self.state = match byte {
            BEL | CAN | SUB => State::Ground,
            ESC => State::ControlStringEscape,
            _ if passed >= MAX_STRING => State::Ground,
            _ => State::ControlString(passed + 1),
        };
    }

    /// A byte that no sequence holds: the sequence is dropped, the byte is judged as text.
    fn aborted(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = State::Ground;
        self.ground(byte, out);
    }
}

#[cfg(test)]
mod tests;
