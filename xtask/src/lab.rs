//! `cargo xtask lab`: our tests on stock Debian kernels, under QEMU's software emulation.
//!
//! For what this machine cannot show: other kernels, control groups of version 2, an ordinary user's
//! login. Everything comes from Debian packages (`apt`), is kept below the target directory
//! (`cache`), and what is tested goes in on a disk (`input`) and comes out on another (`results`).
//! docs/lab.md tells how to use it.

mod apt;
mod busybox;
mod cache;
mod cpio;
mod input;
mod kernel;
mod profile;
mod qemu;
mod results;
mod scenario;
mod systemd;
mod tools;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};

use self::apt::{Apt, absent};
use self::cache::Cache;
pub(crate) use self::input::Payload;
use self::profile::{PROFILES, Profile, UserLand};
use self::qemu::{Access, Disk, Machine};
use self::scenario::{SCENARIOS, Scenario};
use self::tools::Tools;
use crate::build::{self, Flavour};
use crate::test::{self, Tally};
use crate::workspace;

/// What a boot may take beside its scenarios.
const BOOT_SECONDS: u32 = 180;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this machine (repeat for several).
    #[arg(long, value_name = "NAME")]
    profile: Vec<String>,
    /// Only scenarios whose name contains this.
    #[arg(long, value_name = "TEXT")]
    scenario: Option<String>,
    /// Also what otherwise runs at night only.
    #[arg(long)]
    all: bool,
    /// Fetch and make what the machines are made of, and stop.
    #[arg(long)]
    prepare: bool,
    /// Look for newer packages even where the cache has some.
    #[arg(long)]
    refresh: bool,
}

/// Which scenarios a run takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Those that every change must pass.
    Small,
    /// All.
    Full,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let profiles = chosen(&options.profile)?;
    let cache = Cache::open(options.refresh)?;
    let machines = profiles
        .iter()
        .map(|profile| Ok((*profile, machine(&cache, profile)?)))
        .collect::<Result<Vec<_>>>()?;
    if options.prepare {
        println!("the lab is ready in {}", cache.root().display());
        return Ok(ExitCode::SUCCESS);
    }
    let bin = build::build(Flavour::Dev)?;
    // No scenario of the small list needs the fault build, which takes as long as the other.
    let fault_bin = if options.all { Some(build::build(Flavour::Fault)?) } else { None };
    let suites = test::build_suites(&scenario::targets())?;
    let payload = Payload::new(&suites, &bin, fault_bin.as_deref());
    let extent = if options.all { Extent::Full } else { Extent::Small };
    let mut tally = Tally::default();
    for (profile, (tools, machine)) in machines {
        let wanted = options.scenario.as_deref().unwrap_or_default();
        tally += boot(profile, &tools, machine, &payload, (extent, wanted))?;
    }
    tally.print_notes();
    println!("\n{tally}");
    let good = tally.failed == 0 && tally.passed > 0;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chosen(names: &[String]) -> Result<Vec<&'static Profile>> {
    if names.is_empty() {
        return Ok(PROFILES.iter().collect());
    }
    let known = || PROFILES.iter().map(|one| one.name).collect::<Vec<_>>().join(", ");
    let find = |name: &String| match PROFILES.iter().find(|one| one.name == name) {
        Some(profile) => Ok(profile),
        None => bail!("there is no machine {name}; there are {}", known()),
    };
    names.iter().map(find).collect()
}

/// The machine of a profile, without the disks of a boot.
fn machine(cache: &Cache, profile: &Profile) -> Result<(Tools, Machine)> {
    let apt = || Apt::new(profile.suite, &cache.root().join("apt"));
    let tools = Tools::get(cache, &apt)?;
    let mut machine = Machine::new(kernel::get(cache, &tools, &apt, profile.kernel)?);
    match profile.user_land {
        UserLand::Busybox => machine.initrd = Some(busybox::get(cache, &apt)?),
        UserLand::Systemd => {
            machine.append = systemd::append();
            let file = systemd::get(cache, &tools, &apt)?;
            machine.disks.push(Disk { file, serial: "lab-root", access: Access::Forgotten });
        }
    }
    Ok((tools, machine))
}

fn boot(
    profile: &Profile,
    tools: &Tools,
    mut machine: Machine,
    payload: &Payload<'_>,
    (extent, wanted): (Extent, &str),
) -> Result<Tally> {
    let scenarios: Vec<Scenario> = SCENARIOS
        .into_iter()
        .filter(|one| one.on.contains(&profile.user_land) && one.name.contains(wanted))
        .filter(|one| extent == Extent::Full || !one.nightly)
        .collect();
    if scenarios.is_empty() {
        return Ok(Tally::default());
    }
    println!("\n{}: {} scenarios", profile.name, scenarios.len());
    let place = workspace::target_dir()?.join("lab-boots").join(profile.name);
    fs::remove_dir_all(&place).or_else(absent)?;
    fs::create_dir_all(&place)?;
    let input = input::write(payload, &scenarios, &place)?;
    let output = place.join("out.tar");
    results::disk(&output)?;
    machine.disks.push(Disk { file: input, serial: "lab-in", access: Access::ReadOnly });
    machine.disks.push(Disk { file: output.clone(), serial: "lab-out", access: Access::Write });
    let seconds: u32 = scenarios.iter().map(|one| one.seconds).sum();
    let limit = Duration::from_secs(u64::from(seconds + BOOT_SECONDS));
    let booted = qemu::boot(tools, &machine, &place.join("serial"), limit)?;
    Ok(conclude(profile, &scenarios, &place, &output, booted))
}

fn conclude(
    profile: &Profile,
    scenarios: &[Scenario],
    place: &Path,
    output: &Path,
    booted: qemu::Booted,
) -> Tally {
    let seconds = |one: Duration| format!("{:.1} s", one.as_secs_f64());
    let up = booted.up.map_or("never".to_owned(), seconds);
    let (budget, all) = (profile.up_within.as_secs(), seconds(booted.took));
    println!("{}: script after {up} (budget {budget} s), all after {all}", profile.name);
    let mut tally = Tally::default();
    let unpacked = results::unpack(output, &place.join("out"));
    let complete = unpacked.as_ref().is_ok_and(|complete| *complete);
    if let Some(failure) = &booted.failure {
        tally.fail(format!("{}: {failure}", profile.name));
    } else if !complete {
        tally.fail(format!("{}: the guest did not come to its end", profile.name));
    }
    if let Err(error) = unpacked {
        tally.fail(format!("{}: {error:#}", profile.name));
    }
    if tally.failed > 0 {
        booted.serial.iter().for_each(|line| println!("  serial | {line}"));
    }
    for one in scenarios {
        tally += results::judge(one, &place.join("out"), profile.name);
    }
    tally
}
