//! The words of a verdict: stage, decision, obligation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The stages of a crossing, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// One view of the message; which operation is meant.
    Receive,
    /// Who is it?
    Identify,
    /// Is it to be trusted now?
    Assess,
    /// May it?
    Authorize,
    /// Is the message safe and as its contract says?
    Inspect,
    /// Is there room?
    Admit,
    /// Carry it to the upstream.
    Forward,
    /// Carry the answer back.
    Reply,
    /// Write it down.
    Record,
}

impl Stage {
    /// Every stage in order.
    pub const ALL: [Self; 9] = [
        Self::Receive,
        Self::Identify,
        Self::Assess,
        Self::Authorize,
        Self::Inspect,
        Self::Admit,
        Self::Forward,
        Self::Reply,
        Self::Record,
    ];

    /// The stage's name in codes, records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Identify => "identify",
            Self::Assess => "assess",
            Self::Authorize => "authorize",
            Self::Inspect => "inspect",
            Self::Admit => "admit",
            Self::Forward => "forward",
            Self::Reply => "reply",
            Self::Record => "record",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a decision came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The crossing was permitted.
    Allow,
    /// It was refused.
    Deny,
}

/// What the boundary must do besides allowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obligation {
    /// The record of intent must be durable before the request is forwarded.
    RecordBeforeForward,
}
