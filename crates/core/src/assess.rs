//! Is the caller to be trusted now?
//!
//! What is known today is the age of the credential, and how and when the caller signed in. Both are
//! context for policies; how strong and how recent the sign-in must be, the boundary may say itself.

use std::time::Duration;

use portcullis_model::{Attribute, Principal, Reason, Stage, StepUp, Timestamp, written};

use crate::identify::Identified;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::trace::Trace;

/// A caller with what is known of it at this moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Assessed {
    /// Who and what.
    pub identified: Identified,
    /// Seconds since the credential was issued, where it says so.
    pub token_age_secs: Option<u64>,
    /// Seconds since the caller signed in, where the credential says when.
    pub auth_age_secs: Option<u64>,
}

/// Computes the signals, and judges whether the caller has signed in as the boundary asks.
///
/// # Errors
/// `assess.authentication_insufficient`, with what is needed.
pub(crate) fn decide(
    identified: Identified,
    snapshot: &Snapshot,
    now: Timestamp,
    trace: &mut Trace,
) -> Result<Assessed, Refusal> {
    let principal = identified.caller.principal();
    let credential = principal.credential.as_ref();
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
    let skew = principal.provider.as_ref().map(|id| snapshot.clock_skew(id)).unwrap_or_default();
    let auth_age_secs = auth_age(principal, skew, now);
    let asked = identified.received.crossing.boundary.identity.assurance.as_ref();
    if let Some(asked) = asked.filter(|_| principal.provider.is_some())
        && let Err(detail) = suffices(principal, auth_age_secs, skew, asked)
    {
        let refusal = Refusal::new(Reason::AuthenticationInsufficient, detail);
        return Err(Refusal { step_up: Some(Box::new(asked.clone())), ..refusal });
    }
    Ok(Assessed { token_age_secs, auth_age_secs, identified })
}

/// Seconds since the caller signed in; nothing where that is not said, or lies ahead.
fn auth_age(principal: &Principal, skew: Duration, now: Timestamp) -> Option<u64> {
    let Some(Attribute::Number(secs)) = principal.attributes.get("auth_time") else { return None };
    let signed_in = Timestamp::from_secs(u64::try_from(*secs).ok()?);
    (signed_in <= now.plus(skew)).then(|| now.since(signed_in).as_secs())
}

fn suffices(
    principal: &Principal,
    auth_age_secs: Option<u64>,
    skew: Duration,
    asked: &StepUp,
) -> Result<(), &'static str> {
    let acr = match principal.attributes.get("acr") {
        Some(Attribute::Text(acr)) => Some(acr),
        Some(_) | None => None,
    };
    if !asked.acr.is_empty() && !acr.is_some_and(|acr| asked.acr.contains(acr)) {
        return Err("the sign-in was not strong enough, or it is not said how strong");
    }
    match (asked.max_age_secs, auth_age_secs) {
        (None, _) => Ok(()),
        (Some(most), Some(age)) if age <= most.saturating_add(skew.as_secs()) => Ok(()),
        (Some(_), _) => Err("the sign-in was too long ago, or it is not said when"),
    }
}
