//! The command line: which verb was meant, in which folder, in which format. Each verb has a room
//! of its own under [`verbs`]; what serves an estate is wired in [`serving`] and
//! read anew in [`reloading`]; [`demo`] shows it at work.
//!
//! Exit codes: 0 done, 1 something was refused or differs, 2 wrong input or could not run, 4 nobody
//! answers.

#![allow(clippy::print_stdout, reason = "a command line speaks on standard output")]
#![allow(clippy::print_stderr, reason = "and about its own failures on standard error")]

mod admin_door;
mod demo;
mod descriptors;
mod notify;
mod operating;
mod reloading;
mod renewing;
mod serving;
mod verbs;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{CommandFactory, Parser, Subcommand};
use portcullis_runtime::estate::Site;

use verbs::{
    Exit, Format, ask, check, diff, doctor, explain, init, key, manual, policy, replay, run,
    simulate,
};

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
    /// Lays `overlays/NAME.yaml` over the declaration.
    #[arg(long, global = true, value_name = "NAME")]
    overlay: Vec<String>,
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
    /// Says what changed in meaning between two estates, or two environments of one.
    Diff(diff::Arguments),
    /// Says whether this machine is fit to serve the estate.
    Doctor {
        /// Worker threads that it would be served with; one per core where it is not said.
        #[arg(long)]
        workers: Option<usize>,
    },
    /// Whether the running gateway serves: exit code 0; 4 where it does not, or nobody answers at the
    /// socket or address; 1 where it refused to say.
    Ready(ask::Arguments),
    /// Whether the gateway's process lives: exit code 0; 4 where nobody answers at the socket or
    /// address; 1 where it refused to say.
    Health(ask::Arguments),
    /// Has the running gateway read its estate anew: exit code 0; 1 where it was not
    /// taken, or refused; 4 where nobody answers at the socket or address.
    Reload(ask::Arguments),
    /// Prints what a shell needs to complete the command line.
    Completions {
        /// The shell.
        shell: manual::Shell,
    },
    /// Writes manual pages.
    Man {
        /// Folder to write them into.
        folder: PathBuf,
    },
    /// Prints the JSON Schema of `portcullis.yaml`, or that of overlays.
    Schema {
        /// Which of the two.
        #[arg(value_enum, default_value_t = check::Of::Declaration)]
        of: check::Of,
    },
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
        matches!(
            self,
            Self::Check
                | Self::Diff(_)
                | Self::Doctor { .. }
                | Self::Replay { .. }
                | Self::Simulate { .. }
        )
    }

    /// How many overlays it can use: one estate has at most one.
    const fn overlays_max(&self) -> usize {
        match self {
            Self::Diff(_) => 2,
            Self::Check
            | Self::Doctor { .. }
            | Self::Ready(_)
            | Self::Health(_)
            | Self::Reload(_)
            | Self::Policy { .. }
            | Self::Run(_)
            | Self::Key { .. }
            | Self::Replay { .. }
            | Self::Explain { .. }
            | Self::Simulate { .. } => 1,
            Self::Init
            | Self::Schema { .. }
            | Self::Demo(_)
            | Self::Completions { .. }
            | Self::Man { .. } => 0,
        }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            Exit::CouldNotRun.into()
        }
    }
}

fn run(Cli { folder, overlay: overlays, format, verb }: Cli) -> Result<Exit> {
    if format != Format::Text && !verb.has_formats() {
        bail!("`--format` has no effect on this verb; leave it out");
    }
    match (overlays.len(), verb.overlays_max()) {
        (given, most) if given <= most => {}
        (_, 0) => bail!("`--overlay` has no effect on this verb; leave it out"),
        (_, most) => {
            bail!("`--overlay` may be given {most} time(s); overlays are not laid over overlays")
        }
    }
    let site = Site { folder, overlay: overlays.first().cloned() };
    match verb {
        Verb::Init => init::run(&site.folder),
        Verb::Check => check::run(&site, format),
        Verb::Diff(arguments) => diff::run(site.folder, &overlays, arguments, format),
        Verb::Doctor { workers } => doctor::run(&site, workers, format),
        Verb::Ready(arguments) => ask::run(&site, &arguments, "/ready"),
        Verb::Health(arguments) => ask::run(&site, &arguments, "/health"),
        Verb::Reload(arguments) => ask::reload(&site, &arguments),
        Verb::Completions { shell } => manual::completions(shell, Cli::command()),
        Verb::Man { folder } => manual::man(&folder, Cli::command()),
        Verb::Schema { of } => check::schema(of),
        Verb::Policy { verb } => policy::run(&site, &verb),
        Verb::Run(arguments) => run::run(&site, &arguments),
        Verb::Key { verb } => key::run(&site, &verb),
        Verb::Explain { what } => explain::run(&site, &what),
        Verb::Replay { file } => replay::run(&site, &file, format),
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Simulate { file } => simulate::run(&site, &file, format),
    }
}
