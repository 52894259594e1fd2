//! Sweeps over every system call that a supervisor makes: killed before it, or told that it failed.
//!
//! The supervisor is traced (ptrace(2)), so that each moment is exact and can be had again: what is
//! tested is the N-th call, not a number of milliseconds. `ISOBAR_SWEEP` is how many moments each
//! test takes, spread evenly over the run; `cargo xtask nightly` takes more than CI.
#[cfg(test)]
#[path = "../harness/mod.rs"]
mod harness;

#[cfg(test)]
mod fail;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod traced;

/// Held by each test: what one leaves on purpose must not be collected by another.
#[cfg(test)]
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// How many moments are taken where nothing else is said.
#[cfg(test)]
const MOMENTS: u32 = 40;

/// Lets the next start know this host already, or learn it anew.
#[cfg(test)]
fn facts(known: bool) {
    if known {
        let ended = harness::Isobar::new().args(["run", "--", "true"]).run();
        assert_eq!(ended.code, Some(0), "{ended}");
    } else {
        std::fs::remove_file(harness::state_dir().join("facts-namespace.json")).ok();
    }
}

/// Numbers of calls spread over a run of `calls`, one at a seeded place of each equal part.
#[cfg(test)]
fn moments(calls: u32) -> impl Iterator<Item = u32> {
    let asked = std::env::var("ISOBAR_SWEEP").ok();
    let wanted = asked.map_or(MOMENTS, |text| text.parse().expect("ISOBAR_SWEEP is a number"));
    let mut state = 0x5eed_u64;
    (0..wanted).map(move |part| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let place = |part: u32| u64::from(part) * u64::from(calls) / u64::from(wanted);
        let width = (place(part + 1) - place(part)).max(1);
        u32::try_from(place(part) + (state >> 33) % width).expect("below `calls`") + 1
    })
}
