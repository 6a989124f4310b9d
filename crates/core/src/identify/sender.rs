//! Is the credential its sender's own? What it is bound to must be proved, whether or not the
//! declaration asks; what is not bound is refused where the declaration does.
//!
//! A proof is judged for every request, and never kept: only that one of its name has passed is
//! remembered, by a claim that is made after its signature was verified.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HOST};
use portcullis_config::declaration::Listener;
use portcullis_identity::Refused;
use portcullis_identity::dpop::{self, DPOP, Expected, Proof, Proven};
use portcullis_limit::Seen;
use portcullis_model::{CredentialKind, Reason, Timestamp};
use portcullis_reading::message::Message;

use crate::facts::{Facts, Need};
use crate::receive::Received;
use crate::sender::{Sender, Vouched};

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
        (_, _) => match prove(vouched, place, facts, next)? {
            Judged::Proved(sender) => sender,
            asks => return Ok(asks),
        },
    };
    let rule = &place.received.crossing.boundary.identity.sender;
    let is_somebody = vouched.caller.principal().provider.is_some();
    if rule.required && is_somebody && sender == Sender::None {
        let detail = "the credential is not bound to its sender, which the boundary asks for";
        return Err(Refused::new(Reason::SenderUnconstrained, detail));
    }
    Ok(Judged::Proved(sender))
}

fn prove(
    vouched: &mut Vouched,
    place: &Place<'_>,
    facts: &Facts,
    next: &mut Option<String>,
) -> Result<Judged, Refused> {
    let received = place.received;
    let shown = received.certificate.as_ref().and_then(|shown| shown.as_ref().ok());
    let fingerprint = shown.map(|certificate| certificate.facts().fingerprint.as_str());
    let caller = Arc::clone(&vouched.caller);
    caller.check_sender(fingerprint)?;
    let token = token(&received.message);
    let Some(thumbprint) = &caller.binding().key else {
        // a proof that proves nothing was meant to: what the caller believes is not so
        if token.is_some() || received.message.headers.contains_key(DPOP) {
            let detail = "a proof came with what is no token that is bound to a key";
            return Err(Refused::new(Reason::ProofRefused, detail));
        }
        let is_certificate = caller.principal().credential.as_ref().map(|one| one.kind)
            == Some(CredentialKind::Certificate);
        let is_bound = caller.binding().certificate.is_some() || is_certificate;
        return Ok(Judged::Proved(match fingerprint.filter(|_| is_bound) {
            Some(fingerprint) => Sender::Mtls(fingerprint.to_owned()),
            None => Sender::None,
        }));
    };
    let Some(token) = token else {
        let detail = "the token is bound to a key and was shown as a bearer token";
        return Err(Refused::new(Reason::SenderDowngraded, detail));
    };
    let proven = match vouched.proven.take() {
        Some(proven) => proven,
        None => {
            let proof = dpop::parse(&received.message.headers)?;
            if let Some(need) = nonce(&proof, place, facts, next)? {
                return Ok(Judged::Ask(vec![need]));
            }
            verify(&proof, place, token, thumbprint)?
        }
    };
    match facts.once {
        None => {
            let need = Need::Once { name: proven.name(), until: proven.until() };
            vouched.proven = Some(proven);
            Ok(Judged::Ask(vec![need]))
        }
        Some(Seen::First) => Ok(Judged::Proved(Sender::Dpop(proven.thumbprint().to_owned()))),
        Some(Seen::Repeated) => {
            Err(Refused::new(Reason::ProofReplayed, "a proof of this `jti` was used before"))
        }
        Some(Seen::Full) => {
            Err(Refused::new(Reason::ReplaysFull, "no further proof can be remembered"))
        }
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

/// The URI as the client sees it: the listener says scheme and port, the one view the rest.
pub(super) fn target(message: &Message, listener: Option<&Listener>) -> String {
    let advertised = listener.and_then(|listener| listener.advertised);
    let is_https = match advertised {
        Some(advertised) => advertised.is_https,
        None => listener.is_some_and(|listener| listener.tls.is_some()),
    };
    let scheme = if is_https { "https" } else { "http" };
    let declared = advertised
        .map(|advertised| advertised.port)
        .or_else(|| listener.map(|listener| listener.address.port()))
        .filter(|port| *port != 0);
    // where any free port was taken, only the client can say which
    let port = declared.or_else(|| port(message)).unwrap_or(if is_https { 443 } else { 80 });
    dpop::target(scheme, message.host.as_str(), port, message.path.as_str())
}

/// The port in `Host`, whose form was judged.
fn port(message: &Message) -> Option<u16> {
    let text = message.headers.get(HOST)?.to_str().ok()?;
    let (_, port) = text.rsplit_once(':')?;
    port.parse().ok()
}
