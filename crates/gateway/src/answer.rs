//! What does a client get that is answered here? A refused one: Problem details (RFC 9457) with a stable public code and the
//! record's id, and nothing internal.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use portcullis_core::{Answer, Refusal, exchange, reply};
use portcullis_model::RecordId;
use portcullis_model::reason::Challenge;
use serde_json::json;

/// The answer to a refused request. `close` ends the connection after it.
#[must_use]
pub fn refusal(refusal: &Refusal, id: &RecordId, close: bool) -> Response<Full<Bytes>> {
    let entry = refusal.reason.entry();
    let mut body = json!({
        "type": "about:blank",
        "title": entry.title,
        "status": entry.status,
        "code": entry.code,
        "record": id,
    });
    if let (Some(message), Some(members)) = (&refusal.message, body.as_object_mut()) {
        members.insert("detail".to_owned(), message.as_str().into());
    }
    let told = exchange::error_code(refusal.reason);
    if let Some(error) = told {
        // RFC 6749 section 5.2
        body = json!({"error": error, "error_description": entry.title});
    }
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() =
        StatusCode::from_u16(entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let kind = told.map_or("application/problem+json", |_| "application/json");
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(challenge) = challenge(refusal, entry.challenge) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(secs) = refusal.retry_after_secs {
        headers.insert(RETRY_AFTER, HeaderValue::from(secs));
    }
    reply::decision(headers, id);
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// An answer that the boundary gives itself. `close` ends the connection after it.
#[must_use]
pub fn own(answer: Answer, id: &RecordId, close: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    reply::decision(response.headers_mut(), id);
    if close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn challenge(refusal: &Refusal, kind: Challenge) -> Option<HeaderValue> {
    let value = kind.value()?;
    match (kind, &refusal.step_up) {
        (Challenge::InsufficientScope, _) => {
            // scopes come from the contract; RFC 6749 section 3.3 keeps quotes out of them
            let scopes = refusal.scopes.iter().map(String::as_str);
            let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
            let scopes: Vec<&str> = scopes.filter(|scope| scope.bytes().all(plain)).collect();
            HeaderValue::from_str(&format!("{value}, scope=\"{}\"", scopes.join(" "))).ok()
        }
        (Challenge::InsufficientAuthentication, Some(step_up)) => {
            let mut text = value.to_owned();
            if !step_up.acr.is_empty() {
                text.push_str(&format!(", acr_values=\"{}\"", step_up.acr.join(" ")));
            }
            if let Some(secs) = step_up.max_age_secs {
                text.push_str(&format!(", max_age=\"{secs}\""));
            }
            HeaderValue::from_str(&text).ok()
        }
        (_, _) => Some(HeaderValue::from_static(value)),
    }
}
