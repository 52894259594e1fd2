//! A live sandbox: events, end, clean-up.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use isobar_boundary::{
    Process, ProcessSpec, Sandbox, SandboxError, SandboxEvent, SandboxUsage, Snapshots, SpawnError,
};
use isobar_jail::Jailed;
use isobar_os::seccomp::Filter;
use isobar_policy::{Clause, Code, Diagnostic, Evidence, LimitHit};
use rustix::event::epoll;
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::groups::Holdings;
use crate::launch::Sockets;
use crate::payload::{CpuTimeLimit, Planned};
use crate::stopwatch::Stopwatch;

/// A sandbox behind the namespace boundary.
#[derive(Debug)]
pub(crate) struct NamespaceSandbox {
    // Fields drop in this order: every process must be gone before the groups are removed.
    pub(crate) jailed: Jailed,
    pub(crate) holdings: Holdings,
    pub(crate) planned: Planned,
    pub(crate) filter: Filter,
    pub(crate) sockets: Sockets,
    pub(crate) next_process: u32,
    /// Its own `/dev/pts`, where it may have terminals.
    pub(crate) terminals: Option<OwnedFd>,
    evidence: Vec<Evidence>,
    watch: Stopwatch,
    epoll: OwnedFd,
    cpu: Option<CpuWatch>,
    out_of_memory: bool,
    cpu_time_used: Option<u64>,
    ended: bool,
    usage: Option<SandboxUsage>,
}

impl std::fmt::Debug for Sockets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sockets").finish_non_exhaustive()
    }
}

/// Reads the processor time when the limit could be reached at the earliest.
#[derive(Debug)]
struct CpuWatch {
    timer: OwnedFd,
    limit_micros: u64,
    processors: u64,
}

impl CpuWatch {
    fn new(limit_millis: u64) -> Result<Self, Errno> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let processors = online_processors();
        let watch = Self { timer, limit_micros: limit_millis.saturating_mul(1000), processors };
        watch.arm(0)?;
        Ok(watch)
    }

    /// Sets the timer to when all processors together could use up what is left.
    fn arm(&self, used_micros: u64) -> Result<(), Errno> {
        let left = self.limit_micros.saturating_sub(used_micros) / self.processors;
        let left = Duration::from_micros(left.max(1000));
        let value = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once).map(drop)
    }
}

/// Processors of the host that are on. Neither the supervisor's affinity nor its quota counts: the
/// guest may have more.
fn online_processors() -> u64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbered = text.lines().filter_map(|line| line.strip_prefix("cpu"));
    let count = numbered.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).count();
    u64::try_from(count.max(1)).unwrap_or(1)
}

/// What a launch found out and hands on.
pub(crate) struct Launched {
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) watch: Stopwatch,
    pub(crate) terminals: Option<OwnedFd>,
}

