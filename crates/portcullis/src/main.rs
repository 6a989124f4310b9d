//! The command line. Today it explains reasons; the other verbs come as their rooms are built.

#![allow(clippy::print_stdout, reason = "a command line speaks on standard output")]
#![allow(clippy::print_stderr, reason = "and about its own failures on standard error")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use portcullis_model::Reason;

/// Portcullis holds API trust boundaries.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Says what a refusal means and what it answers.
    Explain {
        /// Its public code, such as `receive.malformed_framing`.
        code: String,
    },
}

fn main() -> ExitCode {
    let Verb::Explain { code } = Cli::parse().verb;
    let Some(reason) = Reason::from_code(&code) else {
        eprintln!("error: there is no reason `{code}`");
        for reason in Reason::ALL {
            eprintln!("  {reason}");
        }
        return ExitCode::from(2);
    };
    let entry = reason.entry();
    println!("{} (stage {}, HTTP {})", entry.code, entry.stage, entry.status);
    println!("client is told: {}", entry.title);
    println!("{}", entry.meaning);
    ExitCode::SUCCESS
}
