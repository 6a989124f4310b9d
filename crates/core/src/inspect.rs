//! Is the message what its contract says? Parameters first, because they cost nothing to read;
//! then the body, which is asked for only now that the caller may do this at all.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION};
use http::{HeaderName, HeaderValue};
use portcullis_config::declaration::{Stream, StreamKind};
use portcullis_identity::Refused;
use portcullis_inspect::{BodyBounds, BodyPlan};
use portcullis_model::written::hex;
use portcullis_model::{Reason, Stage};

use crate::authorize::Authorized;
use crate::facts::{BodyFact, Facts, Need};
use crate::identify::Identified;
use crate::receive::Received;
use crate::refusal::{Refusal, Step};
use crate::sender::BodyRule;
use crate::trace::Trace;

/// A request whose content is as its contract says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspected {
    /// Who, what, when, and by which policy.
    pub authorized: Authorized,
    /// The body: exactly the bytes that were checked, without content coding.
    pub body: Bytes,
}

/// Checks parameters and body.
pub(crate) fn decide(
    authorized: Authorized,
    facts: &Facts,
    trace: &mut Trace,
) -> Step<Authorized, Inspected> {
    match check(&authorized.assessed.identified, facts, trace) {
        Ok(Checked::Body(body)) => Step::Next(Inspected { authorized, body }),
        Ok(Checked::Ask(need)) => Step::More(authorized, vec![need]),
        Err(refusal) => Step::Refused(refusal),
    }
}

enum Checked {
    Ask(Need),
    Body(Bytes),
}

fn check(identified: &Identified, facts: &Facts, trace: &mut Trace) -> Result<Checked, Refusal> {
    let (received, rule) = (&identified.received, &identified.body);
    let contract = &received.operation.contract;
    if let Some(stream) = &received.operation.stream
        && let Some(checked) = opening(stream, received, trace)?
    {
        if !matches!(rule, BodyRule::Any) {
            let detail = "the body of a stream has no end that a signature could be over";
            return Err(Refusal::new(Reason::MessageSignatureRefused, detail));
        }
        return Ok(checked);
    }
    if *rule == BodyRule::Read {
        // it was read for its code, before anything else of the message was looked at
        let parameters: Vec<(&str, &str)> = received.named_parameters().collect();
        contract.check_parameters(&received.message, &parameters)?;
        let _plan = contract.body_plan(&received.message.headers)?;
    }
    let inspection = &received.crossing.boundary.inspection;
    let Some(fact) = &facts.body else {
        let parameters: Vec<(&str, &str)> = received.named_parameters().collect();
        contract.check_parameters(&received.message, &parameters)?;
        return match contract.body_plan(&received.message.headers)? {
            BodyPlan::Buffer => {
                Ok(Checked::Ask(Need::Body { bytes_max: inspection.body_bytes_max }))
            }
            BodyPlan::None => {
                signed(rule, b"")?;
                trace.say(Stage::Inspect, "parameters are as the contract says; no body");
                Ok(Checked::Body(Bytes::new()))
            }
        };
    };
    let verdict = match fact {
        BodyFact::AsRecorded(verdict) => verdict.clone().map(|()| Bytes::new()),
        BodyFact::Failed(refused) => Err(refused.clone()),
        BodyFact::Whole(body) => {
            let bounds = BodyBounds {
                bytes_max: usize::try_from(inspection.body_bytes_max).unwrap_or(usize::MAX),
                json_depth_max: inspection.json_depth_max,
                expansion_max: inspection.expansion_max,
            };
            let checked = signed(rule, body).and_then(|()| {
                let checked = contract.check_body(&received.message.headers, body, &bounds);
                checked.map_err(|violation| Refused::new(violation.reason, violation.detail))
            });
            let checked = checked.map(|checked| match checked {
                Cow::Borrowed(_) => body.clone(),
                Cow::Owned(decoded) => Bytes::from(decoded),
            });
            note_body(checked.as_ref().unwrap_or(body), trace);
            checked
        }
    };
    trace.verdict("body", verdict.as_ref().map(|_| ()));
    let body = verdict?;
    trace.say(Stage::Inspect, "parameters and body are as the contract says");
    Ok(Checked::Body(body))
}

/// Whether the body, as it was received, is the one that the credential is over.
fn signed(rule: &BodyRule, body: &[u8]) -> Result<(), Refused> {
    match rule {
        BodyRule::Any | BodyRule::Read => Ok(()),
        BodyRule::Digest(digest) => digest.check(body),
        BodyRule::Empty if body.is_empty() => Ok(()),
        BodyRule::Empty => {
            let detail = "`content-digest` is not covered, and there is a body";
            Err(Refused::new(Reason::MessageSignatureRefused, detail))
        }
    }
}

/// Whether a stream is opened as its kind is. A body that goes on cannot be inspected whole; the
/// record says so.
fn opening(
    stream: &Stream,
    received: &Received,
    trace: &mut Trace,
) -> Result<Option<Checked>, Refusal> {
    let message = &received.message;
    match stream.kind {
        StreamKind::Events => {}
        StreamKind::Websocket => {
            let says = |name: HeaderName, text: &str| {
                message.headers.get(name).is_some_and(|value| value.as_bytes() == text.as_bytes())
            };
            let keyed = message.headers.get_all(SEC_WEBSOCKET_KEY).iter().count() == 1;
            let opens = message.upgrade.as_deref() == Some("websocket")
                && says(SEC_WEBSOCKET_VERSION, "13")
                && keyed;
            if !opens {
                let detail = "the request does not open a WebSocket";
                return Err(Refusal::new(Reason::UpgradeRequired, detail));
            }
        }
        StreamKind::Grpc => {
            let media = message.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
            let is_grpc = media.is_some_and(|media| {
                media == b"application/grpc" || media.starts_with(b"application/grpc+")
            });
            if !is_grpc {
                let detail = "`Content-Type` is not `application/grpc`";
                return Err(Refusal::new(Reason::ContentTypeRefused, detail));
            }
            let parameters: Vec<(&str, &str)> = received.named_parameters().collect();
            received.operation.contract.check_parameters(message, &parameters)?;
            trace.say(Stage::Inspect, "messages of a gRPC stream pass without being inspected");
            return Ok(Some(Checked::Body(Bytes::new())));
        }
    }
    Ok(None)
}

/// The body as it will be forwarded; as it came, where it is refused.
fn note_body(body: &Bytes, trace: &mut Trace) {
    trace.request.body_bytes = u64::try_from(body.len()).ok();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    trace.request.body_digest = Some(hex(digest.as_ref()));
}
