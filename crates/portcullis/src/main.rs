//! The command line: which verb was meant, in which folder, in which format. Each verb has a room
//! of its own under [`verbs`]; what serves an estate is wired in [`serving`] and
//! read anew in [`reloading`]; [`demo`] shows it at work.
//!
//! Exit codes: 0 done, 1 something was refused or differs, 2 wrong input or could not run.

#![allow(clippy::print_stdout, reason = "a command line speaks on standard output")]
#![allow(clippy::print_stderr, reason = "and about its own failures on standard error")]

mod demo;
mod reloading;
mod renewing;
mod serving;
mod verbs;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use verbs::{Exit, Format, check, explain, init, key, policy, replay, run, simulate};

/// Requests make and drop many small values: see `docs/decisions/0002-allocator.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Portcullis holds API trust boundaries.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Folder of the estate.
    #[arg(short = 'C', long = "folder", global = true, default_value = ".")]
    folder: PathBuf,
    /// How results are written.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Writes a commented, minimal estate that passes `check`.
    Init,
    /// Says everything that is wrong with the estate.
    Check,
    /// Prints the JSON Schema of `portcullis.yaml`.
    Schema,
    /// The policies that follow from contracts.
    Policy {
        #[command(subcommand)]
        verb: policy::Verb,
    },
    /// Serves the estate.
    Run(run::Arguments),
    /// API keys of the estate.
    Key {
        #[command(subcommand)]
        verb: key::Verb,
    },
    /// Says why a decision fell, or what a reason or finding code means.
    Explain {
        /// A decision id, a reason such as `authorize.forbidden`, or a code such as `PC0101`.
        what: String,
    },
    /// Decides recorded requests anew and says what differs.
    Replay {
        /// A file of records.
        file: PathBuf,
    },
    /// Serves the example shop to some forty requests, good ones and attacks.
    Demo(demo::Arguments),
    /// Decides requests of a file without network.
    Simulate {
        /// A YAML list of requests.
        file: PathBuf,
    },
}

impl Verb {
    /// Whether its results can be written in more than one format.
    const fn has_formats(&self) -> bool {
        matches!(self, Self::Check | Self::Replay { .. } | Self::Simulate { .. })
    }
}

fn main() -> ExitCode {
    let Cli { folder, format, verb } = Cli::parse();
    if format != Format::Text && !verb.has_formats() {
        eprintln!("error: `--format` has no effect on this verb; leave it out");
        return Exit::CouldNotRun.into();
    }
    let done = match verb {
        Verb::Init => init::run(&folder),
        Verb::Check => check::run(&folder, format),
        Verb::Schema => check::schema(),
        Verb::Policy { verb } => policy::run(&folder, &verb),
        Verb::Run(arguments) => run::run(&folder, &arguments),
        Verb::Key { verb } => key::run(&folder, &verb),
        Verb::Explain { what } => explain::run(&folder, &what),
        Verb::Replay { file } => replay::run(&folder, &file, format),
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Simulate { file } => simulate::run(&folder, &file, format),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            Exit::CouldNotRun.into()
        }
    }
}
