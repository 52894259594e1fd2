//! More tasks at a time than the sandbox may have.
//!
//! A bomb that stops itself: children do nothing but wait for their end, die with their parent, and
//! there are never more than a few dozen. At the limit it goes on trying for a while, as a real one
//! would: where the kernel counts refusals for nobody, the boundary has to look, and looks now and
//! then.

use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, set_parent_process_death_signal};

use crate::sys::process;
use crate::verdict::{Refusals, Unable, Verdict, argument};

/// Where the bomb stops by itself, this process included.
const MOST: usize = 64;
/// How long it goes on trying at the limit.
const PERSISTENCE: Duration = Duration::from_millis(400);

/// `LIMIT`: how many tasks are allowed, this process included.
pub(crate) fn attempt(arguments: &[String]) -> Result<Verdict, Unable> {
    let limit: usize = argument(arguments, 0, "the limit")?
        .parse()
        .map_err(|error| Unable(format!("the limit is no number: {error}")))?;
    let mut children = Vec::new();
    let refused = grow(&mut children);
    let alive = 1 + children.len();
    for child in children {
        process::kill(child).map_err(|errno| Unable(format!("a child stays: {errno}")))?;
    }
    if alive > limit {
        return Ok(Verdict::Succeeded(format!("{alive} tasks at a time")));
    }
    let mut refusals = Refusals::default();
    refusals.errno(&format!("fork of task {}", alive + 1), refused.unwrap_or(Errno::AGAIN));
    Ok(refusals.verdict())
}

/// Makes children until there are enough, or until no more come for a while; says why they do not.
fn grow(children: &mut Vec<Pid>) -> Option<Errno> {
    let mut refused: Option<(Instant, Errno)> = None;
    while children.len() + 1 < MOST {
        match process::fork() {
            Ok(Some(child)) => children.push(child),
            Ok(None) => wait_for_the_end(),
            Err(errno) => {
                let (since, _) = *refused.get_or_insert((Instant::now(), errno));
                if since.elapsed() > PERSISTENCE {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    refused.map(|(_, errno)| errno)
}

fn wait_for_the_end() -> ! {
    if set_parent_process_death_signal(Some(Signal::KILL)).is_err() {
        process::exit(1);
    }
    loop {
        // Nothing can happen but the end.
        rustix::event::pause();
    }
}
