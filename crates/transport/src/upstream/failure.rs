//! Why is there no answer, and what became of the request? The second decides whether it may be
//! sent again.

use std::time::Duration;

use http::Request;

use super::outbound::Outbound;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No connection, or it broke before an answer.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// Too slow.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// Not one unambiguous answer.
    #[error("invalid answer: {0}")]
    Invalid(String),
    /// It does not prove who it is.
    #[error("not trusted: {0}")]
    Untrusted(String),
    /// Its name leads where it must not.
    #[error("address refused: {0}")]
    AddressRefused(String),
    /// A declared bound is reached; it was not asked.
    #[error("overloaded: {0}")]
    Overloaded(&'static str),
    /// Every endpoint fails its health checks; none was asked.
    #[error("unhealthy: {0}")]
    Unhealthy(String),
}

/// What became of a request that was not answered.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It was provably not sent, and is here again.
    Unsent(Box<Request<Outbound>>),
    /// It may have been sent; nothing of an answer came.
    Sent,
    /// Something of an answer came.
    Answered,
}

/// One try that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    /// Why.
    pub(crate) failure: Failure,
    /// What became of the request.
    pub(crate) fate: Fate,
    /// Whether the connection had waited, so that its end may be no fault of the endpoint.
    pub(crate) kept: bool,
}

impl Failed {
    /// A failure before anything was sent.
    pub(crate) fn unsent(failure: Failure, request: Request<Outbound>) -> Self {
        Self { failure, fate: Fate::Unsent(Box::new(request)), kept: false }
    }

    /// Whether it was provably not sent.
    pub(crate) const fn is_unsent(&self) -> bool {
        matches!(self.fate, Fate::Unsent(_))
    }
}
