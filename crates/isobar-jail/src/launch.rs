//! The supervisor's side of a launch.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use isobar_os::Errno;
use isobar_os::idmap::write_map;
use isobar_os::namespaces::NamespaceKind;
use isobar_os::raw::{self, ChildStack, Fd, ProcessArguments, Shared};

use crate::error::{JailError, Step};
use crate::evidence::MountExpectation;
use crate::root::RootSpec;
use crate::spec::{Identity, JailSpec};
use crate::stage::{Helper, Prepared, StageIdentity, Words};
use crate::sys::Stage;

/// Descriptors that the stage duplicates from are numbered from here up, so that no target below
/// overwrites one.
const FIRST_SOURCE: i32 = 10;

/// A process on its way into its jail, or in it. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct Jailed {
    stage: Stage,
    expected_mounts: Vec<MountExpectation>,
}

/// Makes the process and returns while it is still setting itself up: it announces itself on the
/// descriptor that the specification names, then executes its program.
///
/// The process dies with the calling *thread*.
///
/// # Errors
/// [`JailError`]; nothing is left of the attempt.
pub fn launch(mut spec: JailSpec) -> Result<Jailed, JailError> {
    let expected_mounts = MountExpectation::of(&spec.root);
    let maps = match &spec.identity {
        Identity::Mapped { uid_map, gid_map, .. } => Some((uid_map.clone(), gid_map.clone())),
        Identity::Own { .. } => None,
    };
    let group = spec.unified_group.take();
    let (prepared, descriptors) = prepare(spec).map_err(JailError::Prepare)?;
    let group = group.as_ref().map(AsFd::as_fd);
    let stage = Stage::start(prepared, descriptors, group).map_err(|errno| match errno {
        // What clone3(2) says of the group, and of nothing else that is asked for here.
        Errno::ACCESS | Errno::BUSY | Errno::NODEV | Errno::OPNOTSUPP if group.is_some() => {
            JailError::Group(errno)
        }
        errno => JailError::Clone(errno),
    })?;
    let jailed = Jailed { stage, expected_mounts };
    if let Some((uid_map, gid_map)) = maps {
        write_map(jailed.pid(), "uid_map", &uid_map).map_err(JailError::Maps)?;
        write_map(jailed.pid(), "gid_map", &gid_map).map_err(JailError::Maps)?;
        if let Some(prepared) = jailed.stage.prepared() {
            raw::write_all(prepared.go_writer, b"g").map_err(JailError::Prepare)?;
        }
    }
    Ok(jailed)
}

fn prepare(spec: JailSpec) -> Result<(Prepared, Vec<OwnedFd>), Errno> {
    let mut kept = Vec::new();
    let mut keep = |descriptor: OwnedFd| -> Result<Fd, Errno> {
        let high = rustix::io::fcntl_dupfd_cloexec(&descriptor, FIRST_SOURCE)?;
        let number = Fd::of(high.as_fd());
        kept.push(high);
        Ok(number)
    };
    let mut descriptors = Vec::new();
    let mut announce = Fd::numbered(spec.announce);
    for (descriptor, number) in spec.descriptors {
        let source = keep(descriptor)?;
        if number == spec.announce {
            announce = source;
        }
        descriptors.push((source, Fd::numbered(number)));
    }
    let groups = spec.groups.into_iter().map(&mut keep).collect::<Result<_, _>>()?;
    let program = keep(spec.execution.program)?;
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let (go_reader, go_writer) = (keep(reader)?, keep(writer)?);
    let identity = match spec.identity {
        Identity::Own { uid, gid, host_uid, host_gid } => StageIdentity::Own {
            uid_map: format!("{uid} {host_uid} 1\n").into_bytes(),
            gid_map: format!("{gid} {host_gid} 1\n").into_bytes(),
        },
        Identity::Mapped { uid, gid, .. } => StageIdentity::Mapped { uid, gid },
    };
    let helper = if spec.namespaces.contains(&NamespaceKind::Net) {
        Some(Helper { stack: ChildStack::new()?, answer: Shared::new() })
    } else {
        None
    };
    let prepared = Prepared {
        identity,
        namespaces: spec.namespaces,
        root: spec.root,
        clocks: spec.clocks.map(|clocks| {
            format!("monotonic {} 0\nboottime {} 0\n", clocks.monotonic, clocks.boottime)
                .into_bytes()
        }),
        hostname: spec.hostname,
        groups,
        limits: spec.limits,
        late: spec.late,
        descriptors,
        announce,
        program,
        arguments: ProcessArguments::new(spec.execution.argv, spec.execution.envp),
        helper,
        go_reader,
        go_writer,
        words: Words::default(),
    };
    Ok((prepared, kept))
}

impl Jailed {
    /// The process's number in our pid namespace.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.stage.child().pid()
    }

    /// Becomes readable when it ends.
    #[must_use]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.stage.child().pidfd()
    }

    /// The mounts that its namespace must have, and no others.
    #[must_use]
    pub fn expected_mounts(&self) -> &[MountExpectation] {
        &self.expected_mounts
    }

    /// Waits until the process has executed its program, at most `patience`. What it needed of our
    /// memory is then freed. `false` where it failed or took too long; see [`Self::failure`].
    pub fn await_execution(&mut self, patience: Duration) -> bool {
        self.stage.release(patience)
    }

    /// Why the stage failed, once the process has ended without executing its program.
    #[must_use]
    pub fn failure(&self) -> JailError {
        let Some(prepared) = self.stage.prepared() else { return JailError::Vanished };
        let words = &prepared.words;
        let Some(step) = Step::from_number(words.failed_step.get()) else {
            return JailError::Vanished;
        };
        let index = usize::try_from(words.failed_index.get()).unwrap_or(usize::MAX);
        let errno = i32::try_from(words.failed_errno.get()).unwrap_or(i32::MAX);
        let subject = subject(prepared, step, index);
        JailError::Stage { step, subject, errno: Errno::from_raw_os_error(errno) }
    }

    /// Kills it and everything in its process namespace.
    pub fn kill(&self) {
        self.stage.child().kill();
    }

    /// Waits until it and everything in its process namespace is gone.
    ///
    /// # Errors
    /// As waitid(2).
    pub fn reap(&mut self) -> Result<(), Errno> {
        self.stage.child_mut().reap()
    }
}

/// What a failing step was about.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other steps are about one thing each")]
fn subject(prepared: &Prepared, step: Step, index: usize) -> Option<String> {
    let in_root = |root: &RootSpec| root.placed.get(index).map(|placed| placed.target.clone());
    match step {
        Step::RootEntry | Step::Changed => in_root(&prepared.root),
        Step::Limits => prepared.limits.get(index).map(|limit| limit.line.to_owned()),
        Step::Landlock => {
            let landlock = prepared.late.landlock.as_ref()?;
            let rule = landlock.rules.get(index)?;
            Some(rule.path.to_string_lossy().into_owned())
        }
        _ => None,
    }
}
