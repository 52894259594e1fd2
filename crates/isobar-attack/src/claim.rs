//! What the payload says: one line with the token of its run. Hostile text otherwise.

use isobar_engine::policy::escape_bounded;

/// The most of a detail that is kept, in characters.
const DETAIL: usize = 200;

/// What the payload says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// That it succeeded.
    pub(crate) success: bool,
    /// How, or what refused it. Escaped and bounded.
    pub(crate) detail: String,
}

impl Claim {
    /// The claim with `token` in the guest's output, if there is exactly one.
    pub(crate) fn find(output: &[u8], token: &str) -> Option<Self> {
        let text = String::from_utf8_lossy(output);
        let mut claims = text.lines().filter_map(|line| Self::read(line, token));
        let first = claims.next();
        // Two answers are none.
        if claims.next().is_some() { None } else { first }
    }

    fn read(line: &str, token: &str) -> Option<Self> {
        let rest = line.strip_prefix("RESULT ")?.strip_prefix(token)?.strip_prefix(' ')?;
        let (word, detail) = rest.split_once(' ').unwrap_or((rest, ""));
        let success = match word {
            "succeeded" => true,
            "refused" => false,
            _ => return None,
        };
        Some(Self { success, detail: escape_bounded(detail, DETAIL) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_of_this_run_counts() {
        let output = b"RESULT old refused EPERM\nRESULT new succeeded unshare\nRESULT new \n";
        let claim = Claim::find(output, "new").expect("one line has it");
        assert_eq!((claim.success, claim.detail.as_str()), (true, "unshare"), "the right line");
        assert_eq!(Claim::find(output, "other"), None, "a replayed line says nothing");
    }

    #[test]
    fn a_guest_that_says_both_says_nothing() {
        let output = b"RESULT t refused EPERM\nRESULT t succeeded x\n";
        assert_eq!(Claim::find(output, "t"), None, "neither can be believed");
    }

    #[test]
    fn details_drive_no_terminal() {
        let claim = Claim::find(b"RESULT t refused \x1b[2J\n", "t").expect("a claim");
        assert!(!claim.detail.contains('\x1b'), "{:?}", claim.detail);
    }
}
