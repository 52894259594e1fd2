//! The late phase: what a process gives up for good.

use std::ffi::CString;

use isobar_os::landlock;
use isobar_os::seccomp::Filter;

use crate::error::JailError;
use crate::stage::confine;

/// One Landlock rule: what is allowed at and below a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandlockRule {
    /// Path inside the new root.
    pub path: CString,
    /// Rights, see [`isobar_os::landlock`].
    pub access: u64,
    /// Whether the path may be missing (a masked or optional file).
    pub optional: bool,
}

/// The Landlock domain of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandlockSpec {
    /// The kernel's ABI; all that it offers is handled.
    pub abi: u32,
    /// What is allowed.
    pub rules: Vec<LandlockRule>,
}

impl LandlockSpec {
    pub(crate) const fn handled(&self) -> u64 {
        landlock::handled(self.abi)
    }

    pub(crate) const fn scoped(&self) -> u64 {
        landlock::scopes(self.abi)
    }
}

/// Capabilities, no_new_privs, Landlock and the filter, applied in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Apply it; `false` is for a process that confines itself later. Until then only its bounding
    /// set is reduced, since after exec it lacks the right to.
    pub enforce: bool,
    /// Capabilities that stay, as a mask, also through exec; all others leave every set.
    pub keep_capabilities: u64,
    /// Landlock, unless it is absent.
    pub landlock: Option<LandlockSpec>,
    /// The filter.
    pub filter: Option<Filter>,
}

impl Confinement {
    /// Applies the late phase to the calling process, which must have one thread.
    ///
    /// # Errors
    /// [`JailError::Stage`] with the step that failed; the process is then partly confined and must
    /// end.
    pub fn confine_self(&self) -> Result<(), JailError> {
        confine::apply(self).map_err(|failure| JailError::Stage {
            step: failure.step,
            subject: None,
            errno: failure.errno,
        })
    }
}
