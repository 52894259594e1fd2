//! Why a policy could not be read, and what to do about it.

use std::fmt;

use crate::{Code, Diagnostic, Policy};

/// Where in the text something stands. Both count from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// The place of the byte `offset` of `text`; the end where `offset` lies beyond it.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// ` (line 3, column 1)`, or nothing where the place is not known.
struct At(Option<Place>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |place| write!(f, " ({place})"))
    }
}

/// A policy that could not be read. Keys are dotted, such as `limits.memory` or `fs.ro[0].path`;
/// the place is known for TOML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The text is too long to be a policy.
    #[error("the policy has {bytes} bytes; at most {limit} are read")]
    TooLarge {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// The bytes are not text.
    #[error("the policy is not UTF-8 text (byte {offset})")]
    NotUtf8 {
        /// The first byte that does not belong to text, counted from 0.
        offset: usize,
    },
    /// The text is not well formed.
    #[error("the policy is not well-formed {format}: {message} ({place})")]
    Syntax {
        /// `TOML` or `JSON`.
        format: &'static str,
        /// What the reader says.
        message: String,
        /// Where.
        place: Place,
    },
    /// No version, or one that is not read.
    #[error("{}", match found {
        Some(found) => format!("version {found} of the policy schema is not known{}", At(*place)),
        None => "the policy states no version".to_owned(),
    })]
    Version {
        /// What stands there.
        found: Option<String>,
        /// Where.
        place: Option<Place>,
    },
    /// A key that the schema does not have.
    #[error("unknown key `{key}`{}", At(*place))]
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that is most like it, if one is.
        nearest: Option<String>,
        /// Where.
        place: Option<Place>,
    },
    /// A key that the schema requires.
    #[error("`{key}` is missing{}", At(*place))]
    MissingKey {
        /// The key.
        key: String,
        /// Where its table stands.
        place: Option<Place>,
    },
    /// A word that is not in the key's list.
    #[error("`{key}` cannot be {value:?}{}", At(*place))]
    UnknownChoice {
        /// The key.
        key: String,
        /// What stands there.
        value: String,
        /// The words that the key takes.
        choices: Vec<String>,
        /// Where.
        place: Option<Place>,
    },
    /// A value of the wrong type, or one that cannot be read.
    #[error("`{key}` must be {expected}, and is {found}{}", At(*place))]
    BadValue {
        /// The key.
        key: String,
        /// What it must be.
        expected: String,
        /// What stands there.
        found: String,
        /// Where.
        place: Option<Place>,
    },
}

impl PolicyError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::PolicyTooLarge,
            Self::NotUtf8 { .. } => Code::PolicyNotUtf8,
            Self::Syntax { .. } => Code::PolicySyntax,
            Self::Version { .. } => Code::PolicyVersion,
            Self::UnknownKey { .. } => Code::PolicyUnknownKey,
            Self::MissingKey { .. } => Code::PolicyMissingKey,
            Self::UnknownChoice { .. } => Code::PolicyUnknownChoice,
            Self::BadValue { .. } => Code::PolicyBadValue,
        }
    }

    /// What the user can do, in one line.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::TooLarge { .. } => "give a policy file, which is short".to_owned(),
            Self::NotUtf8 { .. } => "save the file as UTF-8".to_owned(),
            Self::Syntax { format, .. } => format!("correct the {format} at that place"),
            Self::Version { .. } => format!("write `version = {}`", Policy::VERSION),
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownKey { nearest: None, .. } => {
                "remove it; `isobar policy schema` prints every key".to_owned()
            }
            Self::MissingKey { key, .. } => format!("add `{key}`"),
            Self::UnknownChoice { choices, .. } => match choices.as_slice() {
                [one] => format!("write `{one}`"),
                _ => format!("write one of {}", choices.join(", ")),
            },
            Self::BadValue { expected, .. } => format!("write {expected}"),
        }
    }

    /// Where in the text, where that is known.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::TooLarge { .. } | Self::NotUtf8 { .. } => None,
            Self::Syntax { place, .. } => Some(*place),
            Self::Version { place, .. }
            | Self::UnknownKey { place, .. }
            | Self::MissingKey { place, .. }
            | Self::UnknownChoice { place, .. }
            | Self::BadValue { place, .. } => *place,
        }
    }
}

impl From<&PolicyError> for Diagnostic {
    fn from(error: &PolicyError) -> Self {
        Self::new(error.code(), error, error.remedy())
    }
}
