//! What runs between clone and exec.
//!
//! The only code of isobar that runs in a child which shares its supervisor's memory. It reads a
//! [`Prepared`] and calls `isobar_os::raw`: no allocation, no lock, no panic, no thread-local
//! storage. Descriptors that it opens are numbers in its own table and close at exec.
//!
//! The order is the measured one: whatever is slow and independent (the network namespace) runs in
//! a helper beside the mounts.

pub(crate) mod confine;
mod fill;
mod network;

use isobar_os::Errno;
use isobar_os::namespaces::NamespaceKind;
use isobar_os::raw::{self, Fd, ProcessArguments, Shared};

pub(crate) use network::{Helper, helper};

use crate::confinement::Confinement;
use crate::error::Step;
use crate::root::RootSpec;
use crate::spec::ResourceLimit;

/// A step that failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    /// Which entry, where the step has several.
    pub(crate) index: usize,
    pub(crate) errno: Errno,
}

/// Names the step of an error.
pub(crate) trait At<T> {
    fn at(self, step: Step) -> Result<T, Failure>;
    fn at_entry(self, step: Step, index: usize) -> Result<T, Failure>;
}

impl<T> At<T> for Result<T, Errno> {
    fn at(self, step: Step) -> Result<T, Failure> {
        // No entry has this number, so none is named.
        self.at_entry(step, usize::MAX)
    }

    fn at_entry(self, step: Step, index: usize) -> Result<T, Failure> {
        self.map_err(|errno| Failure { step, index, errno })
    }
}

/// Identity as the stage needs it: texts are ready to be written.
#[derive(Debug)]
pub(crate) enum StageIdentity {
    Own { uid_map: Vec<u8>, gid_map: Vec<u8> },
    Mapped { uid: u32, gid: u32 },
}

/// Words that the stage and its supervisor share.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// Set by the stage before it ends: step, index, errno.
    pub(crate) failed_step: Shared,
    pub(crate) failed_index: Shared,
    pub(crate) failed_errno: Shared,
}

/// Everything that the stage reads.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) identity: StageIdentity,
    pub(crate) namespaces: Vec<NamespaceKind>,
    pub(crate) root: RootSpec,
    pub(crate) clocks: Option<Vec<u8>>,
    pub(crate) hostname: Option<std::ffi::CString>,
    pub(crate) groups: Vec<Fd>,
    pub(crate) limits: Vec<ResourceLimit>,
    pub(crate) late: Confinement,
    pub(crate) descriptors: Vec<(Fd, Fd)>,
    pub(crate) announce: Fd,
    pub(crate) program: Fd,
    pub(crate) arguments: ProcessArguments,
    pub(crate) helper: Option<Helper>,
    /// A pipe on which the supervisor says that the identity maps are written.
    pub(crate) go_reader: Fd,
    pub(crate) go_writer: Fd,
    pub(crate) words: Words,
}

/// Runs the whole stage. Returns only on failure.
pub(crate) fn run(prepared: &Prepared) -> Failure {
    match confine_and_execute(prepared) {
        Ok(never) => match never {},
        Err(failure) => failure,
    }
}

fn confine_and_execute(prepared: &Prepared) -> Result<std::convert::Infallible, Failure> {
    // First of all, since from here on the stage may wait for its supervisor; and again below, since
    // taking an identity clears it.
    raw::parent_death_signal().at(Step::DeathSignal)?;
    raw::close(prepared.go_writer).at(Step::DeathSignal)?;
    let network = network::start(prepared)?;
    unshare_early(prepared)?;
    take_identity(prepared)?;
    raw::parent_death_signal().at(Step::DeathSignal)?;
    fill::make_root(&prepared.root)?;
    if let Some(hostname) = &prepared.hostname {
        raw::set_hostname(hostname).at(Step::Hostname)?;
    }
    network::enter(network)?;
    join_groups(prepared)?;
    raw::send_byte_frame(prepared.announce, STAGED).at(Step::Announce)?;
    place_descriptors(prepared)?;
    if prepared.late.enforce {
        confine::apply(&prepared.late)?;
    } else {
        // Only now is there the right to: exec by a user other than root takes all capabilities.
        confine::drop_bounding(prepared.late.keep_capabilities)?;
    }
    // Last: a limit on open files would bind the stage, which has more open than its program.
    for (index, limit) in prepared.limits.iter().enumerate() {
        raw::set_limit(limit.resource, limit.soft, limit.hard).at_entry(Step::Limits, index)?;
    }
    Err(raw::execute(prepared.program, &prepared.arguments)).at(Step::Execute)
}

