//! What would be decided, were these the facts? Drives the same chain as the gateway, without
//! asking anything of the outside.

use portcullis_core::facts::Facts;
use portcullis_core::receive::Arrival;
use portcullis_core::trace::Trace;
use portcullis_core::{Advance, Chain, Permit, Refusal, Snapshot};
use portcullis_model::Timestamp;

/// Decides from given facts. A fact that is needed and not given refuses (law 3).
///
/// # Errors
/// The refusal.
pub fn decide(
    arrival: Arrival,
    facts: &Facts,
    snapshot: &Snapshot,
    now: Timestamp,
    trace: &mut Trace,
) -> Result<Box<Permit>, Refusal> {
    let mut chain = Chain::new(arrival);
    loop {
        match chain.advance(facts, snapshot, now, trace) {
            // asking again without new facts ends by the chain's own bound on rounds
            Ok(()) | Err(Advance::Needs(_)) => {}
            Err(Advance::Permitted(permit)) => return Ok(permit),
            Err(Advance::Refused(refusal)) => return Err(refusal),
        }
    }
}
