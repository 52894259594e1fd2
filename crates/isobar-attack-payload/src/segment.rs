//! Read a shared memory segment of the host's by its number, and the host's side of that.

use std::io::{Read as _, Write as _};

use crate::sys::segment;
use crate::verdict::{Refusals, Unable, Verdict, argument};

/// `ID`: the number of the segment. Succeeds with what it holds, up to the first NUL.
pub(crate) fn attempt(arguments: &[String]) -> Result<Verdict, Unable> {
    let id: usize = argument(arguments, 0, "a segment's number")?
        .parse()
        .map_err(|error| Unable(format!("the segment is no number: {error}")))?;
    let content = match segment::read(id) {
        Ok(content) => content,
        Err(errno) => {
            let mut refusals = Refusals::default();
            refusals.errno("shmat", errno);
            return Ok(refusals.verdict());
        }
    };
    let secret = content.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(Verdict::Succeeded(String::from_utf8_lossy(secret).into_owned()))
}

/// Runs on the host: holds a segment with `secret` until standard input ends. Its number is printed
/// first.
pub(crate) fn hold(secret: &str) -> u8 {
    let said = segment::publish(secret.as_bytes())
        .map_err(std::io::Error::from)
        .and_then(|id| writeln!(std::io::stdout(), "{id}"));
    if let Err(error) = said {
        // Nobody is left to tell when standard error itself is gone.
        writeln!(std::io::stderr(), "isobar-attack-payload: no segment: {error}").ok();
        return 1;
    }
    let mut rest = Vec::new();
    match std::io::stdin().take(1).read_to_end(&mut rest) {
        Ok(_) => 0,
        Err(_) => 1,
    }
}
