//! Quantities as people write them: `512M`, `30s`, `1.5`.
//!
//! Each unit parses once at the edge and is an integer afterwards, so that no later code rounds.
//! The text forms are those of container tools: byte suffixes are powers of 1024.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A quantity that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The text is not a size.
    #[error("{text:?} is not a size: write bytes as 4096, 64K, 512M, 2G or 1T")]
    Size {
        /// What was given.
        text: String,
    },
    /// The text is not a time span.
    #[error("{text:?} is not a time span: write 500ms, 30s, 5m or 1h")]
    Span {
        /// What was given.
        text: String,
    },
    /// The text is not a number of processors.
    #[error("{text:?} is not a number of processors: write 1, 0.5 or 2.25")]
    Cpus {
        /// What was given.
        text: String,
    },
}

/// A number of bytes. Text form: digits with an optional suffix K, M, G or T (powers of 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError::Size { text: text.to_owned() };
        let trimmed = text.trim();
        let digits = trimmed.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let suffix = trimmed.get(digits.len()..).unwrap_or_default();
        let factor: u64 = match suffix.to_ascii_uppercase().as_str() {
            "" | "B" => 1,
            "K" | "KB" | "KIB" => 1 << 10,
            "M" | "MB" | "MIB" => 1 << 20,
            "G" | "GB" | "GIB" => 1 << 30,
            "T" | "TB" | "TIB" => 1 << 40,
            _ => return Err(bad()),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad()); // the standard parser would take a sign
        }
        let number: u64 = digits.parse().map_err(|_| bad())?;
        number.checked_mul(factor).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shift, suffix) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] {
            let unit = 1_u64 << shift;
            if self.0 >= unit && self.0.is_multiple_of(unit) {
                return write!(f, "{}{suffix}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

/// A span of time with millisecond resolution. Text form: `500ms`, `30s`, `5m`, `1h 30m`; a bare
/// number is seconds, as `timeout(1)` reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    millis: u64,
}

impl Span {
    /// A span of `millis` milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis }
    }

    /// The span in milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.millis
    }

    /// The span as the standard library's type.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.millis)
    }
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError::Span { text: text.to_owned() };
        let trimmed = text.trim();
        if let Ok(seconds) = trimmed.parse::<f64>() {
            let duration = Duration::try_from_secs_f64(seconds).map_err(|_| bad())?;
            return span_of(duration).ok_or_else(bad);
        }
        span_of(humantime::parse_duration(trimmed).map_err(|_| bad())?).ok_or_else(bad)
    }
}

/// Refuses what does not fit, and what would silently become zero.
fn span_of(duration: Duration) -> Option<Span> {
    let millis = u64::try_from(duration.as_millis()).ok()?;
    if millis == 0 && !duration.is_zero() { None } else { Some(Span { millis }) }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.duration()).fmt(f)
    }
}

/// A share of processor time in thousandths of one processor. Text form: a decimal such as `0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpus {
    millis: u32,
}

impl Cpus {
    /// `millis` thousandths of a processor.
    #[must_use]
    pub const fn from_millis(millis: u32) -> Self {
        Self { millis }
    }

    /// Thousandths of a processor.
    #[must_use]
    pub const fn millis(self) -> u32 {
        self.millis
    }
}

impl FromStr for Cpus {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError::Cpus { text: text.to_owned() };
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if fraction.len() > 3 || !digits(whole) || !digits(fraction) || whole.is_empty() {
            return Err(bad());
        }
        let whole: u32 = whole.parse().map_err(|_| bad())?;
        let thousandths: u32 = format!("{fraction:0<3}").parse().map_err(|_| bad())?;
        let millis = whole.checked_mul(1000).and_then(|w| w.checked_add(thousandths));
        millis.map(|millis| Self { millis }).ok_or_else(bad)
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.millis / 1000, self.millis % 1000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{rest:03}");
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

/// Reads a quantity from its text form or from a bare number, as TOML and JSON both allow.
struct Quantity<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = UnitError>> de::Visitor<'_> for Quantity<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity such as \"512M\", \"30s\" or 2")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

macro_rules! quantity_serde {
    ($type:ident, $name:literal, $pattern:literal, $number:literal, $about:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Quantity(std::marker::PhantomData))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $about,
                    "anyOf": [{"type": "string", "pattern": $pattern}, {"type": $number, "minimum": 0}],
                })
            }
        }
    };
}

quantity_serde!(
    Bytes,
    "Bytes",
    "^[0-9]+([KkMmGgTt]([Ii]?[Bb])?|[Bb])?$",
    "integer",
    "Bytes; K, M, G and T are powers of 1024."
);
quantity_serde!(
    Span,
    "Span",
    "^[0-9. a-z]+$",
    "number",
    "A time span such as 500ms, 30s, 5m; a bare number is seconds."
);
quantity_serde!(
    Cpus,
    "Cpus",
    "^[0-9]+([.][0-9]{1,3})?$",
    "number",
    "Processors, to a thousandth: 0.5, 2."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_trip_and_refuse_what_overflows() {
        for (text, bytes) in
            [("0", 0), ("4096", 4096), ("64K", 65536), ("512m", 512 << 20), ("1GiB", 1 << 30)]
        {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "container tools read {text} so");
        }
        for bytes in [1, 1023, 1024, 1 << 20, (1 << 30) + 1] {
            assert_eq!(
                Bytes(bytes).to_string().parse(),
                Ok(Bytes(bytes)),
                "printing must lose nothing"
            );
        }
        for text in ["", "M", "-1", "1.5M", "99999999999T", "1X", "+1", "1 M"] {
            assert!(text.parse::<Bytes>().is_err(), "{text:?} has no meaning as a size");
        }
    }

    #[test]
    fn spans_read_seconds_and_never_round_to_nothing() {
        assert_eq!("2".parse(), Ok(Span::from_millis(2000)), "a bare number is seconds");
        assert_eq!("0.5".parse(), Ok(Span::from_millis(500)), "fractions of a second are exact");
        assert_eq!("1m 30s".parse(), Ok(Span::from_millis(90_000)), "compound spans add up");
        for text in ["", "-1", "NaN", "1us", "soon", "1e99"] {
            assert!(text.parse::<Span>().is_err(), "{text:?} must not become a deadline");
        }
    }

    #[test]
    fn processors_keep_thousandths() {
        assert_eq!("0.5".parse(), Ok(Cpus::from_millis(500)), "half a processor");
        assert_eq!(Cpus::from_millis(2250).to_string(), "2.25", "no trailing zeros");
        for text in ["", ".5", "1.2345", "-1", "two"] {
            assert!(text.parse::<Cpus>().is_err(), "{text:?} is not a share");
        }
    }
}
