//! One boot of the emulated machine. Its options are data, so that another kind of guest (nested
//! virtualization, more processors) is another value and not another function.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::tools::Tools;
use crate::process::{self, Ended};

/// The guest's script has begun.
const UP: &str = "LAB up";
/// The results are on their disk. The machine is then switched off from outside, since an emulated
/// one does not always manage by itself.
const FINISHED: &str = "LAB finished";
/// How a kernel says that it is lost.
const PANIC: [&str; 2] = ["Kernel panic - not syncing", "end Kernel panic"];
/// Of the serial line so much is read; what a machine prints beyond that is of no use.
const MOST_SERIAL: usize = 1 << 20;

/// A disk, found by the guest by its serial number: the order of NVMe controllers is not stable.
pub(crate) struct Disk {
    pub(crate) file: PathBuf,
    pub(crate) serial: &'static str,
    pub(crate) access: Access,
}

/// What a guest may do with a disk.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    /// Read.
    ReadOnly,
    /// Write to the file.
    Write,
    /// Write, and everything is forgotten at the end.
    Forgotten,
}

/// A machine.
pub(crate) struct Machine {
    /// `-machine`. `microvm` hung in half of its boots under emulation, `q35` in none.
    pub(crate) board: &'static str,
    /// `-cpu`. With AMD's virtualization, so that kvm-amd loads in the guest.
    pub(crate) processor: &'static str,
    pub(crate) processors: u32,
    pub(crate) memory_mib: u32,
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: Option<PathBuf>,
    /// What is added to the kernel's command line.
    pub(crate) append: String,
    pub(crate) disks: Vec<Disk>,
}

impl Machine {
    /// A machine with the defaults of the lab.
    pub(crate) fn new(kernel: PathBuf) -> Self {
        Self {
            board: "q35,accel=tcg",
            processor: "max,+svm,+npt",
            processors: 1,
            memory_mib: 1024,
            kernel,
            initrd: None,
            append: String::new(),
            disks: Vec::new(),
        }
    }

    fn command(&self, tools: &Tools) -> Command {
        let mut qemu = tools.qemu();
        let append = format!("console=ttyS0 quiet mitigations=off panic=-1 {}", self.append);
        qemu.args(["-machine", self.board, "-cpu", self.processor])
            .args(["-smp", &self.processors.to_string(), "-m", &self.memory_mib.to_string()])
            .arg("-kernel")
            .arg(&self.kernel)
            .args(["-append", append.trim_end()])
            .args(["-nodefaults", "-display", "none", "-serial", "stdio", "-monitor", "none"])
            .args(["-no-reboot", "-nic", "none"]);
        if let Some(initrd) = &self.initrd {
            qemu.arg("-initrd").arg(initrd);
        }
        for disk in &self.disks {
            let how = match disk.access {
                Access::ReadOnly => ",readonly=on",
                Access::Write => "",
                Access::Forgotten => ",snapshot=on",
            };
            let (serial, file) = (disk.serial, disk.file.display());
            qemu.arg("-drive").arg(format!("if=none,id={serial},format=raw,file={file}{how}"));
            qemu.arg("-device").arg(format!("nvme,drive={serial},serial={serial}"));
        }
        qemu
    }
}

/// How a boot went.
pub(crate) struct Booted {
    /// From the start of the emulator to the first line of the guest's script.
    pub(crate) up: Option<Duration>,
    pub(crate) took: Duration,
    /// What went wrong with the machine as a whole.
    pub(crate) failure: Option<String>,
    /// The last lines of the serial line, escaped.
    pub(crate) serial: Vec<String>,
}

/// Boots a machine and waits until it has finished, at most `limit`.
pub(crate) fn boot(
    tools: &Tools,
    machine: &Machine,
    log: &Path,
    limit: Duration,
) -> Result<Booted> {
    let (mut up, mut took) = (None, Duration::ZERO);
    let (mut panicked, mut done) = (false, false);
    let mut command = machine.command(tools);
    println!("$ {}", process::line_of(&command));
    let finished = process::run_watched(&mut command, log, limit, |elapsed| {
        took = elapsed;
        let text = serial(log).unwrap_or_default();
        if up.is_none() && text.contains(UP) {
            up = Some(elapsed);
        }
        panicked = PANIC.iter().any(|words| text.contains(words));
        done = text.contains(FINISHED);
        !panicked && !done
    })?;
    let failure = if panicked {
        Some("the guest's kernel panicked".to_owned())
    } else if done {
        None
    } else {
        match finished.ended {
            Ended::Overdue => Some(format!("the boot took longer than {} s", limit.as_secs())),
            Ended::With(status) if status.success() => None,
            Ended::With(status) => Some(format!("the emulator ended: {status}")),
        }
    };
    let text = serial(log)?;
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default();
    let serial = last.iter().map(|line| super::results::escaped(line)).collect();
    Ok(Booted { up, took, failure, serial })
}

fn serial(log: &Path) -> Result<String> {
    let mut bytes = fs::read(log).with_context(|| format!("cannot read {}", log.display()))?;
    bytes.truncate(MOST_SERIAL);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
