//! The three streams: caps, floods, slow readers, closed ends.

use std::fs::File;
use std::io::{Read, Seek, Write};

use isobar_policy::{Clause, Code, End, KilledBy};

use super::*;
use crate::{DescriptorSink, FilteredSink};

/// An input with this content.
fn input(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(content).expect("room");
    file.rewind().expect("a file");
    file
}

/// Four bytes for each number; no two stretches are alike.
fn content(numbers: u32) -> Vec<u8> {
    (0..numbers).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

#[test]
fn outputs_are_kept_apart_and_unchanged() {
    let bench = Bench::new(Script::new());
    let (report, stdout, stderr) = bench.shell(r"printf 'a\0\377\033[31m'; printf 'err' >&2");
    assert_eq!(stdout, b"a\0\xff\x1b[31m", "bytes are bytes");
    assert_eq!(stderr, b"err", "on a stream of its own");
    assert_eq!(report.outcome.truncated, isobar_policy::Truncated::default(), "nothing was cut");
}

#[test]
fn a_cap_passes_exactly_so_much_and_counts_the_rest() {
    let bench = Bench::new(Script::new()).output(1000);
    let (report, stdout, stderr) =
        bench.shell("head -c 300000 /dev/zero; head -c 1000 /dev/zero >&2");
    assert_eq!(report.outcome.end, End::Exited { code: 0 }, "a cap does not disturb the guest");
    assert_eq!((stdout.len(), stderr.len()), (1000, 1000), "each has a cap of its own");
    let truncated = report.outcome.truncated;
    assert_eq!((truncated.stdout_bytes, truncated.stderr_bytes), (299_000, 0), "to the byte");
    let [hit] = report.outcome.limits_hit.as_slice() else { panic!("one stream went over") };
    let numbers = (hit.clause, hit.limit, hit.observed);
    assert_eq!(numbers, (Clause::OutputBytes, 1000, 300_000), "counted");
    assert_eq!(hit.source, "standard output", "it says which");
}

#[test]
fn floods_on_both_streams_do_not_delay_the_deadline() {
    let bench = Bench::new(Script::new()).output(100_000).deadline(300);
    let (report, stdout, stderr) = bench.shell("cat /dev/zero >&2 & cat /dev/zero");
    assert_eq!(report.outcome.end, End::Killed { by: KilledBy::WallTime }, "the clock is heard");
    assert_eq!((stdout.len(), stderr.len()), (100_000, 100_000), "both were served");
    let clauses: Vec<_> = report.outcome.limits_hit.iter().map(|hit| hit.clause).collect();
    let expected = [Clause::WallTime, Clause::OutputBytes, Clause::OutputBytes];
    assert_eq!(clauses, expected, "all three limits are told");
}

#[test]
fn a_reader_that_never_reads_does_not_delay_the_deadline() {
    let bench = Bench::new(Script::new()).deadline(200);
    let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
    let stdout = Box::new(DescriptorSink::new(writer.as_fd()));
    let io = Io { stdin: None, stdout, stderr: nowhere() };
    let report = bench.run(&["sh", "-c", "cat /dev/zero"], io);
    assert_eq!(report.outcome.end, End::Killed { by: KilledBy::WallTime }, "it is not waited for");
    let held = rustix::io::ioctl_fionread(&reader).expect("a pipe");
    assert_eq!(report.outcome.usage.stdout_bytes, held, "passed on is what the pipe holds");
    assert!(report.outcome.truncated.stdout_bytes > 0, "what nobody took is counted");
}

#[test]
fn after_the_programs_end_a_reader_is_waited_for_until_the_deadline() {
    let bench = Bench::new(Script::new()).deadline(500);
    let (_reader, writer) = rustix::pipe::pipe().expect("a pipe");
    // The pipe has no room left, so nothing of the guest's can be passed on.
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).expect("a pipe");
    while rustix::io::write(&writer, &[0; 4096]).is_ok() {}
    let stdout = Box::new(DescriptorSink::new(writer.as_fd()));
    let io = Io { stdin: None, stdout, stderr: nowhere() };
    let report = bench.run(&["sh", "-c", "echo hello"], io);
    assert_eq!(report.outcome.end, End::Exited { code: 0 }, "the program was in time");
    assert_eq!(report.outcome.truncated.stdout_bytes, 6, "its words were not taken");
}

