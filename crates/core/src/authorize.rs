//! May it? One question to the policies; anything but a clean allow is a refusal.

use portcullis_model::written;
use portcullis_model::{Decision, PrincipalKind, Reason, Stage, StepUp, Timestamp};
use portcullis_policy::{Context, PolicyRef, Question, Resource, Verdict};
use portcullis_spec::TenantSource;

use crate::assess::Assessed;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::trace::Trace;

/// A request that the policies permit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Authorized {
    /// Who, what and when.
    pub assessed: Assessed,
    /// The policies that permitted.
    pub permitted_by: Vec<PolicyRef>,
}

/// Asks the policies.
///
/// # Errors
/// Whatever is not a clean allow: a `forbid`, no `permit`, or a policy that failed to evaluate.
pub(crate) fn decide(
    assessed: Assessed,
    snapshot: &Snapshot,
    now: Timestamp,
    trace: &mut Trace,
) -> Result<Authorized, Refusal> {
    let verdict = snapshot.engine.decide(&question(&assessed, now));
    if verdict.decision == Decision::Allow && verdict.errors.is_empty() {
        trace.say(Stage::Authorize, ["permitted by ", &places(&verdict.determining)].concat());
        return Ok(Authorized { assessed, permitted_by: verdict.determining });
    }
    Err(refusal(&assessed, &verdict))
}

fn question(assessed: &Assessed, now: Timestamp) -> Question<'_> {
    let received = &assessed.identified.received;
    let principal = assessed.identified.caller.principal();
    let rule = &received.operation.operation.resource;
    let tenant = match &rule.tenant {
        TenantSource::None => None,
        TenantSource::PathParam(name) => received.parameter(name),
        TenantSource::Token => principal.tenant.as_deref(),
    };
    Question {
        principal,
        api: &received.operation.api,
        operation: &received.operation.id,
        resource: Resource {
            entity: &rule.entity,
            id: rule.id.as_deref().and_then(|name| received.parameter(name)).unwrap_or_default(),
            tenant,
        },
        context: Context {
            address: received.message.client_address,
            zone: received.crossing.boundary.from.as_str(),
            now,
            token_age_secs: assessed.token_age_secs,
            auth_age_secs: assessed.auth_age_secs,
            method: received.message.method,
        },
    }
}

fn refusal(assessed: &Assessed, verdict: &Verdict) -> Refusal {
    let reason = match (verdict.errors.first(), verdict.reason) {
        (Some(_), _) => Reason::PolicyError,
        (None, Some(reason)) => reason,
        (None, None) => Reason::NotPermitted,
    };
    // an anonymous caller may become somebody: tell it to show a credential
    let kind = assessed.identified.caller.principal().kind;
    let reason = if kind == PrincipalKind::Anonymous && reason != Reason::PolicyError {
        Reason::CredentialMissing
    } else {
        reason
    };
    let detail = match verdict.errors.first() {
        Some(error) => error.clone(),
        None if verdict.determining.is_empty() => "no policy permits this".to_owned(),
        None => format!("forbidden by {}", places(&verdict.determining)),
    };
    let scopes = if reason == Reason::ScopeInsufficient { scopes(assessed) } else { Vec::new() };
    let step_up = (reason == Reason::AuthenticationInsufficient).then(|| {
        let asked = verdict.determining.iter().filter_map(|policy| policy.step_up.as_ref());
        Box::new(asked.fold(StepUp::default(), |all, one| all.and(one)))
    });
    Refusal { stage: Stage::Authorize, scopes, step_up, ..Refusal::new(reason, detail) }
}

/// The scopes of the first alternative of the contract, for the challenge.
fn scopes(assessed: &Assessed) -> Vec<String> {
    let security = &assessed.identified.received.operation.operation.security;
    let first = security.iter().find(|one| one.schemes.values().any(|scopes| !scopes.is_empty()));
    first.map(|one| one.schemes.values().flatten().cloned().collect()).unwrap_or_default()
}

fn places(policies: &[PolicyRef]) -> String {
    let mut places = String::with_capacity(48);
    for policy in policies {
        if !places.is_empty() {
            places.push_str(", ");
        }
        for part in ["`", &policy.id, "` (", policy.source.as_str(), ":"] {
            places.push_str(part);
        }
        written::number(&mut places, u64::try_from(policy.line).unwrap_or(u64::MAX));
        places.push(')');
    }
    places
}
