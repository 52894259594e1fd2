//! More memory than the sandbox may have: pages that are touched, so that they exist.

use std::hint::black_box;

use crate::verdict::{Unable, Verdict, argument};

/// Bytes between two touches.
const PAGE: usize = 4096;
/// The most that is asked for, so that a wrong argument harms nobody.
const MOST_MIB: usize = 512;

/// `MIB`: how much to use. Comes back only where it was given.
pub(crate) fn attempt(arguments: &[String]) -> Result<Verdict, Unable> {
    let mib: usize = argument(arguments, 0, "a number of MiB")?
        .parse()
        .map_err(|error| Unable(format!("the amount is no number: {error}")))?;
    let mut memory: Vec<u8> = Vec::new();
    let bytes = mib.min(MOST_MIB) << 20;
    if memory.try_reserve_exact(bytes).is_err() {
        return Ok(Verdict::Refused("malloc ENOMEM".to_owned()));
    }
    memory.resize(bytes, 0);
    for page in memory.chunks_mut(PAGE) {
        page.fill(1);
    }
    let touched = black_box(&memory).iter().step_by(PAGE).filter(|byte| **byte == 1).count();
    Ok(Verdict::Succeeded(format!("{} MiB", (touched * PAGE) >> 20)))
}
