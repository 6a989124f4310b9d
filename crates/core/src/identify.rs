//! Who is it? The one credential that was shown becomes a principal, or the request ends.
//!
//! Which provider may vouch is the boundary's word; which algorithm verifies is the key's. The
//! cache of verified tokens only ever saves the signature check: time and acceptance are judged
//! again for every request.

mod opaque;
mod sender;
mod signed;

use std::sync::Arc;

use portcullis_config::declaration::{Listener, Provider};
use portcullis_identity::credential::{self, Shown};
use portcullis_identity::{Authenticated, Refused, api_key, jwt, token_digest};
use portcullis_model::{PrincipalKind, ProviderId, Reason, Stage, Timestamp};

use crate::facts::{Facts, Keys, Need};
use crate::identify::sender::{Judged, Place};
use crate::receive::Received;
use crate::refusal::Step;
use crate::sender::{BodyRule, Sender, Vouched};
use crate::snapshot::Snapshot;
use crate::trace::Trace;

/// A request whose caller is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Identified {
    /// What was received.
    pub received: Received,
    /// Who it is.
    pub caller: Arc<Authenticated>,
    /// How it was proved that the credential is its own.
    pub sender: Sender,
    /// What the credential says of the body.
    pub body: BodyRule,
    /// Digest of the token, if its verification is new and may be kept.
    pub fresh_token: Option<[u8; 32]>,
}

/// Establishes the caller.
pub(crate) fn decide(
    mut received: Received,
    facts: &Facts,
    snapshot: &Snapshot,
    now: Timestamp,
    trace: &mut Trace,
) -> Step<Received, Identified> {
    let listener = snapshot.declaration.listeners.get(&trace.listener);
    let vouched = match received.vouched.take() {
        Some(vouched) => Ok(*vouched),
        None => {
            let settled = match &facts.identity {
                Some(settled) => Settled::Known(settled.clone(), None),
                None => settle(&received, listener, facts, snapshot, now),
            };
            let vouched = match settled {
                Settled::Ask(needs) => return Step::More(received, needs),
                Settled::Signed(vouched) => Ok(*vouched),
                Settled::Known(result, fresh) => result.map(|caller| Vouched::new(caller, fresh)),
            };
            vouched.and_then(|vouched| {
                accept(&vouched.caller, &received, snapshot, now).map(|()| vouched)
            })
        }
    };
    let place = Place { received: &received, listener, now };
    let result = vouched.and_then(|mut vouched| {
        let judged = sender::judge(&mut vouched, &place, facts, &mut trace.nonce)?;
        Ok((vouched, judged))
    });
    let result = match result {
        Ok((vouched, Judged::Ask(needs))) => {
            received.vouched = Some(Box::new(vouched));
            return Step::More(received, needs);
        }
        Ok((vouched, Judged::Proved(sender))) => Ok((vouched, sender)),
        Err(refused) => Err(refused),
    };
    note(&result, trace);
    match result {
        Ok((Vouched { caller, fresh_token, claim: _, body }, sender)) => {
            trace.caller = Some(Arc::clone(&caller));
            Step::Next(Identified { received, caller, sender, body, fresh_token })
        }
        Err(refused) => Step::Refused(refused.into()),
    }
}

enum Settled {
    Ask(Vec<Need>),
    Known(Result<Arc<Authenticated>, Refused>, Option<[u8; 32]>),
    Signed(Box<Vouched>),
}