/// Takes little, and every other time nothing.
struct Hesitant<'a> {
    taken: &'a mut Vec<u8>,
    ready: bool,
    writable: File,
}

impl<'a> Hesitant<'a> {
    fn new(taken: &'a mut Vec<u8>) -> Self {
        let writable = File::options().write(true).open("/dev/null").expect("it is there");
        Self { taken, ready: false, writable }
    }
}

impl OutputSink for Hesitant<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.ready = !self.ready;
        if !self.ready {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let some = bytes.get(..777).unwrap_or(bytes);
        self.taken.extend_from_slice(some);
        Ok(some.len())
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.writable.as_fd())
    }
}

#[test]
fn a_slow_reader_gets_everything_in_order() {
    let bench = Bench::new(Script::new());
    let (sent, mut taken) = (content(100_000), Vec::new());
    let file = input(&sent);
    let stdout = Box::new(Hesitant::new(&mut taken));
    let io = Io { stdin: Some(file.as_fd()), stdout, stderr: nowhere() };
    let report = bench.run(&["cat"], io);
    assert_eq!(report.outcome.end, End::Exited { code: 0 }, "cat ends with its input");
    assert_eq!(report.outcome.usage.stdout_bytes, 400_000, "all of it was passed on");
    assert!(taken == sent, "nothing is lost, doubled or out of order");
}

#[test]
fn a_filter_sees_everything_and_holds_nothing_back() {
    let bench = Bench::new(Script::new());
    let (sent, mut taken) = (content(50_000), Vec::new());
    let file = input(&sent);
    let filter = FilteredSink::new(Hesitant::new(&mut taken), |bytes: &[u8], out: &mut Vec<u8>| {
        out.extend(bytes.iter().map(|byte| byte ^ 1));
    });
    let io = Io { stdin: Some(file.as_fd()), stdout: Box::new(filter), stderr: nowhere() };
    let report = bench.run(&["cat"], io);
    assert_eq!(report.outcome.end, End::Exited { code: 0 }, "cat ends with its input");
    let expected: Vec<u8> = sent.iter().map(|byte| byte ^ 1).collect();
    assert!(taken == expected, "every byte passed the filter once, the last ones too");
}

#[test]
fn standard_input_ends_where_the_callers_does() {
    let bench = Bench::new(Script::new());
    let file = input(b"one\ntwo\n");
    let mut stdout = Vec::new();
    let io = Io { stdin: Some(file.as_fd()), stdout: Box::new(&mut stdout), stderr: nowhere() };
    bench.run(&["cat"], io);
    assert_eq!(stdout, b"one\ntwo\n", "all of it, and then its end");
    let (report, stdout, _) = bench.shell("cat; echo done");
    assert_eq!(stdout, b"done\n", "without an input the guest reads none");
    assert_eq!(report.outcome.end, End::Exited { code: 0 }, "and does not hang");
}

#[test]
fn a_guest_that_reads_no_input_is_not_disturbed() {
    let bench = Bench::new(Script::new());
    let file = input(&content(1_000_000));
    let command = "exec <&-; echo closed; head -c 200000 /dev/zero | wc -c";
    let mut stdout = Vec::new();
    let io = Io { stdin: Some(file.as_fd()), stdout: Box::new(&mut stdout), stderr: nowhere() };
    let report = bench.run(&["sh", "-c", command], io);
    assert_eq!(report.outcome.end, End::Exited { code: 0 }, "a closed input is no failure");
    assert_eq!(stdout, b"closed\n200000\n", "its output goes on");
}

#[test]
fn a_guest_learns_that_nobody_reads() {
    let bench = Bench::new(Script::new());
    let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
    drop(reader);
    let stdout = Box::new(DescriptorSink::new(writer.as_fd()));
    let io = Io { stdin: None, stdout, stderr: nowhere() };
    let report = bench.run(&["yes"], io);
    assert_eq!(report.outcome.end, End::Signalled { signal: 13 }, "SIGPIPE, as without isobar");
}

