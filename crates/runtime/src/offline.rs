//! What would be decided, were these the facts? Drives the same chain as the gateway, without
//! asking anything of the outside.
//!
//! The body is given when the chain asks for it and not before, as in the gateway: what is checked
//! before a body is read is checked here too.

use portcullis_core::facts::{Facts, Need};
use portcullis_core::receive::Arrival;
use portcullis_core::trace::Trace;
use portcullis_core::{Advance, Allowed, Chain, Refusal, Snapshot};
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
) -> Result<Allowed, Refusal> {
    let mut chain = Chain::new(arrival);
    let mut known = Facts { body: None, ..facts.clone() };
    loop {
        match chain.advance(&known, snapshot, now, trace) {
            Ok(()) => {}
            // asking again without new facts ends by the chain's own bound on rounds
            Err(Advance::Needs(needs)) => {
                if needs.iter().any(|need| matches!(need, Need::Body { .. })) {
                    known.body.clone_from(&facts.body);
                }
            }
            Err(Advance::Permitted(permit)) => return Ok(Allowed::Permitted(permit)),
            Err(Advance::Answered(answer)) => return Ok(Allowed::Answered(answer)),
            Err(Advance::Refused(refusal)) => return Err(refusal),
        }
    }
}
