//! What is given? Never more than the exchanged token has, and never more than the client is declared:
//! audience, scopes, time and the right to act only ever narrow.

use std::collections::BTreeSet;

use portcullis_config::declaration::Provider;
use portcullis_identity::jwt::ACTORS_MAX;
use portcullis_identity::minted::Order;
use portcullis_model::{Actor, Principal, Reason};

use super::form::Form;
use super::proof::Proven;
use crate::names;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;

/// Most scopes that are asked for at once.
const SCOPES_MAX: usize = 64;

/// Judges what is asked for.
///
/// # Errors
/// `authorize.exchange_actor_refused`, `…scope_refused`, `…target_refused`.
pub(super) fn judge(
    form: &Form,
    proven: &Proven<'_>,
    snapshot: &Snapshot,
) -> Result<Order, Refusal> {
    let subject = proven.subject.principal();
    let actors = actors(proven, snapshot)?;
    let audience = audience(form, proven)?;
    let scopes = scopes(form, proven)?;
    let tokens = snapshot.declaration.tokens.as_ref();
    let tokens = tokens.ok_or_else(|| refused(Reason::TokenUnavailable, "no `tokens`"))?;
    let credential = subject.credential.as_ref();
    Ok(Order {
        issuer: tokens.issuer.clone(),
        audience,
        subject: names::subject(subject, snapshot),
        client: proven.name.to_owned(),
        tenant: subject.tenant.clone(),
        scopes,
        actors,
        may_act: None,
        request: None,
        lifetime: proven.declared.lifetime,
        until: credential.and_then(|credential| credential.expires_at),
        credential: credential.map(|one| one.handle.clone()).unwrap_or_default(),
    })
}

fn refused(reason: Reason, detail: &str) -> Refusal {
    Refusal::new(reason, detail)
}

/// The chain with the client at its front.
fn actors(proven: &Proven<'_>, snapshot: &Snapshot) -> Result<Vec<String>, Refusal> {
    let no = |detail: &str| refused(Reason::ExchangeActorRefused, detail);
    let subject = proven.subject.principal();
    let client = proven.client.principal();
    let may_act = subject.may_act.as_ref();
    let may_act = may_act.ok_or_else(|| no("the token has no `may_act`"))?;
    if !is_meant(may_act, client, subject, snapshot) {
        return Err(no("`may_act` names another"));
    }
    let name = names::subject(client, snapshot);
    let chain = subject.actors.iter().map(|one| names::actor(one, subject, snapshot));
    let chain: Vec<String> = std::iter::once(name.clone()).chain(chain).collect();
    // whatever the issuers call it: a chain in which somebody stands twice is a loop
    let same = |one: &str| one == name || one == client.subject;
    if same(&subject.subject) || subject.actors.iter().any(|one| same(&one.subject)) {
        return Err(no("the client is in the chain already"));
    }
    if chain.len() > ACTORS_MAX {
        return Err(no("the chain of actors is at its bound"));
    }
    Ok(chain)
}

/// Whether `may_act` names the client. In a token of ours, names are ours; in another, they are those of
/// the issuer that `may_act` names, or else of the token's own issuer. A SPIFFE ID is one everywhere.
fn is_meant(may_act: &Actor, client: &Principal, subject: &Principal, snapshot: &Snapshot) -> bool {
    let issuer = |principal: &Principal| {
        let provider = principal.provider.as_ref()?;
        match snapshot.declaration.providers.get(provider)? {
            Provider::Jwt(jwt) => Some(jwt.issuer.as_str()),
            Provider::Introspection(provider) => Some(provider.issuer.as_str()),
            Provider::ApiKeys(_)
            | Provider::Certificates(_)
            | Provider::Signatures(_)
            | Provider::Webhook(_) => None,
        }
    };
    let ours = snapshot.declaration.tokens.as_ref().map(|tokens| tokens.issuer.as_str());
    let of_subject = issuer(subject);
    if of_subject.is_some() && of_subject == ours {
        return may_act.subject == names::subject(client, snapshot);
    }
    let same_names = match &may_act.issuer {
        Some(named) => issuer(client) == Some(named.as_str()),
        None => client.provider == subject.provider || client.subject.starts_with("spiffe://"),
    };
    same_names && may_act.subject == client.subject
}

/// Exactly one, which the client is declared.
fn audience(form: &Form, proven: &Proven<'_>) -> Result<String, Refusal> {
    let asked = match (&form.audience, &form.resource) {
        (Some(asked), None) | (None, Some(asked)) => Some(asked),
        (Some(audience), Some(resource)) => Some(audience).filter(|_| audience == resource),
        (None, None) => None,
    };
    let known = asked.filter(|asked| proven.declared.audiences.contains(*asked));
    known.cloned().ok_or_else(|| {
        refused(Reason::ExchangeTargetRefused, "not one audience that the client is declared")
    })
}

/// What is asked for, or else everything that both the token and the client have.
fn scopes(form: &Form, proven: &Proven<'_>) -> Result<BTreeSet<String>, Refusal> {
    let subject = proven.subject.principal();
    let most: BTreeSet<String> =
        subject.scopes.intersection(&proven.declared.scopes).cloned().collect();
    let Some(asked) = &form.scope else { return Ok(most) };
    let asked: BTreeSet<String> =
        asked.split(' ').filter(|one| !one.is_empty()).map(str::to_owned).collect();
    if asked.len() > SCOPES_MAX || !asked.is_subset(&most) {
        let detail = "more than the token has, or than the client is declared";
        return Err(refused(Reason::ExchangeScopeRefused, detail));
    }
    Ok(asked)
}
