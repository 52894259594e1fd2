//! Random words: tokens that tell one run from another, and the secrets of canaries.

use std::fmt;

use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};

/// The kernel gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the kernel gives no random bytes")]
pub struct TokenError(#[source] Errno);

/// 128 random bits in hexadecimal. Nobody can guess one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one (getrandom(2)).
    ///
    /// # Errors
    /// As getrandom(2), which fails on no kernel that isobar runs on.
    pub fn new() -> Result<Self, TokenError> {
        let mut bytes = [0_u8; 16];
        // Up to 256 bytes come whole (getrandom(2)).
        getrandom(&mut bytes, GetRandomFlags::empty()).map_err(TokenError)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let (a, b) = (Token::new().unwrap(), Token::new().unwrap());
        assert_ne!(a, b, "a guest that knew one could claim a success of another run");
        assert_eq!(a.as_str().len(), 32, "one word without blanks");
    }
}
