//! Is the credential its sender's own? What it is bound to must be proved, whether or not the
//! declaration asks; what is not bound is refused where the declaration does.
//!
//! A proof is judged for every request, and never kept: only that one of its name has passed is
//! remembered, by a claim that is made after its signature was verified.

use http::header::{AUTHORIZATION, HOST};
use portcullis_config::declaration::Listener;
use portcullis_identity::Refused;
use portcullis_identity::dpop::{self, DPOP, Expected, Proof, Proven};
use portcullis_limit::Seen;
use portcullis_model::{CredentialKind, Reason, Timestamp};
use portcullis_reading::message::Message;

use crate::facts::{Facts, Need};
use crate::receive::Received;
use crate::sender::{Claim, Sender, Vouched};

/// What is missing, or what was proved.
pub(super) enum Judged {
    /// Ask for these.
    Ask(Vec<Need>),
    /// It is.
    Proved(Sender),
}

/// What a proof is judged by, beside the credential.
pub(super) struct Place<'a> {
    pub(super) received: &'a Received,
    pub(super) listener: Option<&'a Listener>,
    pub(super) now: Timestamp,
}

/// Judges the sender. `next` is set to the nonce that the caller is to use next.
pub(super) fn judge(
    vouched: &mut Vouched,
    place: &Place<'_>,
    facts: &Facts,
    next: &mut Option<String>,
) -> Result<Judged, Refused> {
    let sender = match (&facts.identity, &facts.sender) {
        // a record says what was proved; the proof itself is not in it
        (Some(_), Some(sender)) => sender.clone(),
        (_, _) => {
            if vouched.claim.is_none()
                && let Some(asks) = prove(vouched, place, facts, next)?
            {
                return Ok(Judged::Ask(vec![asks]));
            }
            match (&vouched.claim, facts.once) {
                (None, _) => unproved(vouched, place),
                (Some(claim), None) => {
                    let need = Need::Once { name: claim.name, until: claim.until };
                    return Ok(Judged::Ask(vec![need]));
                }
                (Some(claim), Some(seen)) => first(&claim.sender, seen)?,
            }
        }
    };
    let rule = &place.received.crossing.boundary.identity.sender;
    let is_somebody = vouched.caller.principal().provider.is_some();
    if rule.required && is_somebody && sender == Sender::None {
        let detail = "the credential is not bound to its sender, which the boundary asks for";
        return Err(Refused::new(Reason::SenderUnconstrained, detail));
    }
    Ok(Judged::Proved(sender))
}

/// Verifies the proof of a key, where the credential is bound to one; or says what it lacks.
fn prove(
    vouched: &mut Vouched,
    place: &Place<'_>,
    facts: &Facts,
    next: &mut Option<String>,
) -> Result<Option<Need>, Refused> {
    let message = &place.received.message;
    vouched.caller.check_sender(fingerprint(place.received))?;
    let token = token(message);
    let Some(thumbprint) = &vouched.caller.binding().key else {
        // a proof that proves nothing was meant to: what the caller believes is not so
        if token.is_some() || message.headers.contains_key(DPOP) {
            let detail = "a proof came with what is no token that is bound to a key";
            return Err(Refused::new(Reason::ProofRefused, detail));
        }
        return Ok(None);
    };
    let Some(token) = token else {
        let detail = "the token is bound to a key and was shown as a bearer token";
        return Err(Refused::new(Reason::SenderDowngraded, detail));
    };
    let proof = dpop::parse(&message.headers)?;
    if let Some(need) = nonce(&proof, place, facts, next)? {
        return Ok(Some(need));
    }
    let proven = verify(&proof, place, token, thumbprint)?;
    vouched.claim = Some(Claim {
        sender: Sender::Dpop(proven.thumbprint().to_owned()),
        name: proven.name(),
        until: proven.until(),
    });
    Ok(None)
}

/// What the connection proves of a credential that needs no proof in the message.
fn unproved(vouched: &Vouched, place: &Place<'_>) -> Sender {
    let credential = vouched.caller.principal().credential.as_ref();
    let is_certificate =
        credential.is_some_and(|credential| credential.kind == CredentialKind::Certificate);
    let is_bound = vouched.caller.binding().certificate.is_some() || is_certificate;
    match fingerprint(place.received).filter(|_| is_bound) {
        Some(fingerprint) => Sender::Mtls(fingerprint.to_owned()),
        None => Sender::None,
    }
}

