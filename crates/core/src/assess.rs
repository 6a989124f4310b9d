//! Is the caller to be trusted now?
//!
//! What is known today is the age of the credential; it becomes context for policies.

use portcullis_model::written;
use portcullis_model::{Stage, Timestamp};

use crate::identify::Identified;
use crate::trace::Trace;

/// A caller with what is known of it at this moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Assessed {
    /// Who and what.
    pub identified: Identified,
    /// Seconds since the credential was issued, where it says so.
    pub token_age_secs: Option<u64>,
}

/// Computes the signals.
#[must_use]
pub(crate) fn decide(identified: Identified, now: Timestamp, trace: &mut Trace) -> Assessed {
    let credential = identified.caller.principal().credential.as_ref();
    let issued_at = credential.and_then(|credential| credential.issued_at);
    let token_age_secs = issued_at.map(|issued| now.since(issued).as_secs());
    match token_age_secs {
        Some(age) => {
            let mut said = "the credential is ".to_owned();
            written::number(&mut said, age);
            said.push_str(" s old");
            trace.say(Stage::Assess, said);
        }
        None => trace.say(Stage::Assess, "no age is known"),
    }
    Assessed { identified, token_age_secs }
}
