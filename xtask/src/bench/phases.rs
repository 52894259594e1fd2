//! Where isobar's own time goes: the phases of its report, as medians.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Who;
use super::record::PhaseRow;
use super::rival::Rival;
use super::sample::{self, Figures};

/// Medians of the phases over `runs` runs, in the order in which they happen.
pub(crate) fn of(isobar: &Rival, who: &Who, dir: &Path, runs: usize) -> Result<Vec<PhaseRow>> {
    let reports = dir.join(format!("reports-{}", who.name));
    fs::create_dir(&reports)?;
    chown(&reports, who.uid, who.uid)?;
    let file = reports.join("report.json");
    let mut words = isobar.words.clone();
    words.splice(2..2, ["--report".into(), file.clone().into()]);
    let mut order: Vec<String> = Vec::new();
    let mut times: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for _ in 0..runs {
        let status = sample::command(&words, who.uid)?.status()?;
        if !status.success() {
            bail!("isobar ended with {status}");
        }
        let report: Value = serde_json::from_slice(&fs::read(&file)?)?;
        let phases = report.pointer("/outcome/phases").and_then(Value::as_array);
        for phase in phases.context("a report has phases")? {
            let name = phase.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let micros = phase.get("micros").and_then(Value::as_u64).unwrap_or_default();
            let micros = Duration::from_micros(micros);
            if !order.contains(&name) {
                order.push(name.clone());
            }
            times.entry(name).or_default().push(micros);
        }
    }
    let row = |name: String| {
        let figures = Figures::of(times.remove(&name).unwrap_or_default());
        PhaseRow { who: who.name, name, median_us: sample::round(figures.median_ms * 1000.0) }
    };
    Ok(order.into_iter().map(row).collect())
}
