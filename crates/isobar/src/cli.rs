//! What can be given on the command line: the commands, and the shape of their help.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::output::ColourChoice;
use crate::{cmd, exit, usage};

/// Help begins with examples and ends with the exit codes; the flags stand between.
const TEMPLATE: &str =
    "{about-with-newline}\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}\n";

const EXAMPLES: &str = "\
Examples:
  isobar run -- python3 generated.py         no network, no home, nothing kept
  isobar run --workspace . -- pytest         lend the current directory
  isobar run --timeout 30s --memory 512M -- ./solve
  isobar run --lang python -c 'print(1 + 1)'
  isobar doctor                              what this host can enforce, and why not";

/// Run untrusted code behind the boundary you choose, and be told the truth about it.
#[derive(Debug, Parser)]
#[command(
    name = "isobar",
    version,
    disable_version_flag = true,
    help_template = TEMPLATE,
    before_help = EXAMPLES,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// When to colour: auto, always, never
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(crate) color: ColourChoice,
    /// Print version and build
    #[arg(long, short = 'V', action = clap::ArgAction::Version)]
    version: (),
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one program in a fresh sandbox, and leave nothing behind
    Run(Box<cmd::run::Args>),
    /// Show what this host can enforce, and what to change where it cannot
    Doctor(cmd::doctor::Args),
    /// Explain a policy: clause, mechanism, evidence, and what stays shared
    Explain(Box<cmd::explain::Args>),
    /// Print the schema, a profile or a merged policy, or check a file
    Policy(Box<cmd::policy::Args>),
    /// Try to get out of a sandbox in every way that is known here
    Attack(cmd::attack::Args),
    /// Say what this host needs once, do it when told to, and take it back
    Setup(cmd::setup::Args),
    /// Remove what killed supervisors have left
    Gc(cmd::gc::Args),
}

/// The whole definition, with the parts that derive cannot say.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
        .after_help(exit::table())
        .mut_subcommands(|command| command.help_template(TEMPLATE))
        .mut_subcommand("run", |command| command.after_help(exit::table()))
}

/// Reads the command line.
///
/// # Errors
/// [`usage::Stop`]: help was asked for, or something is wrong.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Cli, usage::Stop> {
    let args: Vec<OsString> = args.collect();
    // Most command lines are right and ask for no help, whose texts cost each start their making.
    if let Ok(cli) = Cli::try_parse_from(&args) {
        return Ok(cli);
    }
    let matches = definition().try_get_matches_from(args).map_err(usage::Stop::from)?;
    Cli::from_arg_matches(&matches).map_err(usage::Stop::from)
}

/// The version and the build, by which a supervisor and `isobar-init` recognise each other.
pub(crate) fn version() -> String {
    format!("isobar {} (build {})\n", env!("CARGO_PKG_VERSION"), build_id())
}

/// The build's identity in hexadecimal.
pub(crate) fn build_id() -> String {
    isobar_engine::BUILD_ID.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