impl NamespaceSandbox {
    /// Takes everything over. The last parameter is dropped first where this fails: every process
    /// must be gone before the groups are removed.
    pub(crate) fn new(
        planned: Planned,
        filter: Filter,
        sockets: Sockets,
        launched: Launched,
        holdings: Holdings,
        jailed: Jailed,
    ) -> Result<Self, Errno> {
        let cpu = match planned.limits.cpu_time {
            Some(CpuTimeLimit::Cgroup(millis)) => Some(CpuWatch::new(millis)?),
            Some(CpuTimeLimit::PerProcess(_)) | None => None,
        };
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let watch_for = |descriptor: BorrowedFd<'_>, flags| {
            epoll::add(&epoll, descriptor, epoll::EventData::new_u64(0), flags)
        };
        watch_for(jailed.pidfd(), epoll::EventFlags::IN)?;
        if let Some(memory) = holdings.groups.memory() {
            let (notice, flags) = memory.interest();
            watch_for(notice, flags)?;
        }
        if let Some(cpu) = &cpu {
            watch_for(cpu.timer.as_fd(), epoll::EventFlags::IN)?;
        }
        let Launched { evidence, watch, terminals } = launched;
        Ok(Self {
            jailed,
            holdings,
            planned,
            filter,
            sockets,
            next_process: 1,
            terminals,
            evidence,
            watch,
            epoll,
            cpu,
            out_of_memory: false,
            cpu_time_used: None,
            ended: false,
            usage: None,
        })
    }

    /// The kernel's notice that memory ran out. Any such kill ends the whole sandbox.
    fn memory_ran_out(&mut self) -> bool {
        let Some(memory) = self.holdings.groups.memory() else { return false };
        if memory.killed() && !self.out_of_memory {
            self.out_of_memory = true;
            self.end();
            return true;
        }
        false
    }

    fn cpu_time_ran_out(&mut self) -> bool {
        let Some(cpu) = &self.cpu else { return false };
        if self.cpu_time_used.is_some() || rustix::io::read(&cpu.timer, &mut [0_u8; 8]).is_err() {
            return false;
        }
        // A counter that cannot be read any more must not switch the limit off.
        let used = self.holdings.groups.cpu_micros().unwrap_or(u64::MAX);
        if used < cpu.limit_micros && cpu.arm(used).is_ok() {
            return false;
        }
        self.cpu_time_used = Some(used);
        self.end();
        true
    }

    /// Kills PID 1, with which the process namespace ends, and whoever is in the control group.
    fn end(&self) {
        self.jailed.kill();
        self.holdings.groups.kill();
    }

    fn has_ended(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, poll};
        let mut one = [PollFd::from_borrowed_fd(self.jailed.pidfd(), PollFlags::IN)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut one, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }

    fn cpu_time_hit(&self) -> Option<LimitHit> {
        let (cpu, used) = (self.cpu.as_ref()?, self.cpu_time_used?);
        Some(LimitHit {
            clause: Clause::CpuTime,
            limit: cpu.limit_micros / 1000,
            observed: used / 1000,
            source: self.holdings.cpu_source().to_owned(),
        })
    }

    fn collect_usage(&mut self) -> SandboxUsage {
        let limits = &self.planned.limits;
        let out_of_memory = self.out_of_memory || self.holdings.groups.out_of_memory_kills() > 0;
        let mut limits_hit = self.holdings.limits_hit(limits, out_of_memory);
        limits_hit.extend(self.cpu_time_hit());
        SandboxUsage {
            peak_memory_bytes: self.holdings.groups.peak_memory(),
            cpu_micros: self.holdings.groups.cpu_micros(),
            out_of_memory,
            limits_hit,
            phases: Vec::new(),
        }
    }
}

impl Sandbox for NamespaceSandbox {
    fn spawn(&mut self, spec: &ProcessSpec) -> Result<Box<dyn Process>, SpawnError> {
        let spawned = crate::process::spawn(self, spec);
        if spawned.is_err() {
            self.kill();
        }
        spawned.map(|process| -> Box<dyn Process> { Box::new(process) })
    }

    fn pollable(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    fn events(&mut self) -> Vec<SandboxEvent> {
        let mut events = Vec::new();
        if self.memory_ran_out() {
            events.push(SandboxEvent::OutOfMemory);
        }
        if self.cpu_time_ran_out() {
            events.push(SandboxEvent::CpuTimeUsed);
        }
        if !self.ended && self.has_ended() {
            self.ended = true;
            events.push(SandboxEvent::Ended);
        }
        events
    }

    fn kill(&mut self) {
        self.end();
    }

    fn destroy(&mut self) -> Result<SandboxUsage, SandboxError> {
        if let Some(usage) = &self.usage {
            return Ok(usage.clone());
        }
        self.watch.restart();
        self.end();
        let left = |error: &dyn std::error::Error| {
            let remedy = "run isobar again: the next sandbox in this slot removes what is left";
            SandboxError::Left(Diagnostic::new(Code::CleanupFailed, error, remedy))
        };
        self.jailed.reap().map_err(|errno| left(&errno))?;
        self.watch.lap("destroy: kill and reap");
        let mut usage = self.collect_usage();
        self.holdings.release().map_err(|error| left(&error))?;
        self.watch.lap("destroy: remove groups");
        usage.phases = self.watch.phases().to_vec();
        self.usage = Some(usage.clone());
        Ok(usage)
    }

    fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    fn snapshots(&mut self) -> Option<&mut dyn Snapshots> {
        None
    }
}