/// The frame kind of `isobar_boundary::protocol::kind::STAGED`, which this crate does not see; the
/// namespace boundary's tests compare the two.
pub(crate) const STAGED: u8 = 11;

/// Namespaces that are made by unshare before the mounts. The cgroup namespace comes later, so that
/// its root is the sandbox's own group; the network namespace is the helper's.
fn unshare_early(prepared: &Prepared) -> Result<(), Failure> {
    let flags = prepared
        .namespaces
        .iter()
        .filter(|kind| !matches!(kind, NamespaceKind::Cgroup | NamespaceKind::Net))
        .fold(0, |flags, kind| flags | kind.flag());
    raw::unshare(flags).at(Step::Unshare)
}

fn take_identity(prepared: &Prepared) -> Result<(), Failure> {
    match &prepared.identity {
        StageIdentity::Own { uid_map, gid_map } => {
            // setgroups must be denied before an unprivileged gid_map (user_namespaces(7)).
            write_own(c"/proc/self/setgroups", b"deny")?;
            write_own(c"/proc/self/uid_map", uid_map)?;
            write_own(c"/proc/self/gid_map", gid_map)?;
            set_clocks(prepared)
        }
        StageIdentity::Mapped { uid, gid } => {
            await_maps(prepared)?;
            // Before the identity changes: afterwards the file belongs to the host's root.
            set_clocks(prepared)?;
            raw::clear_groups().at(Step::Identity)?;
            raw::set_gid(*gid).at(Step::Identity)?;
            raw::set_uid(*uid).at(Step::Identity)
        }
    }
}

/// Waits until the supervisor has written the identity maps. The pipe's only writer is the
/// supervisor, so this ends with it, also where it died before the stage asked to die with it.
fn await_maps(prepared: &Prepared) -> Result<(), Failure> {
    match raw::read_once(prepared.go_reader, &mut [0]).at(Step::Maps)? {
        0 => Err(Errno::PIPE).at(Step::Maps),
        _ => Ok(()),
    }
}

/// Moves the clocks of the new time namespace, which nobody is in yet: exec enters it.
fn set_clocks(prepared: &Prepared) -> Result<(), Failure> {
    let Some(offsets) = &prepared.clocks else { return Ok(()) };
    #[cfg(isobar_fault)]
    if isobar_os::fault::active(isobar_os::fault::Fault::SkipTimeNamespace) {
        return Ok(());
    }
    let file = raw::open_write(Fd::CWD, c"/proc/self/timens_offsets").at(Step::Clocks)?;
    raw::write_all(file, offsets).at(Step::Clocks)
}

fn write_own(path: &std::ffi::CStr, text: &[u8]) -> Result<(), Failure> {
    let file = raw::open_write(Fd::CWD, path).at(Step::Maps)?;
    raw::write_all(file, text).at(Step::Maps)
}

fn join_groups(prepared: &Prepared) -> Result<(), Failure> {
    for (index, tasks) in prepared.groups.iter().enumerate() {
        #[cfg(isobar_fault)]
        if isobar_os::fault::active(isobar_os::fault::Fault::SkipCgroup) {
            continue;
        }
        raw::write_all(*tasks, b"0").at_entry(Step::Cgroup, index)?;
    }
    if prepared.namespaces.contains(&NamespaceKind::Cgroup) {
        raw::unshare(NamespaceKind::Cgroup.flag()).at(Step::CgroupNamespace)?;
    }
    Ok(())
}

/// Gives the process its descriptors and marks all others close-on-exec. Sources are numbered from
/// 10 up, so no target overwrites a source.
fn place_descriptors(prepared: &Prepared) -> Result<(), Failure> {
    raw::close_on_exec_from(Fd::numbered(0)).at(Step::Descriptors)?;
    for (index, (from, to)) in prepared.descriptors.iter().enumerate() {
        raw::duplicate_to(*from, *to).at_entry(Step::Descriptors, index)?;
    }
    Ok(())
}