#[test]
fn an_output_that_cannot_be_written_is_isobars_failure() {
    let bench = Bench::new(Script::new());
    let full = File::options().write(true).open("/dev/full").expect("it is there");
    let stdout = Box::new(DescriptorSink::new(full.as_fd()));
    let io = Io { stdin: None, stdout, stderr: nowhere() };
    let report = bench.run(&["yes"], io);
    let diagnostic = failure(&report);
    assert_eq!(diagnostic.code, Code::RunStream, "ENOSPC is not the guest's fault");
    assert!(diagnostic.summary.contains("standard output"), "it says which: {diagnostic:?}");
}

#[test]
fn a_regular_file_takes_everything() {
    let bench = Bench::new(Script::new());
    let sent = content(100_000);
    let (file, mut plain) = (input(&sent), tempfile::tempfile().expect("a file"));
    let target = plain.try_clone().expect("another descriptor");
    let stdout = Box::new(DescriptorSink::new(target.as_fd()));
    bench.run(&["cat"], Io { stdin: Some(file.as_fd()), stdout, stderr: nowhere() });
    let mut got = Vec::new();
    plain.rewind().expect("a file");
    plain.read_to_end(&mut got).expect("a file");
    assert!(got == sent, "the file holds what was sent");
}

#[test]
fn a_full_socket_is_not_waited_for() {
    let bench = Bench::new(Script::new()).deadline(200);
    let sent = content(500_000);
    let file = input(&sent);
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("two sockets");
    let stdout = Box::new(DescriptorSink::new(ours.as_fd()));
    let report = bench.run(&["cat"], Io { stdin: Some(file.as_fd()), stdout, stderr: nowhere() });
    assert_eq!(report.outcome.end, End::Killed { by: KilledBy::WallTime }, "the clock is heard");
    drop(ours);
    let mut got = Vec::new();
    (&theirs).read_to_end(&mut got).expect("the other end is closed");
    let passed = usize::try_from(report.outcome.usage.stdout_bytes).expect("it is in memory");
    assert!(got == sent[..passed], "what it took is right");
}

/// Lets the guest go on once it is known, and from then on takes away what it writes to its
/// standard error, as another reader of that pipe does.
#[derive(Default)]
struct Thief {
    stolen_from: Option<File>,
}

impl Thief {
    /// An end of the pipe behind the guest's descriptor, opened anew.
    fn open(pid: &str, descriptor: u8, write: bool) -> File {
        let path = format!("/proc/{pid}/fd/{descriptor}");
        File::options().read(!write).write(write).open(path).expect("the guest runs")
    }

    fn wait_for(pipe: &File) {
        let mut polled = [rustix::event::PollFd::new(pipe, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut polled, None).expect("a pipe");
    }
}

impl OutputSink for Thief {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(mut pipe) = self.stolen_from.take() {
            pipe.read_exact(&mut [0])?;
            return Ok(bytes.len());
        }
        let pid = std::str::from_utf8(bytes).expect("a number").trim();
        Self::open(pid, 0, true).write_all(b"go\n")?;
        let (stdout, stderr) = (Self::open(pid, 1, false), Self::open(pid, 2, false));
        // Both are ready when the supervisor polls next, and standard output is served first.
        Self::wait_for(&stdout);
        Self::wait_for(&stderr);
        self.stolen_from = Some(stderr);
        Ok(bytes.len())
    }
}

#[test]
fn bytes_stolen_between_poll_and_read_do_not_silence_the_deadline() {
    let bench = Bench::new(Script::new()).deadline(500);
    let (stdin, _held_open) = rustix::pipe::pipe().expect("a pipe");
    let command = "echo $$; read line; printf x >&2; echo again; exec sleep 1000";
    let stdout = Box::new(Thief::default());
    let io = Io { stdin: Some(stdin.as_fd()), stdout, stderr: nowhere() };
    let report = bench.run(&["sh", "-c", command], io);
    assert_eq!(report.outcome.end, End::Killed { by: KilledBy::WallTime }, "the clock is heard");
    assert_eq!(report.outcome.usage.stderr_bytes, 0, "the byte was stolen");
}
