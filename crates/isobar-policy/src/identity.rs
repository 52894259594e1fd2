//! Who the guest is, as it sees itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `[identity]` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IdentityClauses {
    /// The guest's user number inside, 1 to 65533; 1000 where unset. Never 0: a guest that is
    /// root inside gains nothing here and confuses programs that then expect capabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65533))]
    pub uid: Option<u32>,
    /// The guest's group number inside, 1 to 65533; 1000 where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65533))]
    pub gid: Option<u32>,
    /// The host name that the guest reads, at most 63 characters; `isobar` where unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$")
    )]
    pub hostname: Option<String>,
}

impl IdentityClauses {
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
