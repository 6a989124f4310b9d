//! May this caller have the token exchanged, and for what (RFC 8693)? A declared client shows a token of
//! a subject and gets one of ours, in which it acts for that subject: for one audience that it is
//! declared, with scopes that both the token has and the client is declared, no longer than the token
//! lasts. The token itself must name the client in `may_act`; nobody acts twice in a chain, and a chain
//! has an end.
//!
//! Errors are those of RFC 6749 section 5.2; each is a refusal with a reason of its own in the record.

mod form;
mod grant;
mod proof;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use portcullis_identity::certificate;
use portcullis_identity::minted::Order;
use portcullis_model::{ListenerId, Method, Reason, Stage, Timestamp};
use portcullis_reading::message::Message;
use serde::Serialize;
use serde_json::json;

use crate::answer::Answer;
use crate::facts::{BodyFact, Facts, Need, TokenFact};
use crate::refusal::{Refusal, Step};
use crate::snapshot::Snapshot;
use crate::trace::Trace;

use self::form::Form;

/// Longest form in bytes: three tokens, encoded.
const FORM_BYTES_MAX: u64 = 64 * 1024;

/// A request for an exchange.
#[derive(Clone, Debug)]
pub struct Exchanging {
    message: Arc<Message>,
    certificate: Option<certificate::Shown>,
}

/// An exchange that is permitted; the token is yet to be signed.
#[derive(Clone, Debug)]
pub struct Granted {
    order: Order,
}

/// The error code of RFC 6749 section 5.2 or RFC 8693 section 2.2.2 that a reason is told as; `None`
/// for reasons that are none of an exchange.
#[must_use]
pub fn error_code(reason: Reason) -> Option<&'static str> {
    const CODES: [(Reason, &str); 7] = [
        (Reason::ExchangeMalformed, "invalid_request"),
        (Reason::ExchangeGrantRefused, "unsupported_grant_type"),
        (Reason::ExchangeClientRefused, "invalid_client"),
        (Reason::ExchangeSubjectRefused, "invalid_request"),
        (Reason::ExchangeActorRefused, "invalid_request"),
        (Reason::ExchangeScopeRefused, "invalid_scope"),
        (Reason::ExchangeTargetRefused, "invalid_target"),
    ];
    CODES.iter().find(|(known, _)| *known == reason).map(|(_, code)| *code)
}

/// Whether an exchange is asked for.
pub(crate) fn is_asked(listener: &ListenerId, message: &Message, snapshot: &Snapshot) -> bool {
    let exchange = snapshot.declaration.tokens.as_ref().and_then(|one| one.exchange.as_ref());
    exchange.is_some_and(|exchange| {
        let address = &exchange.address;
        address.listener == *listener && address.path == message.path.as_str()
    })
}

/// Begins.
///
/// # Errors
/// What is no form by POST.
pub(crate) fn enter(
    message: &Arc<Message>,
    certificate: Option<certificate::Shown>,
    trace: &mut Trace,
) -> Result<Box<Exchanging>, Refusal> {
    trace.fact("exchange", &Asked { asked: true });
    if message.method != Method::Post {
        return Err(Refusal::new(Reason::UnlistedOperation, "tokens are exchanged by POST"));
    }
    let kind = message.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::new(Reason::ExchangeMalformed, "the body is not said to be a form"));
    }
    if message.query.raw.is_some() {
        let detail = "parameters stand in the body, never in the query";
        return Err(Refusal::new(Reason::ExchangeMalformed, detail));
    }
    trace.say(Stage::Receive, "a token is to be exchanged");
    Ok(Box::new(Exchanging { message: Arc::clone(message), certificate }))
}

/// Judges who asks, the token, and what is asked for.
pub(crate) fn decide(
    exchanging: Exchanging,
    facts: &Facts,
    snapshot: &Snapshot,
    now: Timestamp,
    trace: &mut Trace,
) -> Step<Exchanging, Granted> {
    let body = match &facts.body {
        None => {
            return Step::More(exchanging, vec![Need::Body { bytes_max: FORM_BYTES_MAX }]);
        }
        Some(BodyFact::Whole(body)) => body.clone(),
        Some(BodyFact::Failed(refused)) => return Step::Refused(refused.clone().into()),
        Some(BodyFact::AsRecorded(_)) => {
            return Step::Refused(Refusal::missing_fact(Stage::Identify, "body"));
        }
    };
    let form = match Form::read(&body) {
        Ok(form) => form,
        Err(refusal) => return Step::Refused(refusal),
    };
    let shown = proof::Shown {
        form: &form,
        message: &exchanging.message,
        certificate: exchanging.certificate.as_ref(),
    };
    let proven = match proof::prove(&shown, facts, snapshot, now) {
        Ok(proven) => proven,
        Err(proof::Unproven::Ask(needs)) => return Step::More(exchanging, needs),
        Err(proof::Unproven::Refused(refusal)) => return Step::Refused(refusal),
    };
    trace.caller = Some(Arc::clone(&proven.client));
    trace.personal_fact("principal", proven.subject.principal());
    trace.say(Stage::Identify, format!("client `{}` with a token that holds", proven.name));
    match grant::judge(&form, &proven, snapshot) {
        Ok(order) => Step::Next(Granted { order }),
        Err(refusal) => Step::Refused(refusal),
    }
}

/// Has the token signed, and answers with it.
pub(crate) fn grant(
    granted: Granted,
    facts: &Facts,
    now: Timestamp,
    trace: &mut Trace,
) -> Step<Granted, Granted> {
    let signed = match &facts.token {
        None => {
            let need = Need::Sign(Box::new(granted.order.clone()));
            return Step::More(granted, vec![need]);
        }
        Some(TokenFact::Signed(signed)) => signed,
        Some(TokenFact::Unavailable | TokenFact::AsRecorded) => {
            let detail = "no token could be signed";
            return Step::Refused(Refusal::new(Reason::TokenUnavailable, detail));
        }
    };
    let audience = &granted.order.audience;
    let expires = signed.expires_at.as_secs();
    trace.fact("token", &TokenNote { audience, expires, handle: &signed.handle });
    trace.say(Stage::Admit, format!("a token for `{audience}` was given"));
    trace.answered = true;
    let scopes: Vec<&str> = granted.order.scopes.iter().map(String::as_str).collect();
    let body = json!({
        "access_token": signed.text,
        "issued_token_type": form::ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": signed.expires_at.since(now).as_secs(),
        "scope": scopes.join(" "),
    });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Step::Answered(Answer { status: StatusCode::OK, headers, body: Bytes::from(body.to_string()) })
}

#[derive(Serialize)]
struct Asked {
    asked: bool,
}

#[derive(Serialize)]
struct TokenNote<'a> {
    audience: &'a str,
    expires: u64,
    handle: &'a str,
}
