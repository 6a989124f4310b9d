//! One module per verb; what they share is how they end.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod policy;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod simulate;

use std::process::ExitCode;

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and all is well.
    Done,
    /// Done, and something was refused or differs.
    Refused,
    /// Wrong input, or it could not run.
    CouldNotRun,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Refused => Self::from(1),
            Exit::CouldNotRun => Self::from(2),
        }
    }
}
