//! What supervisors that were killed have left on the host.

/// What one collection found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// What is gone now: slot files and control groups, by path.
    pub removed: Vec<String>,
    /// What could not be removed yet, since a process in it is still ending, by path.
    pub ending: Vec<String>,
    /// How many sandboxes of this user are alive, those of other environments included. What they
    /// hold is not touched.
    pub living: u32,
}

impl std::ops::AddAssign for Leftovers {
    fn add_assign(&mut self, other: Self) {
        self.removed.extend(other.removed);
        self.ending.extend(other.ending);
        self.living += other.living;
    }
}
