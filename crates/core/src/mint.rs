//! Which token of ours does the upstream get? Where its declaration asks for one: made for that
//! upstream alone, for the method and operation at hand, with the scopes that the operation asks for
//! and the caller has, for a minute at most and never longer than the caller's own credential.
//!
//! Signing needs a key and randomness, so it is asked for ([`Need::Sign`]) and done elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use portcullis_config::declaration::{Tokens, UpstreamToken};
use portcullis_identity::minted::{Order, Signed};
use portcullis_model::{Principal, Reason, Stage, Timestamp};
use serde::Serialize;

use crate::facts::{Need, TokenFact};
use crate::identify::Identified;
use crate::inspect::Inspected;
use crate::names;
use crate::refusal::{Refusal, Step};
use crate::snapshot::{CompiledOperation, Snapshot};
use crate::trace::Trace;

/// Has the token signed, where one is declared. It is asked for once the request is permitted in every
/// other way, and before its intent is recorded.
pub(crate) fn decide(
    inspected: &Inspected,
    fact: Option<&TokenFact>,
    snapshot: &Snapshot,
    trace: &mut Trace,
) -> Step<(), Option<Arc<Signed>>> {
    let identified = &inspected.authorized.assessed.identified;
    let received = &identified.received;
    let upstream = snapshot.declaration.upstreams.get(&received.carried.upstream);
    let declared = upstream.and_then(|upstream| upstream.token.as_ref());
    let (Some(declared), Some(tokens)) = (declared, &snapshot.declaration.tokens) else {
        return Step::Next(None);
    };
    match fact {
        None => {
            let order = order(identified, declared, tokens, snapshot);
            Step::More((), vec![Need::Sign(Box::new(order))])
        }
        Some(TokenFact::AsRecorded) => Step::Next(None),
        Some(TokenFact::Signed(signed)) => {
            note(signed, &declared.audience, trace);
            Step::Next(Some(Arc::clone(signed)))
        }
        Some(TokenFact::Unavailable) => {
            let detail = "no token for the upstream could be signed";
            trace.verdict(
                "token",
                Err(&portcullis_identity::Refused::new(Reason::TokenUnavailable, detail)),
            );
            Step::Refused(Refusal::new(Reason::TokenUnavailable, detail))
        }
    }
}

/// The token by its handle; asking twice (with the intent) notes it once.
fn note(signed: &Signed, audience: &str, trace: &mut Trace) {
    if trace.facts.iter().any(|fact| fact.name == "token") {
        return;
    }
    let expires = signed.expires_at.as_secs();
    trace.fact("token", &TokenNote { audience, expires, handle: &signed.handle });
    trace.say(Stage::Admit, "the upstream gets a token of its own");
}

fn order(
    identified: &Identified,
    declared: &UpstreamToken,
    tokens: &Tokens,
    snapshot: &Snapshot,
) -> Order {
    let principal = identified.caller.principal();
    let operation = &identified.received.operation;
    let credential = principal.credential.as_ref();
    let skew = principal.provider.as_ref().and_then(|provider| snapshot.tokens.get(provider));
    let skew = skew.map(|rules| rules.clock_skew).unwrap_or_default();
    let until: Option<Timestamp> = credential.and_then(|credential| credential.expires_at);
    Order {
        issuer: tokens.issuer.clone(),
        audience: declared.audience.clone(),
        subject: names::subject(principal, snapshot),
        client: snapshot.declaration.estate.clone(),
        tenant: principal.tenant.clone(),
        scopes: scopes(principal, operation),
        actors: principal.actors.iter().map(|one| names::actor(one, principal, snapshot)).collect(),
        may_act: declared.may_act.clone(),
        request: Some((
            identified.received.message.method,
            format!("{}/{}", operation.api, operation.id),
        )),
        lifetime: declared.lifetime,
        until: until.map(|until| until.plus(skew)),
        credential: credential.map(|one| one.handle.clone()).unwrap_or_default(),
    }
}

/// What the operation asks for, as far as the caller has it.
fn scopes(principal: &Principal, operation: &CompiledOperation) -> BTreeSet<String> {
    let security = operation.operation.security.iter();
    let asked = security.flat_map(|one| one.schemes.values().flatten());
    asked.filter(|scope| principal.scopes.contains(*scope)).cloned().collect()
}

#[derive(Serialize)]
struct TokenNote<'a> {
    audience: &'a str,
    expires: u64,
    handle: &'a str,
}
