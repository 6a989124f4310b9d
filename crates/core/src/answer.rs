//! What does the boundary answer itself, without asking an upstream? A CORS preflight today. It is a
//! decision like any other: its facts are noted, and it is recorded.

use http::{HeaderMap, StatusCode};

/// An answer without body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
}