fn fingerprint(received: &Received) -> Option<&str> {
    let shown = received.certificate.as_ref().and_then(|shown| shown.as_ref().ok());
    shown.map(|certificate| certificate.facts().fingerprint.as_str())
}

/// What is proved by the first of its name.
fn first(sender: &Sender, seen: Seen) -> Result<Sender, Refused> {
    match seen {
        Seen::First => Ok(sender.clone()),
        Seen::Full => Err(Refused::new(Reason::ReplaysFull, "no further proof can be remembered")),
        Seen::Repeated => Err(match sender {
            Sender::Signature(_) | Sender::Webhook(_) => {
                Refused::new(Reason::MessageReplayed, "a message of this name was received before")
            }
            Sender::None | Sender::Dpop(_) | Sender::Mtls(_) => {
                Refused::new(Reason::ProofReplayed, "a proof of this `jti` was used before")
            }
        }),
    }
}

/// The token of the scheme `DPoP`; its form was judged when it was extracted.
fn token(message: &Message) -> Option<&str> {
    let text = message.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("dpop").then_some(token)
}

/// What is to be asked about the nonce before anything else is looked at.
fn nonce(
    proof: &Proof,
    place: &Place<'_>,
    facts: &Facts,
    next: &mut Option<String>,
) -> Result<Option<Need>, Refused> {
    if !place.received.crossing.boundary.identity.sender.nonces {
        return Ok(None);
    }
    let Some(judged) = &facts.nonce else {
        return Ok(Some(Need::Nonce { shown: proof.nonce().map(str::to_owned) }));
    };
    next.clone_from(&judged.next);
    if judged.counts {
        return Ok(None);
    }
    let detail = match proof.nonce() {
        Some(_) => "its nonce has ended, or is none of ours",
        None => "it has no nonce",
    };
    Err(Refused::new(Reason::ProofNonceNeeded, detail))
}

fn verify(
    proof: &Proof,
    place: &Place<'_>,
    token: &str,
    thumbprint: &str,
) -> Result<Proven, Refused> {
    let message = &place.received.message;
    let rule = &place.received.crossing.boundary.identity.sender;
    let expected = Expected {
        method: message.method.as_str(),
        target: &target(message, place.listener),
        token,
        thumbprint,
        age_max: rule.proof_age_max,
        clock_skew: rule.clock_skew,
    };
    proof.verify(&expected, place.now)
}

/// The URI without query, as the client sees it: the listener says scheme and port, the one view the
/// rest.
fn target(message: &Message, listener: Option<&Listener>) -> String {
    let (scheme, host) = (scheme(listener), message.host.as_str());
    dpop::target(scheme, host, seen_port(message, listener), message.path.as_str())
}

/// The scheme as the client sees it.
pub(super) fn scheme(listener: Option<&Listener>) -> &'static str {
    let is_https = listener.is_some_and(|listener| match listener.advertised {
        Some(advertised) => advertised.is_https,
        None => listener.tls.is_some(),
    });
    if is_https { "https" } else { "http" }
}

/// Host and port as the client sees them; the port only where it is not the scheme's own.
pub(super) fn authority(message: &Message, listener: Option<&Listener>) -> String {
    let scheme = scheme(listener);
    let whole = dpop::target(scheme, message.host.as_str(), seen_port(message, listener), "");
    whole.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")).unwrap_or("").to_owned()
}

fn seen_port(message: &Message, listener: Option<&Listener>) -> u16 {
    let declared = listener.map(|listener| match listener.advertised {
        Some(advertised) => advertised.port,
        None => listener.address.port(),
    });
    // where any free port was taken, only the client can say which
    let own = if scheme(listener) == "https" { 443 } else { 80 };
    declared.filter(|port| *port != 0).or_else(|| port(message)).unwrap_or(own)
}

/// The port in `Host`, whose form was judged.
fn port(message: &Message) -> Option<u16> {
    let text = message.headers.get(HOST)?.to_str().ok()?;
    let (_, port) = text.rsplit_once(':')?;
    port.parse().ok()
}
