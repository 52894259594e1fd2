//! `isobar policy`: print the schema, a profile or a merged policy, or check a file.

use std::path::PathBuf;

use clap::Subcommand;
use isobar_engine::policy::{Diagnostic, PROFILES, profile_text, schema};

use crate::flags::{PolicyFlags, profile_named};
use crate::output::Output;
use crate::policy_file::PolicyFile;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the JSON Schema of policies
    Schema,
    /// Print a profile; with flags or a file, the merged policy as TOML
    Show {
        /// The profile [default: default]
        #[arg(value_name = "PROFILE", conflicts_with = "profile")]
        name: Option<String>,
        #[command(flatten)]
        flags: Box<PolicyFlags>,
    },
    /// Read a policy file and tell everything that is wrong with it, whatever the host
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the policy, or with standard output.
pub(crate) fn run(args: Args, output: &Output) -> Result<u8, Vec<Diagnostic>> {
    match args.what {
        What::Schema => show(output, &format!("{:#}\n", schema()))?,
        What::Show { name, flags } => {
            let text = if flags.is_bare() {
                profile_or_error(name.as_deref().or(flags.profile_name()))?.to_owned()
            } else {
                flags.merged(name.as_deref())?.to_toml()
            };
            show(output, &text)?;
        }
        What::Check { file } => check(&file)?,
    }
    Ok(0)
}

/// The text of a profile as it is written, comments included.
fn profile_or_error(name: Option<&str>) -> Result<&'static str, Vec<Diagnostic>> {
    profile_named(name).map_err(|error| vec![error])?;
    let name = name.or_else(|| PROFILES.first().copied()).unwrap_or_default();
    Ok(profile_text(name).unwrap_or_default())
}

fn check(file: &std::path::Path) -> Result<(), Vec<Diagnostic>> {
    let file = PolicyFile::read(file).map_err(|error| vec![error])?;
    let wrong: Vec<Diagnostic> = file.policy.validate().iter().map(Diagnostic::from).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn show(output: &Output, text: &str) -> Result<(), Vec<Diagnostic>> {
    output.data(text).map_err(|error| vec![error])
}
