//! An `isobar` that stops before each of its system calls.

use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::harness::{Ended, Isobar, Left, Running};

/// A traced supervisor. Its children are not traced.
pub(crate) struct Traced {
    running: Running,
    pid: Pid,
}

/// A system call that the supervisor is about to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    /// Its number on x86-64 (syscalls(2)).
    pub(crate) number: u32,
    /// Its first argument, often a descriptor.
    pub(crate) first: u64,
}

impl Traced {
    /// Starts it and stops it where its own code begins.
    pub(crate) fn start(isobar: Isobar) -> Self {
        // A shell waits to be traced and then becomes isobar.
        let running = isobar.under(["/bin/sh", "-c", "kill -STOP $$; exec \"$0\" \"$@\""]).spawn();
        let pid = Pid::from_raw(running.pid().as_raw_nonzero().get());
        waitid(Id::Pid(pid), WaitPidFlag::WSTOPPED).expect("the shell stops itself");
        let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC;
        ptrace::seize(pid, options).expect("a parent may trace its child");
        kill(pid, Signal::SIGCONT).expect("it is there");
        let mut traced = Self { running, pid };
        let executed = Event::PTRACE_EVENT_EXEC as i32;
        let mut signal = None;
        loop {
            match traced.stop() {
                Some(WaitStatus::PtraceEvent(_, _, event)) if event == executed => break,
                Some(WaitStatus::Stopped(_, by)) => signal = Some(by),
                Some(_) => {}
                None => panic!("the shell did not become isobar"),
            }
            ptrace::cont(pid, signal.take()).expect("it is stopped");
        }
        // What is left of execve(2) itself.
        ptrace::syscall(pid, None).expect("it is stopped");
        traced.stop();
        traced
    }

    /// Lets it go on to its next call; `None` once it has ended.
    pub(crate) fn next_call(&mut self) -> Option<Call> {
        self.go_on()?;
        let registers = ptrace::getregs(self.pid).ok()?;
        let number = u32::try_from(registers.orig_rax).unwrap_or(u32::MAX);
        Some(Call { number, first: registers.rdi })
    }

    /// Lets the call before which it stands happen; `None` if it ends by it.
    pub(crate) fn finish_call(&mut self) -> Option<()> {
        self.go_on()
    }

    /// Lets the call before which it stands fail with `errno`, unmade.
    pub(crate) fn fail_call(&mut self, errno: i32) -> Option<()> {
        let mut registers = ptrace::getregs(self.pid).ok()?;
        // No call has this number, so the kernel makes none.
        registers.orig_rax = u64::MAX;
        ptrace::setregs(self.pid, registers).ok()?;
        self.go_on()?;
        let mut registers = ptrace::getregs(self.pid).ok()?;
        registers.rax = i64::from(-errno).cast_unsigned();
        ptrace::setregs(self.pid, registers).ok()
    }

    /// Stands before its `number`-th call, counted from 1; `None` if it has ended before.
    pub(crate) fn reach(&mut self, number: u32) -> Option<Call> {
        for _ in 1..number {
            self.next_call()?;
            self.finish_call()?;
        }
        self.next_call()
    }

    /// Lets it run to its end, counting its calls.
    pub(crate) fn count(mut self) -> (u32, Ended) {
        let mut calls = 0;
        while self.next_call().is_some() {
            calls += 1;
            if self.finish_call().is_none() {
                break;
            }
        }
        (calls, self.running.wait())
    }

    /// Kills it where it stands.
    pub(crate) fn kill(self) -> Ended {
        kill(self.pid, Signal::SIGKILL).expect("it is there until it was awaited");
        self.running.wait()
    }

    /// Kills it where it stands; what is left of it is for the test to see gone.
    pub(crate) fn kill_and_leave(self) -> Left {
        kill(self.pid, Signal::SIGKILL).expect("it is there until it was awaited");
        self.running.leave()
    }

    /// Lets it run to its end untraced. Where a call failed that would have removed something, it
    /// may leave what a killed one leaves.
    pub(crate) fn let_go(self) -> Ended {
        // Fails only for one that has ended.
        ptrace::detach(self.pid, None).ok();
        self.running.wait_as_if_killed()
    }

    /// On to the next stop at a call, begun or done; `None` once it has ended.
    fn go_on(&mut self) -> Option<()> {
        let mut signal = None;
        loop {
            ptrace::syscall(self.pid, signal.take()).ok()?;
            let stop = self.stop()?;
            if let WaitStatus::PtraceSyscall(_) = stop {
                return Some(());
            }
            if let WaitStatus::Stopped(_, by) = stop {
                signal = Some(by);
            }
        }
    }

    /// Waits for a stop. An end is not taken: that is for whoever awaits the child.
    fn stop(&mut self) -> Option<WaitStatus> {
        let stopped = WaitPidFlag::WSTOPPED | WaitPidFlag::__WALL;
        let look = stopped | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        let seen = waitid(Id::Pid(self.pid), look).ok()?;
        if let WaitStatus::Exited(..) | WaitStatus::Signaled(..) = seen {
            return None;
        }
        waitid(Id::Pid(self.pid), stopped).ok()
    }
}
