//! One module per verb; what they share is how results are written and how a verb ends.

pub(crate) mod ask;
pub(crate) mod check;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod manual;
pub(crate) mod policy;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod simulate;

use std::io::Write;
use std::process::ExitCode;

use clap::ValueEnum;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For code scanners (findings only).
    Sarif,
}

/// Writes a whole result. A reader that has seen enough (`| head`) is no error.
pub(crate) fn say(text: &str) -> std::io::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and all is well.
    Done,
    /// Done, and something was refused or differs.
    Refused,
    /// Wrong input, or it could not run.
    CouldNotRun,
    /// Nobody answers, or whoever does is not ready.
    Unreachable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Refused => Self::from(1),
            Exit::CouldNotRun => Self::from(2),
            Exit::Unreachable => Self::from(4),
        }
    }
}
