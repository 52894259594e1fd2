//! Where the groups of a sandbox are made: each controller in its own hierarchy of version 1 where there is one,
//! else in the unified hierarchy.

use std::path::PathBuf;

use isobar_policy::{CgroupVersion, Controller};

use super::discover::Hierarchies;
use super::group::{CgroupError, Limits};
use super::unified::Base;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Place {
    hierarchies: Hierarchies,
    base: Option<Base>,
}

impl Place {
    /// Finds a place for groups with `limits`. Where the unified hierarchy is needed this may move
    /// the calling process into a scope of its own (see [`Base::settle`]).
    ///
    /// # Errors
    /// [`CgroupError`]
    pub fn settle(hierarchies: Hierarchies, limits: Limits) -> Result<Self, CgroupError> {
        let unified = limits.controllers().filter(|one| hierarchies.directory(*one).is_none());
        let unified: Vec<Controller> = unified.collect();
        let base = if unified.is_empty() { None } else { Some(Base::settle(&unified)?) };
        Ok(Self { hierarchies, base })
    }

    /// A place in hierarchies of version 1 only.
    #[must_use]
    pub const fn of_version_1(hierarchies: Hierarchies) -> Self {
        Self { hierarchies, base: None }
    }

    /// Whether that is in a scope that the calling process has moved into.
    #[must_use]
    pub fn is_scope(&self) -> bool {
        self.base.as_ref().is_some_and(Base::is_scope)
    }

    /// The directory below which the group of `controller` is made, and by which interface.
    #[must_use]
    pub fn of(&self, controller: Controller) -> Option<(CgroupVersion, PathBuf)> {
        if let Some(directory) = self.hierarchies.directory(controller) {
            return Some((CgroupVersion::V1, directory.clone()));
        }
        let base = self.base.as_ref()?;
        Some((CgroupVersion::V2, base.directory().to_owned()))
    }
}
