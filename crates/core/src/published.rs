//! With which keys are the boundary's own tokens verified? A JWK set (RFC 7517 section 5) at the declared
//! path of the declared listener, for anybody who asks: keys that verify are no secret. It is an answer
//! of the boundary's own, after the guard of addresses, and it is recorded.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use portcullis_model::{ListenerId, Method, Reason, Stage};
use portcullis_reading::message::Message;

use crate::answer::Answer;
use crate::facts::Facts;
use crate::refusal::Refusal;
use crate::snapshot::Snapshot;
use crate::trace::Trace;

/// How long verifiers may keep the set. A key is published for at least an hour before it signs.
const MAX_AGE: &str = "public, max-age=300";

/// Whether the set is asked for.
pub(crate) fn is_asked(listener: &ListenerId, message: &Message, snapshot: &Snapshot) -> bool {
    let tokens = snapshot.declaration.tokens.as_ref();
    tokens.and_then(|tokens| tokens.publish.as_ref()).is_some_and(|publish| {
        publish.listener == *listener && publish.path == message.path.as_str()
    })
}

/// The set.
///
/// # Errors
/// Another method than GET or HEAD; a set that was not supplied.
pub(crate) fn answer(
    message: &Message,
    facts: &Facts,
    trace: &mut Trace,
) -> Result<Answer, Refusal> {
    if !matches!(message.method, Method::Get | Method::Head) {
        let detail = "public keys are read by GET";
        return Err(Refusal::new(Reason::UnlistedOperation, detail));
    }
    let set = facts.public_keys.clone();
    let body = set.ok_or_else(|| Refusal::missing_fact(Stage::Receive, "public keys"))?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(MAX_AGE));
    trace.say(Stage::Receive, "the public keys of our own tokens");
    Ok(Answer { status: StatusCode::OK, headers, body })
}
