//! What does every answer say besides its content? One set of headers for what the upstream answers
//! and for what the boundary answers itself, so that a refusal is no weaker than a success.
//!
//! It follows from what was noted of the request (the trace) and from the declaration alone.

use http::HeaderMap;

use crate::life;
use crate::snapshot::Snapshot;
use crate::trace::Trace;

/// Completes the headers of an answer to the request that the trace is of.
pub fn complete(headers: &mut HeaderMap, trace: &Trace, snapshot: &Snapshot) {
    let api = trace.crossing.api.as_ref().and_then(|id| snapshot.declaration.apis.get(id));
    if let Some(api) = api {
        life::fields(&api.life, headers);
    }
}
