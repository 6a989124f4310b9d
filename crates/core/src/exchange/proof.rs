//! Who asks, and does the token hold? The client by its certificate or by a signed token of its own; the
//! subject token, and an actor token where one is shown, by declared providers that the client may use.
//! Nothing is believed before the client is known.

use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use portcullis_config::declaration::{ExchangeClient, Provider};
use portcullis_identity::certificate;
use portcullis_identity::{Authenticated, Refused, jwt};
use portcullis_model::{ProviderId, Reason, Timestamp};
use portcullis_reading::message::Message;

use super::form::Form;
use crate::facts::{Facts, Keys, Need};
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;

/// What a request shows.
pub(super) struct Shown<'a> {
    pub(super) form: &'a Form,
    pub(super) message: &'a Message,
    pub(super) certificate: Option<&'a certificate::Shown>,
}

/// Who was proven.
#[derive(Debug)]
pub(super) struct Proven<'a> {
    pub(super) name: &'a str,
    pub(super) declared: &'a ExchangeClient,
    pub(super) client: Arc<Authenticated>,
    pub(super) subject: Authenticated,
}

/// Why nobody was, yet.
pub(super) enum Unproven {
    Ask(Vec<Need>),
    Refused(Refusal),
}

impl From<Refusal> for Unproven {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Proves client and subject.
pub(super) fn prove<'a>(
    shown: &Shown<'_>,
    facts: &Facts,
    snapshot: &'a Snapshot,
    now: Timestamp,
) -> Result<Proven<'a>, Unproven> {
    let (client, (name, declared)) = client(shown, facts, snapshot, now)?;
    if !shown.form.names(name, &declared.subject) {
        return Err(nobody("`client_id` is another").into());
    }
    let refused = |what: &'static str| {
        move |refused: Refused| {
            let detail = format!("{what}: {}: {}", refused.reason, refused.detail);
            Refusal::new(Reason::ExchangeSubjectRefused, detail)
        }
    };
    let allowed = |id: &ProviderId| declared.subjects.contains(id);
    let token = &shown.form.subject_token;
    let subject = verify(token, &allowed, facts, snapshot, now, refused("`subject_token`"))?;
    // what is over is not exchanged, however clocks differ: what is given could last no longer
    subject.check_time(Duration::ZERO, now).map_err(refused("`subject_token`"))?;
    // a token that is bound to a sender can be exchanged by that sender only
    let own = shown.certificate.and_then(|shown| shown.as_ref().ok());
    let own = own.map(|certificate| certificate.facts().fingerprint.as_str());
    subject.check_sender(own).map_err(refused("`subject_token`"))?;
    if let Some(actor) = &shown.form.actor_token {
        let allowed = |id: &ProviderId| *id == declared.provider;
        let actor = verify(actor, &allowed, facts, snapshot, now, refused("`actor_token`"))?;
        if actor.principal().subject != declared.subject {
            let detail = "`actor_token` is not the client's own";
            return Err(Refusal::new(Reason::ExchangeSubjectRefused, detail).into());
        }
    }
    Ok(Proven { name, declared, client, subject })
}

type Declared<'a> = (&'a str, &'a ExchangeClient);

/// The client, by exactly one credential.
fn client<'a>(
    shown: &Shown<'_>,
    facts: &Facts,
    snapshot: &'a Snapshot,
    now: Timestamp,
) -> Result<(Arc<Authenticated>, Declared<'a>), Unproven> {
    if shown.message.headers.contains_key(AUTHORIZATION) {
        return Err(nobody("clients show a certificate or a `client_assertion`").into());
    }
    let exchange = snapshot.declaration.tokens.as_ref().and_then(|one| one.exchange.as_ref());
    let clients = || {
        let clients = exchange.iter().flat_map(|exchange| &exchange.clients);
        clients.map(|(name, client)| (name.as_str(), client))
    };
    let authenticated = match (&shown.form.client_assertion, shown.certificate) {
        (None, None) => return Err(nobody("no credential of a client was shown").into()),
        (Some(token), _) => {
            let allowed = |id: &ProviderId| clients().any(|(_, client)| client.provider == *id);
            let refused =
                |refused: Refused| nobody(&format!("{}: {}", refused.reason, refused.detail));
            verify(token, &allowed, facts, snapshot, now, refused)?
        }
        (None, Some(Err(refused))) => return Err(nobody(&refused.detail).into()),
        (None, Some(Ok(certificate))) => {
            certificate.check_time(now).map_err(|refused| nobody(&refused.detail))?;
            let mut rules = clients().filter_map(|(_, client)| {
                let rules = snapshot.certificates.get(&client.provider)?;
                rules.authenticate(certificate).ok()
            });
            rules.next().ok_or_else(|| nobody("the certificate names no client"))?
        }
    };
    let principal = authenticated.principal();
    let found = clients().find(|(_, client)| {
        principal.provider.as_ref() == Some(&client.provider) && principal.subject == client.subject
    });
    let found = found.ok_or_else(|| nobody("the caller is no declared client"))?;
    Ok((Arc::new(authenticated), found))
}

fn nobody(detail: &str) -> Refusal {
    Refusal::new(Reason::ExchangeClientRefused, detail)
}

/// Verifies a token by the one provider of its issuer, if that is allowed.
fn verify(
    token: &str,
    allowed: &dyn Fn(&ProviderId) -> bool,
    facts: &Facts,
    snapshot: &Snapshot,
    now: Timestamp,
    refused: impl Fn(Refused) -> Refusal,
) -> Result<Authenticated, Unproven> {
    let unverified = jwt::parse(token, jwt::TOKEN_BYTES_MAX).map_err(&refused)?;
    let known = snapshot.declaration.providers.iter().find(|(_, provider)| match provider {
        Provider::Jwt(provider) => Some(provider.issuer.as_str()) == unverified.issuer(),
        Provider::ApiKeys(_)
        | Provider::Certificates(_)
        | Provider::Introspection(_)
        | Provider::Signatures(_)
        | Provider::Webhook(_) => false,
    });
    let not_accepted = || {
        let detail = "`iss` is not that of a provider which is declared for this";
        refused(Refused::new(Reason::IssuerRefused, detail))
    };
    let (id, _) = known.filter(|(id, _)| allowed(id)).ok_or_else(not_accepted)?;
    let rules = snapshot.tokens.get(id).ok_or_else(not_accepted)?;
    let (set, refreshed) = match facts.exchange_keys.get(id) {
        None => {
            let need = Need::ExchangeKeys { provider: id.clone(), missing: None };
            return Err(Unproven::Ask(vec![need]));
        }
        Some((Keys::Unavailable, _)) => {
            let detail = "no keys within their staleness";
            return Err(Refusal::new(Reason::KeysUnavailable, detail).into());
        }
        Some((Keys::Known { set, .. }, refreshed)) => (set, *refreshed),
    };
    match unverified.verify(set, rules, now) {
        // no proof of a key can be shown for a token in a form (RFC 9449 has one for a request)
        Ok(caller) if caller.binding().key.is_some() => {
            let detail = "the token is bound to a key, which nothing here proves";
            Err(refused(Refused::new(Reason::SenderUnproven, detail)).into())
        }
        Ok(caller) => Ok(caller),
        Err(unknown) if unknown.reason == Reason::KeyUnknown && !refreshed => {
            let missing = unverified.kid().map(str::to_owned);
            Err(Unproven::Ask(vec![Need::ExchangeKeys { provider: id.clone(), missing }]))
        }
        Err(other) => Err(refused(other).into()),
    }
}
