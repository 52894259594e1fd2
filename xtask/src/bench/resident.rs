//! The memory of one sandbox: the proportional set size of every isobar process of it.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Who;
use super::record::Resident;
use super::sample;

/// How long the guest may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sums `Pss` of /proc/PID/smaps_rollup (proc(5)) over the supervisor and what it started, but for
/// the guest's own program.
pub(crate) fn of(dist: &Path, who: &Who, dir: &Path) -> Result<Vec<Resident>> {
    let work = dir.join(format!("resident-{}", who.name));
    fs::create_dir(&work)?;
    std::os::unix::fs::chown(&work, who.uid, who.uid)?;
    let words = [
        dist.join("isobar").into(),
        "run".into(),
        "--quiet".into(),
        "--workspace".into(),
        work.clone().into(),
        "--".into(),
        "sh".into(),
        "-c".into(),
        "touch begun; exec sleep 30".into(),
    ];
    let mut child = sample::command(&words, who.uid)?.spawn()?;
    let measured = measured(&child, &work.join("begun"), who);
    child.kill().ok();
    child.wait().ok();
    measured
}

fn measured(child: &Child, begun: &Path, who: &Who) -> Result<Vec<Resident>> {
    let start = Instant::now();
    while !begun.exists() {
        if start.elapsed() > PATIENCE {
            bail!("the guest did not begin");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut found = Vec::new();
    let mut open = vec![child.id()];
    while let Some(pid) = open.pop() {
        open.extend(children(pid));
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let name = name.trim().to_owned();
        if name.starts_with("isobar") || name.starts_with("memfd:isobar") {
            let kib = pss(pid).with_context(|| format!("memory of {name}"))?;
            found.push(Resident { who: who.name, process: name, kib });
        }
    }
    Ok(found)
}

fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn pss(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
    let number = line.split_whitespace().next().context("no number")?;
    Ok(number.parse()?)
}
