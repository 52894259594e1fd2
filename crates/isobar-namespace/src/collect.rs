//! What killed supervisors have left: their slots, and the control groups that they had noted there.
//!
//! Nothing else of a sandbox outlives its supervisor: processes end with it (PR_SET_PDEATHSIG(2const),
//! and init of a process namespace takes everybody along), mounts and networks with their namespaces.

use std::path::Path;
use std::time::{Duration, Instant};

use isobar_boundary::Leftovers;
use isobar_os::cgroup::{mount_points, remove_left};
use isobar_os::slot::{Collected, HeldSlot, SlotError};
use isobar_os::state_dir::StateDir;
use isobar_policy::{Code, Diagnostic};

use crate::groups::REMEDY_STATE;

/// How long the kernel may take to end the processes of a killed supervisor. Beyond that they are
/// stuck, and a later collection has to do it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether they have ended; nothing tells.
const PAUSE: Duration = Duration::from_millis(10);

/// Frees the slots of dead holders, as each launch does: what is still ending is left for later.
pub(crate) fn slots(state: &StateDir) -> Result<Collected, SlotError> {
    let mut points = None;
    HeldSlot::collect(state, |note| {
        remove_left(note, points.get_or_insert_with(mount_points).as_slice())
    })
}

/// Removes what is left below `state`; waits a little for what is ending.
pub(crate) fn collect(state: &Path) -> Result<Leftovers, Diagnostic> {
    let unusable =
        |error: &dyn std::error::Error| Diagnostic::new(Code::StateDirectory, error, REMEDY_STATE);
    let state = StateDir::open(state).map_err(|error| unusable(&error))?;
    let mut found = Leftovers::default();
    let start = Instant::now();
    loop {
        let collected = slots(&state).map_err(|error| unusable(&error))?;
        found.removed.extend(paths(&state, &collected.freed));
        found.ending = paths(&state, &collected.kept).collect();
        found.living = collected.living;
        if found.ending.is_empty() || start.elapsed() >= PATIENCE {
            return Ok(found);
        }
        std::thread::sleep(PAUSE);
    }
}

/// The slots' files, and what was noted in them.
fn paths(state: &StateDir, slots: &[(u32, String)]) -> impl Iterator<Item = String> {
    slots.iter().flat_map(|(number, note)| {
        let file = state.path().join(HeldSlot::file_name(*number)).display().to_string();
        std::iter::once(file).chain(note.lines().map(str::to_owned))
    })
}
