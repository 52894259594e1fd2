//! Writing a policy as TOML, as `isobar policy show` prints the merged result.

use crate::Policy;

impl Policy {
    /// The policy as TOML, in the order of the schema. What is unset is left out. Reading the
    /// text gives an equal policy.
    ///
    /// # Panics
    ///
    /// Never: a policy holds nothing that TOML cannot write.
    #[must_use]
    pub fn to_toml(&self) -> String {
        #[expect(
            clippy::expect_used,
            reason = "TOML can write every string, number and list; the only maps have string keys \
                      and there is no null, since what is unset is skipped"
        )]
        toml::to_string_pretty(self).expect("every policy has a TOML form")
    }
}
