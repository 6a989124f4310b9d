//! `portcullis completions` and `portcullis man`: the command line as shells and readers of manual
//! pages want it, made from the command line itself.

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Command, ValueEnum};
use clap_complete::{Generator, shells};

use crate::verbs::{Exit, say};

/// Shells that are completed for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
}

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell, command: Command) -> Result<Exit> {
    let text = match shell {
        Shell::Bash => generated(shells::Bash, command),
        Shell::Zsh => generated(shells::Zsh, command),
        Shell::Fish => generated(shells::Fish, command),
    };
    say(&text)?;
    Ok(Exit::Done)
}

fn generated(shell: impl Generator, mut command: Command) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "portcullis", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Writes a manual page for every verb into a folder.
pub(crate) fn man(folder: &Path, command: Command) -> Result<Exit> {
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .with_context(|| format!("`{}`", folder.display()))?;
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("`{}`", folder.display()))? {
        pages.push(entry?.file_name().to_string_lossy().into_owned());
    }
    pages.sort();
    for page in pages.iter().filter(|page| page.starts_with("portcullis")) {
        println!("wrote {}", folder.join(page).display());
    }
    Ok(Exit::Done)
}