fn settle(
    received: &Received,
    listener: Option<&Listener>,
    facts: &Facts,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Settled {
    let accepted = &received.crossing.boundary.identity.providers;
    let key_headers: Vec<_> = snapshot
        .api_key_headers
        .iter()
        .filter(|(provider, _)| accepted.contains(*provider))
        .collect();
    let names: Vec<_> = key_headers.iter().map(|(_, name)| *name).collect();
    let message = &received.message;
    let shown = credential::extract(&message.headers, &message.query.pairs, &names);
    let signed = match signed::shown(received, snapshot) {
        Ok(signed) => signed,
        Err(refused) => return Settled::Known(Err(refused), None),
    };
    // beside a signature, whatever else vouches is another credential, a certificate too
    let several = || refused(Reason::SeveralCredentials, "a signature and another");
    let besides = if signed.is_some() { Err(several()) } else { shown.clone() };
    if let Some(settled) = settle_certificate(received, &besides, snapshot, now) {
        return settled;
    }
    if let Some(signed) = signed {
        if let Ok(Shown::Nothing) = shown {
            return match signed::settle(signed, received, listener, facts, now) {
                Ok(signed::Settled::Ask(needs)) => Settled::Ask(needs),
                Ok(signed::Settled::Vouched(vouched)) => Settled::Signed(Box::new(vouched)),
                Err(refused) => Settled::Known(Err(refused), None),
            };
        }
        let refused = shown.err().unwrap_or_else(several);
        return Settled::Known(Err(refused), None);
    }
    match shown {
        Err(refused) => Settled::Known(Err(refused), None),
        Ok(Shown::Nothing) => Settled::Known(Ok(Arc::new(Authenticated::anonymous())), None),
        Ok(Shown::Bearer(token) | Shown::Dpop(token)) => {
            match opaque_rules(&token, received, snapshot) {
                None => settle_token(&token, received, facts, snapshot, now),
                Some(rules) => match opaque::settle(&token, rules, facts, now) {
                    Ok(result) => Settled::Known(result, None),
                    Err(need) => Settled::Ask(vec![need]),
                },
            }
        }
        Ok(Shown::ApiKey(text)) => match key_headers.first() {
            Some((provider, _)) => settle_api_key(&text, provider, facts, now),
            None => Settled::Known(Err(not_accepted("API keys")), None),
        },
    }
}

/// Who it is by the connection's certificate; nothing where that is no credential here. A
/// certificate that is not trusted any more ends every request of its connection, whatever else
/// is shown: the channel is not what it was.
fn settle_certificate(
    received: &Received,
    shown: &Result<Shown, Refused>,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Option<Settled> {
    let certificate = match received.certificate.as_ref()? {
        Ok(certificate) => certificate,
        Err(refused) => return Some(Settled::Known(Err(refused.clone()), None)),
    };
    if let Err(refused) = certificate.check_time(now) {
        return Some(Settled::Known(Err(refused), None));
    }
    let accepted = &received.crossing.boundary.identity.providers;
    let rules = accepted.iter().find_map(|provider| snapshot.certificates.get(provider))?;
    let result = match shown {
        Err(refused) => Err(refused.clone()),
        Ok(Shown::Nothing) => rules.authenticate(certificate).map(Arc::new),
        Ok(Shown::Bearer(_) | Shown::Dpop(_) | Shown::ApiKey(_)) => {
            Err(refused(Reason::SeveralCredentials, "the certificate and another"))
        }
    };
    Some(Settled::Known(result, None))
}

fn settle_token(
    token: &str,
    received: &Received,
    facts: &Facts,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Settled {
    let digest = token_digest(token);
    if !facts.cache_asked {
        return Settled::Ask(vec![Need::VerifiedToken { digest }]);
    }
    match verify_token(token, received, facts, snapshot, now) {
        Ok(caller) => Settled::Known(Ok(Arc::new(caller)), Some(digest)),
        Err(Unsettled::Refused(refused)) => Settled::Known(Err(refused), None),
        Err(Unsettled::Ask(need)) => Settled::Ask(vec![need]),
    }
}

/// The rules of the one accepted provider of opaque tokens, if the token is one: where a provider of
/// signed tokens is accepted too, one that has their form is theirs.
fn opaque_rules<'a>(
    token: &str,
    received: &Received,
    snapshot: &'a Snapshot,
) -> Option<&'a jwt::Rules> {
    let accepted = &received.crossing.boundary.identity.providers;
    let rules = accepted.iter().find_map(|provider| snapshot.introspection.get(provider))?;
    let signed = || accepted.iter().any(|provider| snapshot.tokens.contains_key(provider));
    (!opaque::is_signed(token) || !signed()).then_some(rules)
}

enum Unsettled {
    Ask(Need),
    Refused(Refused),
}

impl From<Refused> for Unsettled {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

fn verify_token(
    token: &str,
    received: &Received,
    facts: &Facts,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Authenticated, Unsettled> {
    let unverified = jwt::parse(token, jwt::TOKEN_BYTES_MAX)?;
    let (provider, rules) = rules_for(unverified.issuer(), received, snapshot)?;
    let set = match &facts.keys {
        None => {
            let need = Need::SigningKeys { provider: provider.clone(), missing: None };
            return Err(Unsettled::Ask(need));
        }
        Some(Keys::Unavailable) => {
            return Err(refused(Reason::KeysUnavailable, "no keys within their staleness").into());
        }
        Some(Keys::Known { set, .. }) => set,
    };
    let kid = unverified.kid().map(str::to_owned);
    match unverified.verify(set, rules, now) {
        Ok(caller) => Ok(caller),
        Err(refused) if refused.reason == Reason::KeyUnknown && !facts.keys_refreshed => {
            let need = Need::SigningKeys { provider: provider.clone(), missing: kid };
            Err(Unsettled::Ask(need))
        }
        Err(refused) => Err(refused.into()),
    }
}

/// The rules of the one accepted provider whose issuer is exactly the token's.
fn rules_for<'a>(
    issuer: Option<&str>,
    received: &Received,
    snapshot: &'a Snapshot,
) -> Result<(&'a ProviderId, &'a jwt::Rules), Refused> {
    let known = snapshot.declaration.providers.iter().find(|(_, provider)| match provider {
        Provider::Jwt(provider) => Some(provider.issuer.as_str()) == issuer,
        Provider::ApiKeys(_)
        | Provider::Certificates(_)
        | Provider::Introspection(_)
        | Provider::Signatures(_)
        | Provider::Webhook(_) => false,
    });
    let Some((id, _)) = known else {
        return Err(refused(Reason::IssuerRefused, "`iss` is not a declared issuer"));
    };
    if !received.crossing.boundary.identity.providers.contains(id) {
        return Err(not_accepted("tokens of this issuer"));
    }
    let (id, rules) = snapshot
        .tokens
        .get_key_value(id)
        .ok_or_else(|| refused(Reason::IssuerRefused, "the issuer has no rules"))?;
    Ok((id, rules))
}

fn settle_api_key(text: &str, provider: &ProviderId, facts: &Facts, now: Timestamp) -> Settled {
    let presented = match api_key::parse(text) {
        Ok(presented) => presented,
        Err(refused) => return Settled::Known(Err(refused), None),
    };
    let Some(fact) = &facts.api_key else {
        let id = presented.id().to_owned();
        return Settled::Ask(vec![Need::ApiKey { provider: provider.clone(), id }]);
    };
    let verified = api_key::verify(&presented, fact.stored.as_deref(), &fact.pepper, provider, now);
    Settled::Known(verified.map(Arc::new), None)
}

/// What is judged for every request, cached or not.
fn accept(
    caller: &Authenticated,
    received: &Received,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<(), Refused> {
    let rule = &received.crossing.boundary.identity;
    let principal = caller.principal();
    let Some(provider) = &principal.provider else {
        let allowed = rule.anonymous && received.operation.operation.allows_anonymous();
        return if allowed && principal.kind == PrincipalKind::Anonymous {
            Ok(())
        } else {
            Err(refused(Reason::CredentialMissing, "the operation needs an identity"))
        };
    };
    if !rule.providers.contains(provider) {
        return Err(not_accepted("credentials of this provider"));
    }
    let skew = snapshot.clock_skew(provider);
    caller.check_time(skew, now)
}

fn note(result: &Result<(Vouched, Sender), Refused>, trace: &mut Trace) {
    match result {
        Ok((vouched, sender)) => {
            let principal = vouched.caller.principal();
            match &principal.provider {
                Some(provider) => {
                    trace.say(
                        Stage::Identify,
                        ["vouched for by provider `", provider.as_str(), "`"].concat(),
                    );
                }
                None => trace.say(Stage::Identify, "anonymous, which the boundary allows here"),
            }
            trace.personal_fact("principal", principal);
            if *sender != Sender::None {
                trace.say(Stage::Identify, format!("its sender is proved by {}", sender.word()));
                trace.personal_fact("sender", sender);
            }
        }
        Err(refused) => trace.verdict("identity", Err(refused)),
    }
}

fn refused(reason: Reason, detail: &str) -> Refused {
    Refused { reason, detail: detail.to_owned() }
}

fn not_accepted(what: &str) -> Refused {
    refused(Reason::CredentialNotAccepted, &format!("the boundary does not accept {what}"))
}
