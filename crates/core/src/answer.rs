//! What does the boundary answer itself, without asking an upstream? A CORS preflight, what clients are
//! told about an API before they have a token, the public keys of its own tokens. It is a decision
//! like any other: its facts are noted, and it is recorded.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body; often empty.
    pub body: Bytes,
}
