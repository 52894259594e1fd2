//! From a specification on the agent stream to a launched process, one at a time.
//!
//! ```text
//! Idle --SPAWN--> Assembling --last SPAWN_DATA--> launched --execve or end--> Idle
//!                                     \-- no memory, no process: EXEC_FAILED --> Idle
//! ```
//!
//! While a process is launched and has not left our memory, the next specification waits in the
//! stream. What the host sends is checked; what the kernel refuses (memory, a process) concerns
//! this one process and is reported on its stream.

use core::mem::MaybeUninit;

use isobar_boundary::protocol::{ExecFailed, ExecStage, Message, Setup, SpawnHeader, channel};
use isobar_init::{Assembly, End, TableError, pointers};
use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, IoSliceMut};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendFlags, recvmsg, send,
};

use crate::guest::{Plan, become_guest};
use crate::process::Process;
use crate::roster::Roster;
use crate::sys::launch::{Launched, Left};
use crate::sys::{Image, Program, descriptors};

/// What is under way.
pub(crate) enum Spawning {
    /// Nothing.
    Idle,
    /// Strings arrive; or the memory for them was refused.
    Assembling(Assembly, Result<Image, Errno>),
    /// A process has not executed its program yet.
    Launched(Launched),
}

impl Spawning {
    /// A specification begins.
    pub(crate) fn begin(&mut self, payload: &[u8]) -> Result<(), End> {
        let Self::Idle = self else { return Err(End::Protocol) };
        let header = SpawnHeader::decode(payload).map_err(|_| End::Protocol)?;
        let image = match pointers(&header) {
            Ok(pointers) => Image::new(pointers, header.bytes as usize),
            Err(_) => Err(Errno::TOOBIG),
        };
        *self = Self::Assembling(Assembly::new(header), image);
        Ok(())
    }

    /// A piece of its strings arrives. With the last one the process is launched.
    pub(crate) fn piece(
        &mut self,
        payload: &[u8],
        setup: &Setup,
        roster: &mut Roster,
    ) -> Result<(), End> {
        let Self::Assembling(assembly, image) = self else { return Err(End::Protocol) };
        let target = image.as_mut().map_or(Default::default(), |image| image.parts().1);
        assembly.push(payload, target).map_err(|_| End::Protocol)?;
        if !assembly.is_complete() {
            return Ok(());
        }
        let header = assembly.header;
        let Self::Assembling(_, image) = core::mem::replace(self, Self::Idle) else {
            return Err(End::Protocol);
        };
        let channels = receive_channels(header.process)?;
        match launch(&header, image, &channels, setup, roster)? {
            Ok(launched) => {
                let [.., stream] = channels;
                roster.add(Process::new(launched.pid, stream, header.watch_pids));
                *self = Self::Launched(launched);
            }
            Err((stage, errno)) => refuse(&channels, stage, errno),
        }
        Ok(())
    }

    /// The descriptor that tells when the launched process left our memory.
    pub(crate) fn progress(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Launched(launched) => Some(launched.progress()),
            Self::Idle | Self::Assembling(..) => None,
        }
    }

    /// Notes whether the launched process left our memory, and how.
    pub(crate) fn settle(&mut self, roster: &mut Roster) {
        let before = core::mem::replace(self, Self::Idle);
        *self = match before {
            Self::Launched(launched) => {
                let pid = launched.pid;
                match launched.left() {
                    Err(launched) => Self::Launched(launched),
                    Ok(left) => {
                        if let Some(process) = roster.find(pid) {
                            match left {
                                Left::Executed => process.executed(),
                                Left::GaveUp => process.gave_up(),
                            }
                        }
                        Self::Idle
                    }
                }
            }
            other @ (Self::Idle | Self::Assembling(..)) => other,
        };
    }
}

type Channels = [OwnedFd; channel::COUNT];

/// The channels of that process, which the host sent before its specification.
fn receive_channels(process: u32) -> Result<Channels, End> {
    let mut number = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(channel::COUNT))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let mut parts = [IoSliceMut::new(&mut number)];
    let received = recvmsg(descriptors::channels(), &mut parts, &mut control, flags)
        .map_err(|_| End::Protocol)?;
    let cut = ReturnFlags::TRUNC | ReturnFlags::CTRUNC;
    if received.bytes != number.len() || received.flags.intersects(cut) {
        return Err(End::Protocol);
    }
    if u32::from_le_bytes(number) != process {
        return Err(End::Protocol);
    }
    let mut rights = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights),
        RecvAncillaryMessage::ScmCredentials(_) | _ => None,
    });
    let mut descriptors = rights.next().ok_or(End::Protocol)?;
    let mut next = || descriptors.next().ok_or(End::Protocol);
    let channels = [next()?, next()?, next()?, next()?];
    if descriptors.next().is_some() || rights.next().is_some() {
        return Err(End::Protocol);
    }
    Ok(channels)
}

/// Launches the process. The outer error ends the agent, the inner one concerns this process.
fn launch(
    header: &SpawnHeader,
    image: Result<Image, Errno>,
    channels: &Channels,
    setup: &Setup,
    roster: &Roster,
) -> Result<Result<Launched, (ExecStage, Errno)>, End> {
    let mut image = match image {
        Ok(image) => image,
        // Too many arguments is what execve would have said.
        Err(Errno::TOOBIG) => return Ok(Err((ExecStage::Execute, Errno::TOOBIG))),
        Err(errno) => return Ok(Err((ExecStage::Clone, errno))),
    };
    let program = match Program::new(header, &mut image) {
        Ok(program) => program,
        Err(TableError::TooMany | TableError::Count | _) => return Err(End::Protocol),
    };
    if !roster.has_room() {
        return Ok(Err((ExecStage::Clone, Errno::AGAIN)));
    }
    let terminal = header.flags & SpawnHeader::TERMINAL != 0;
    let channels = channels.each_ref().map(AsRawFd::as_raw_fd);
    let plan = Plan { setup: *setup, channels, terminal, program };
    Ok(Launched::start(image, plan, become_guest).map_err(|errno| (ExecStage::Clone, errno)))
}

/// Tells the host why there is no process.
fn refuse(channels: &Channels, stage: ExecStage, errno: Errno) {
    let [.., stream] = channels;
    let failed = ExecFailed { stage: stage.number(), errno: errno.raw_os_error().cast_unsigned() };
    let mut out = [0; 128];
    if let Ok(frame) = failed.encode(&mut out) {
        // The stream is new and empty. A host that does not take even this has gone away.
        send(stream, frame, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).ok();
    }
}
