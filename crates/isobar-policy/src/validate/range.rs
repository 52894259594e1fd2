//! The least and the most that a limit may be, whatever the host.
//!
//! Below the least no program starts; above the most the kernel wraps around or cuts off, and the
//! guest would have another limit than the policy says. Zero has a refusal of its own.

use super::Found;
use crate::{Clause, Code, LimitClauses, Span, TmpfsSpec};

/// Fewer open descriptors than this, and no dynamic program starts: three streams, and what the
/// loader opens one after the other.
const MIN_OPEN_FILES: u64 = 16;
/// Less memory than this, and the sandbox's own first steps, which count too, run out of it.
const MIN_MEMORY: u64 = 1024 * 1024;
/// A tmpfs is counted in pages (tmpfs(5)); one of less than a page would hold nothing.
const MIN_TMPFS: u64 = 4096;
/// The largest signed number in whole pages: sizes are `loff_t` in the kernel.
const MAX_BYTES: u64 = 0x7fff_ffff_ffff_f000;
/// The most processes that a 64-bit kernel can number (PID_MAX_LIMIT, linux/threads.h), less one.
const MAX_PIDS: u64 = 4_194_303;
/// More files than any memory holds, and far from where the kernel's count wraps around.
const MAX_INODES: u64 = 1 << 40;
/// A hundred years, in milliseconds: far from where the kernel's clocks wrap around.
const MAX_SPAN: u64 = 3_155_760_000_000;

/// What a limit may be, and how that is written.
struct Range {
    clause: Clause,
    least: (u64, &'static str),
    most: (u64, &'static str),
}

impl Range {
    const fn bytes(clause: Clause) -> Self {
        Self { clause, least: (1, "1"), most: (MAX_BYTES, "9223372036854771712") }
    }

    const fn span(clause: Clause) -> Self {
        Self { clause, least: (1, "1ms"), most: (MAX_SPAN, "100 years") }
    }

    const fn count(clause: Clause, most: (u64, &'static str)) -> Self {
        Self { clause, least: (1, "1"), most }
    }
}

impl Found {
    pub(super) fn ranges(&mut self, limits: &LimitClauses) {
        let memory = Range { least: (MIN_MEMORY, "1M"), ..Range::bytes(Clause::Memory) };
        let files = Range {
            least: (MIN_OPEN_FILES, "16"),
            ..Range::count(Clause::OpenFiles, (u64::MAX, ""))
        };
        self.within(&memory, limits.memory.map(|bytes| bytes.0));
        self.within(&Range::span(Clause::CpuTime), limits.cpu_time.map(Span::millis));
        self.within(&Range::span(Clause::WallTime), limits.wall_time.map(Span::millis));
        let pids = Range::count(Clause::Pids, (MAX_PIDS, "4194303"));
        self.within(&pids, limits.pids.map(u64::from));
        self.within(&files, limits.open_files);
        self.within(&Range::bytes(Clause::FileSize), limits.file_size.map(|bytes| bytes.0));
        self.within(&Range::bytes(Clause::TmpBytes), limits.tmp_bytes.map(|bytes| bytes.0));
        let inodes = Range::count(Clause::TmpInodes, (MAX_INODES, "1099511627776"));
        self.within(&inodes, limits.tmp_inodes);
        self.within(&Range::bytes(Clause::OutputBytes), limits.output_bytes.map(|bytes| bytes.0));
    }

    pub(super) fn tmpfs_ranges(&mut self, tmpfs: &TmpfsSpec) {
        let clause = Clause::FsTmpfs;
        let size = Range { least: (MIN_TMPFS, "4096"), ..Range::bytes(clause) };
        self.within(&size, Some(tmpfs.size.0));
        self.within(&Range::count(clause, (MAX_INODES, "1099511627776")), tmpfs.inodes);
    }

    fn within(&mut self, range: &Range, value: Option<u64>) {
        let Some(value) = value.filter(|value| *value != 0) else { return };
        if value < range.least.0 {
            let why = format!("a limit of {value} is so small that no program starts");
            let remedy = format!("give at least {}", range.least.1);
            self.add(Code::PolicyLimitRange, range.clause, why, remedy);
        } else if value > range.most.0 {
            let why = format!("a limit of {value} is more than the kernel can hold to");
            let remedy = format!("give at most {}, or leave it out", range.most.1);
            self.add(Code::PolicyLimitRange, range.clause, why, remedy);
        }
    }
}
