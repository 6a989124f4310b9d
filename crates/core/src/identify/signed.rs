//! Was the message signed, by a program's key or by an integration's secret? Then that is the one
//! credential, and it is over this message: what it says of the body is judged where that is read.

use std::sync::Arc;

use portcullis_config::declaration::{Listener, StreamKind};
use portcullis_identity::content_digest::ContentDigest;
use portcullis_identity::secrets::Secrets;
use portcullis_identity::signature::{self, SIGNATURE, SIGNATURE_INPUT, View};
use portcullis_identity::{Refused, webhook};
use portcullis_model::{ProviderId, Reason, Timestamp};

use crate::facts::{BodyFact, Facts, Need};
use crate::identify::sender::{authority, scheme};
use crate::receive::Received;
use crate::sender::{BodyRule, Claim, Sender, Vouched};
use crate::snapshot::Snapshot;

/// What was shown.
#[derive(Clone, Copy)]
pub(super) enum Signed<'a> {
    /// A signature over the message.
    Message(&'a signature::Rules),
    /// The code of a webhook.
    Hook(&'a webhook::Rules),
}

/// What is missing, or who signed.
pub(super) enum Settled {
    /// Ask for these.
    Ask(Vec<Need>),
    /// This caller, but for whether the message is the first of its name.
    Vouched(Vouched),
}

/// What was shown of the kinds that the boundary accepts.
pub(super) fn shown<'a>(
    received: &Received,
    snapshot: &'a Snapshot,
) -> Result<Option<Signed<'a>>, Refused> {
    let (accepted, headers) =
        (&received.crossing.boundary.identity.providers, &received.message.headers);
    let mut found = None;
    for provider in accepted {
        let one = if let Some(rules) = snapshot.signatures.get(provider) {
            let is_shown = headers.contains_key(SIGNATURE) || headers.contains_key(SIGNATURE_INPUT);
            is_shown.then_some(Signed::Message(rules))
        } else {
            let rules = snapshot.webhooks.get(provider);
            rules.filter(|rules| headers.contains_key(rules.scheme.header())).map(Signed::Hook)
        };
        if one.is_some() && found.is_some() {
            let detail = "two signatures of different kinds";
            return Err(Refused::new(Reason::SeveralCredentials, detail));
        }
        found = found.or(one);
    }
    Ok(found)
}

/// Verifies what was shown.
pub(super) fn settle(
    signed: Signed<'_>,
    received: &Received,
    listener: Option<&Listener>,
    facts: &Facts,
    now: Timestamp,
) -> Result<Settled, Refused> {
    match signed {
        Signed::Message(rules) => message(rules, received, listener, facts, now),
        Signed::Hook(rules) => hook(rules, received, facts, now),
    }
}

fn message(
    rules: &signature::Rules,
    received: &Received,
    listener: Option<&Listener>,
    facts: &Facts,
    now: Timestamp,
) -> Result<Settled, Refused> {
    let message = &received.message;
    let unverified = signature::parse(&message.headers)?;
    let none = Secrets::default();
    let secrets = match (&facts.secrets, unverified.asks_secret(rules)) {
        (_, false) => &none,
        (Some(secrets), true) => secrets,
        (None, true) => return Ok(ask_secrets(&rules.provider)),
    };
    let (scheme, authority) = (scheme(listener), authority(message, listener));
    let view = View {
        method: message.method.as_str(),
        scheme,
        authority: &authority,
        path: message.path.as_str(),
        query: message.query.raw.as_deref(),
        pairs: &message.query.pairs,
        headers: &message.headers,
    };
    let verified = unverified.verify(rules, secrets, &view, now)?;
    let body = if verified.covers_body {
        BodyRule::Digest(ContentDigest::read(&message.headers)?)
    } else if verified.wants_body {
        BodyRule::Empty
    } else {
        BodyRule::Any
    };
    let handle = verified.caller.principal().credential.as_ref().map(|one| one.handle.clone());
    let sender = Sender::Signature(handle.unwrap_or_default());
    Ok(Settled::Vouched(Vouched {
        caller: Arc::new(verified.caller),
        fresh_token: None,
        claim: Some(Claim { sender, name: verified.name, until: verified.until }),
        body,
    }))
}

fn hook(
    rules: &webhook::Rules,
    received: &Received,
    facts: &Facts,
    now: Timestamp,
) -> Result<Settled, Refused> {
    let unverified = rules.scheme.parse(&received.message.headers)?;
    unverified.check_time(rules, now)?;
    if received.operation.stream.as_ref().is_some_and(|one| one.kind == StreamKind::Grpc) {
        let detail = "the body of a stream has no end that a code could be over";
        return Err(Refused::new(Reason::WebhookRefused, detail));
    }
    let Some(secrets) = &facts.secrets else { return Ok(ask_secrets(&rules.provider)) };
    let body = match &facts.body {
        None => {
            let bytes_max = received.crossing.boundary.inspection.body_bytes_max;
            return Ok(Settled::Ask(vec![Need::Body { bytes_max }]));
        }
        Some(BodyFact::Whole(body)) => body,
        Some(BodyFact::Failed(refused)) => return Err(refused.clone()),
        // a record says who it was, so this is not asked again
        Some(BodyFact::AsRecorded(_)) => {
            return Err(Refused::new(Reason::WebhookRefused, "the body is not there any more"));
        }
    };
    let verified = unverified.verify(rules, secrets, body, now)?;
    let sender = Sender::Webhook(rules.provider.to_string());
    Ok(Settled::Vouched(Vouched {
        caller: Arc::new(verified.caller),
        fresh_token: None,
        claim: Some(Claim { sender, name: verified.name, until: verified.until }),
        body: BodyRule::Read,
    }))
}

fn ask_secrets(provider: &ProviderId) -> Settled {
    Settled::Ask(vec![Need::Secrets { provider: provider.clone() }])
}
