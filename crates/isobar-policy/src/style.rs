//! How text for people looks: with or without colour, with or without characters beyond ASCII.
//!
//! Who prints decides (a terminal, NO_COLOR, the locale); nothing here asks the world.

/// How to write for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether to use the terminal's colours (ECMA-48 SGR sequences).
    pub colour: bool,
    /// Whether to use characters beyond ASCII, such as `✓`.
    pub unicode: bool,
}

impl Style {
    /// No colour, ASCII only: for a file or a dumb terminal.
    pub const PLAIN: Self = Self { colour: false, unicode: false };
    /// No colour, Unicode: for documents.
    pub const TEXT: Self = Self { colour: false, unicode: true };
    /// Colour and Unicode: for a terminal.
    pub const TERMINAL: Self = Self { colour: true, unicode: true };

    /// `text` in `ink`; as it is without colour, and where nothing would be seen of it.
    pub(crate) fn paint(self, ink: Ink, text: &str) -> String {
        if self.colour && ink != Ink::Plain && !text.trim().is_empty() {
            format!("\u{1b}[{}m{text}\u{1b}[0m", ink.parameters())
        } else {
            text.to_owned()
        }
    }

    /// The first of both where Unicode may be used, else the second.
    pub(crate) const fn either<'t>(self, unicode: &'t str, ascii: &'t str) -> &'t str {
        if self.unicode { unicode } else { ascii }
    }
}

/// The few ways in which text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// As the terminal writes.
    Plain,
    /// A heading or a name.
    Bold,
    /// What matters less.
    Dim,
    /// It holds.
    Good,
    /// It holds in a weaker form, or the program's own failure.
    Warn,
    /// It does not hold.
    Bad,
}

impl Ink {
    /// The SGR parameters, from the eight basic colours that every terminal themes.
    const fn parameters(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "1;31",
        }
    }
}
