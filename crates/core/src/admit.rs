//! Is there room, and is it written down? The last stage, and the only one that can make a
//! [`Permit`].

use std::sync::Arc;

use bytes::Bytes;
use portcullis_config::declaration::{Audit, LimitPer};
use portcullis_identity::minted::Signed;
use portcullis_limit::Taken;
use portcullis_model::written;
use portcullis_model::{LimitId, Obligation, Reason, Stage};
use serde::Serialize;

use crate::authorize::Authorized;
use crate::facts::{Facts, LimitClaim, LimitsFact, Need};
use crate::inspect::Inspected;
use crate::mint;
use crate::refusal::{Refusal, Step};
use crate::snapshot::Snapshot;
use crate::trace::Trace;

/// The right to forward one request. Cannot be made outside this module, copied or kept: carrying
/// the request consumes it (law 4).
///
/// It cannot be made:
///
/// ```compile_fail,E0451
/// use portcullis_core::{Permit, inspect::Inspected};
///
/// fn make(inspected: Inspected) -> Permit {
///     Permit { inspected, taken: Vec::new(), token: None, intent_durable: true }
/// }
/// ```
///
/// nor changed after it was given:
///
/// ```compile_fail,E0616
/// fn change(mut permit: portcullis_core::Permit, other: portcullis_core::inspect::Inspected) {
///     permit.inspected = other;
/// }
/// ```
///
/// nor copied:
///
/// ```compile_fail,E0599
/// fn copy(permit: portcullis_core::Permit) -> portcullis_core::Permit {
///     permit.clone()
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    inspected: Inspected,
    taken: Vec<(LimitId, Taken)>,
    token: Option<Arc<Signed>>,
    intent_durable: bool,
}

impl Permit {
    /// What was permitted.
    #[must_use]
    pub const fn authorized(&self) -> &Authorized {
        &self.inspected.authorized
    }

    /// The checked body.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.inspected.body
    }

    /// What was taken from which limit.
    #[must_use]
    pub fn taken(&self) -> &[(LimitId, Taken)] {
        &self.taken
    }

    /// The token for the upstream, where it is sent one.
    #[must_use]
    pub fn token(&self) -> Option<&Signed> {
        self.token.as_deref()
    }

    /// Whether the record of intent is durable.
    #[must_use]
    pub const fn intent_durable(&self) -> bool {
        self.intent_durable
    }
}

/// Takes from the limits and, where the boundary requires it, has the intent recorded.
pub(crate) fn decide(
    inspected: Inspected,
    facts: &Facts,
    snapshot: &Snapshot,
    trace: &mut Trace,
) -> Step<Inspected, Permit> {
    let claims = claims(&inspected, snapshot);
    let taken = match (&facts.limits, claims.is_empty()) {
        (None, true) => Vec::new(),
        (None, false) => return Step::More(inspected, vec![Need::Limits(claims)]),
        (Some(LimitsFact::Taken(taken)), _) => taken.clone(),
        (Some(LimitsFact::Exhausted { limit, concurrent, retry_after_secs }), _) => {
            trace.fact(
                "limits",
                &ExhaustedFact {
                    concurrent: *concurrent,
                    exhausted: limit,
                    retry_after: *retry_after_secs,
                },
            );
            return Step::Refused(exhausted(limit, *concurrent, *retry_after_secs));
        }
    };
    let token = match mint::decide(&inspected, facts.token.as_ref(), snapshot, trace) {
        Step::Next(token) => token,
        Step::More((), needs) => return Step::More(inspected, needs),
        Step::Answered(answer) => return Step::Answered(answer),
        Step::Refused(refusal) => return Step::Refused(refusal),
    };
    match obligation(&inspected) {
        None => note(trace, &taken, Obligation::RecordBeforeForward, false),
        Some(obligation) => match facts.intent_durable {
            None => {
                note(trace, &taken, obligation, true);
                return Step::More(inspected, vec![Need::Intent]);
            }
            Some(durable) => {
                trace.fact("intent", &IntentFact { durable });
                if !durable {
                    let detail = "the record of intent could not be made durable";
                    return Step::Refused(Refusal::new(Reason::RecordUnavailable, detail));
                }
            }
        },
    }
    let intent_durable = facts.intent_durable.unwrap_or(false);
    Step::Next(Permit { inspected, taken, token, intent_durable })
}

fn obligation(inspected: &Inspected) -> Option<Obligation> {
    let received = &inspected.authorized.assessed.identified.received;
    match received.crossing.boundary.audit {
        Audit::BestEffort => None,
        Audit::Required => Some(Obligation::RecordBeforeForward),
    }
}

fn note(trace: &mut Trace, taken: &[(LimitId, Taken)], obligation: Obligation, required: bool) {
    let taken = taken.iter().map(|(limit, _)| limit.as_str()).collect();
    trace.fact("limits", &TakenFact { taken });
    if required {
        trace.fact("obligation", &obligation);
    }
    trace.say(Stage::Admit, "within every limit");
}

fn exhausted(limit: &LimitId, concurrent: bool, retry_after_secs: u64) -> Refusal {
    let reason = if concurrent { Reason::ConcurrencyExceeded } else { Reason::RateExceeded };
    Refusal {
        retry_after_secs: Some(retry_after_secs.max(1)),
        ..Refusal::new(reason, format!("limit `{limit}`"))
    }
}

fn claims(inspected: &Inspected, snapshot: &Snapshot) -> Vec<LimitClaim> {
    let identified = &inspected.authorized.assessed.identified;
    let received = &identified.received;
    let principal = identified.caller.principal();
    let address = written::address(portcullis_limit::client(received.message.client_address));
    // an anonymous caller is told apart by its address, never counted together with all others
    let by_principal = || match principal.provider {
        None => vec!["address".to_owned(), address.clone()],
        Some(_) => vec!["principal".to_owned(), principal.qualified_name()],
    };
    let mut claims = Vec::new();
    for id in &received.crossing.boundary.limits {
        let Some(limit) = snapshot.declaration.limits.get(id) else { continue };
        let key = match limit.per {
            LimitPer::Address => vec!["address".to_owned(), address.clone()],
            LimitPer::Operation => vec![
                "operation".to_owned(),
                received.operation.api.to_string(),
                received.operation.id.to_string(),
            ],
            LimitPer::Principal => by_principal(),
            LimitPer::Tenant => match &principal.tenant {
                Some(tenant) => vec!["tenant".to_owned(), tenant.clone()],
                None => by_principal(),
            },
        };
        claims.push(LimitClaim { limit: id.clone(), key });
    }
    claims
}

#[derive(Serialize)]
struct ExhaustedFact<'a> {
    concurrent: bool,
    exhausted: &'a LimitId,
    retry_after: u64,
}

#[derive(Serialize)]
struct IntentFact {
    durable: bool,
}

#[derive(Serialize)]
struct TakenFact<'a> {
    taken: Vec<&'a str>,
}
