//! `isobar gc`: what killed supervisors of the caller's have left is removed.
//!
//! Every run does that as it starts; the command is for whoever wants a clean machine without one.

use isobar_engine::Engine;
use isobar_engine::boundary::Leftovers;
use isobar_engine::policy::{Diagnostic, escape};
use serde::Serialize;

use crate::output::Output;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Results<'a> {
    version: u32,
    removed: &'a [String],
    ending: &'a [String],
    living: u32,
}

/// Runs the command: 0 where nothing is left, else 1.
///
/// # Errors
/// The state directory cannot be used, or standard output cannot be written.
pub(crate) fn run(args: &Args, output: &Output) -> Result<u8, Vec<Diagnostic>> {
    let found = Engine::new().collect().map_err(|error| vec![error])?;
    let text = if args.json {
        let Leftovers { removed, ending, living } = &found;
        let results = Results { version: 1, removed, ending, living: *living };
        // Numbers and texts, all of which JSON can write.
        serde_json::to_string_pretty(&results).unwrap_or_default() + "\n"
    } else {
        told(&found)
    };
    output.data(&text).map_err(|error| vec![error])?;
    Ok(u8::from(!found.ending.is_empty()))
}

/// The result for a person. Paths are escaped: a note in the state directory holds them.
fn told(found: &Leftovers) -> String {
    let mut text = String::new();
    for path in &found.removed {
        text.push_str(&format!("removed {}\n", escape(path)));
    }
    for path in &found.ending {
        text.push_str(&format!("still in use {}\n", escape(path)));
    }
    let nothing = found.removed.is_empty() && found.ending.is_empty();
    let head = if nothing { "nothing was left" } else { "done" };
    let living = match found.living {
        0 => String::new(),
        1 => "; 1 sandbox is alive".to_owned(),
        living => format!("; {living} sandboxes are alive"),
    };
    text.push_str(&format!("{head}{living}\n"));
    text
}
