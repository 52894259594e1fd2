//! Writes man pages, completions and the AppArmor profile of `isobar` into a directory laid out as
//! /usr/share, from the definitions that the executable itself reads. `cargo xtask dist` runs it; nothing of it is in the executable.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use clap_complete::Shell;

/// A page for each command, and completions for the shells that packages know.
fn main() -> io::Result<()> {
    let Some(directory) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("usage: pages DIRECTORY"));
    };
    let mut command = isobar::definition();
    command.build();
    let pages = directory.join("man/man1");
    fs::create_dir_all(&pages)?;
    write_pages(&command, "isobar", &pages)?;
    for (shell, path) in [
        (Shell::Bash, "bash-completion/completions/isobar"),
        (Shell::Zsh, "zsh/vendor-completions/_isobar"),
        (Shell::Fish, "fish/vendor_completions.d/isobar.fish"),
    ] {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&directory))?;
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut isobar::definition(), "isobar", &mut text);
        fs::write(path, text)?;
    }
    let profiles = directory.join("isobar/apparmor");
    fs::create_dir_all(&profiles)?;
    fs::write(profiles.join("isobar"), isobar::apparmor_profile())
}

/// The page of one command and those of its commands: `isobar-policy-show.1`.
fn write_pages(command: &clap::Command, name: &str, directory: &Path) -> io::Result<()> {
    // A definition keeps names for ever, and this program ends soon.
    let lasting: &'static str = Box::leak(name.to_owned().into_boxed_str());
    let page = clap_mangen::Man::new(command.clone().name(lasting).display_name(lasting));
    let mut text = Vec::new();
    page.render(&mut text)?;
    fs::write(directory.join(format!("{name}.1")), text)?;
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        write_pages(inner, &format!("{name}-{}", inner.get_name()), directory)?;
    }
    Ok(())
}
