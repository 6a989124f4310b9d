//! What exactly is carried to the upstream? Made from a [`Permit`], which it consumes: what was
//! judged is what is sent.
//!
//! The outside credential stays here. The upstream learns who asks from headers that only the
//! boundary can set; every one of them was stripped on entry.

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HOST, TE, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_config::declaration::{HeaderChanges, Stream, StreamKind, TokenHeader};
use portcullis_identity::content_digest::CONTENT_DIGEST;
use portcullis_identity::dpop::DPOP;
use portcullis_identity::signature::{SIGNATURE, SIGNATURE_INPUT};
use portcullis_model::written;
use portcullis_model::{Method, ProviderId, RecordId, UpstreamId};

use crate::admit::Permit;
use crate::sender::Sender;
use crate::snapshot::Snapshot;

/// A request on its way.
#[derive(Debug)]
pub struct Outgoing {
    /// Where to.
    pub upstream: UpstreamId,
    /// The method.
    pub method: Method,
    /// Canonical path and query, byte for byte as judged; where the declaration rewrites paths, the
    /// path that was made from the judged one.
    pub target: String,
    /// All headers, `host` and `content-length` included.
    pub headers: HeaderMap,
    /// The checked body; empty where it passes as a stream.
    pub body: Bytes,
    /// Whether messages go on after this one.
    pub stream: Option<Stream>,
}

/// Principal, as `provider|subject`.
pub const PRINCIPAL: HeaderName = HeaderName::from_static("x-portcullis-principal");
/// Tenant.
pub const TENANT: HeaderName = HeaderName::from_static("x-portcullis-tenant");
/// Record id of the decision.
pub const DECISION: HeaderName = HeaderName::from_static("x-portcullis-decision");
/// A token of ours, for upstreams that use `Authorization` otherwise.
pub const TOKEN: HeaderName = HeaderName::from_static("x-portcullis-token");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Spends a permit.
///
/// ```
/// use portcullis_core::{Permit, Snapshot, forward::{Outgoing, outgoing}, inspect::Inspected};
/// use portcullis_model::RecordId;
///
/// fn forward(permit: Permit, id: &RecordId, snapshot: &Snapshot) -> Outgoing {
///     outgoing(permit, id, snapshot)
/// }
/// ```
///
/// Nothing less will do, however far the request has come:
///
/// ```compile_fail,E0308
/// use portcullis_core::{Snapshot, forward::{Outgoing, outgoing}, inspect::Inspected};
/// use portcullis_model::RecordId;
///
/// fn forward(inspected: Inspected, id: &RecordId, snapshot: &Snapshot) -> Outgoing {
///     outgoing(inspected, id, snapshot)
/// }
/// ```
///
/// and a permit carries one request, not two:
///
/// ```compile_fail,E0382
/// use portcullis_core::{Permit, Snapshot, forward::{Outgoing, outgoing}};
/// use portcullis_model::RecordId;
///
/// fn twice(permit: Permit, id: &RecordId, snapshot: &Snapshot) -> (Outgoing, Outgoing) {
///     (outgoing(permit, id, snapshot), outgoing(permit, id, snapshot))
/// }
/// ```
#[must_use]
#[allow(clippy::needless_pass_by_value, reason = "carrying a request spends its permit")]
pub fn outgoing(permit: Permit, id: &RecordId, snapshot: &Snapshot) -> Outgoing {
    let identified = &permit.authorized().assessed.identified;
    let received = &identified.received;
    let message = &received.message;
    let mut headers = message.headers.clone();
    headers.remove(AUTHORIZATION);
    headers.remove(DPOP);
    unsign(&mut headers, &identified.sender, snapshot);
    for name in snapshot.api_key_headers.values() {
        headers.remove(name);
    }
    if let Some(api) = snapshot.declaration.apis.get(&received.operation.api) {
        change(&mut headers, &api.request_headers);
    }
    headers.insert(HOST, encoded(message.host.as_str()));
    headers.insert(FORWARDED_HOST, encoded(message.host.as_str()));
    headers.insert(FORWARDED_FOR, encoded(&written::address(message.client_address)));
    if let Some(prefix) = &received.carried.stripped {
        headers.insert(FORWARDED_PREFIX, encoded(prefix));
    }
    headers.insert(DECISION, encoded(id.as_str()));
    let principal = identified.caller.principal();
    headers.insert(PRINCIPAL, encoded(&principal.qualified_name()));
    if let Some(tenant) = &principal.tenant {
        headers.insert(TENANT, encoded(tenant));
    }
    carry_token(&mut headers, &permit, snapshot);
    if let Some(span) = &received.span {
        span.tell(message, &received.crossing.boundary.trace, &mut headers);
    }
    let body = permit.body().clone();
    // the body is sent as it was checked: decoded
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    if !body.is_empty() || matches!(message.method, Method::Post | Method::Put | Method::Patch) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let stream = received.operation.stream.clone();
    match stream.as_ref().map(|stream| stream.kind) {
        Some(StreamKind::Websocket) => {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        Some(StreamKind::Grpc) => {
            headers.remove(CONTENT_LENGTH);
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        Some(StreamKind::Events) | None => {}
    }
    Outgoing {
        upstream: received.carried.upstream.clone(),
        method: message.method,
        target: message.target_with(received.carried.path.as_ref()),
        headers,
        body,
        stream,
    }
}

/// What was verified here is not verified again elsewhere.
fn unsign(headers: &mut HeaderMap, sender: &Sender, snapshot: &Snapshot) {
    match sender {
        Sender::None | Sender::Dpop(_) | Sender::Mtls(_) => {}
        Sender::Signature(_) => {
            headers.remove(SIGNATURE);
            headers.remove(SIGNATURE_INPUT);
            if headers.contains_key(CONTENT_ENCODING) {
                // it is of the body before its coding was undone
                headers.remove(CONTENT_DIGEST);
            }
        }
        Sender::Webhook(provider) => {
            if let Some(rules) = snapshot.webhooks.get(&ProviderId::new(provider)) {
                headers.remove(rules.scheme.header());
            }
        }
    }
}

/// The token of ours, in place of the outside credential.
fn carry_token(headers: &mut HeaderMap, permit: &Permit, snapshot: &Snapshot) {
    let upstream = &permit.authorized().assessed.identified.received.carried.upstream;
    let upstream = snapshot.declaration.upstreams.get(upstream);
    let declared = upstream.and_then(|upstream| upstream.token.as_ref());
    let (Some(declared), Some(signed)) = (declared, permit.token()) else { return };
    let (name, value) = match declared.header {
        TokenHeader::Authorization => (AUTHORIZATION, format!("Bearer {}", signed.text)),
        TokenHeader::Own => (TOKEN, signed.text.clone()),
    };
    if let Ok(mut value) = HeaderValue::from_str(&value) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

/// What the declaration changes; it was checked that nothing decides by these headers.
fn change(headers: &mut HeaderMap, changes: &HeaderChanges) {
    for name in &changes.remove {
        headers.remove(&name.value);
    }
    for (name, value) in &changes.set {
        headers.insert(name.value.clone(), value.clone());
    }
}

/// A text as a header value: visible ASCII stays, everything else and `%` is percent-encoded, so
/// that no claim can break a line or be read in two ways (D6).
#[must_use]
pub fn encoded(text: &str) -> HeaderValue {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    if text.bytes().all(plain) {
        return HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    }
    let mut value = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            value.push(char::from(byte));
        } else {
            value.push('%');
            value.push_str(&written::hex(&[byte]).to_ascii_uppercase());
        }
    }
    HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn d06_no_claim_can_break_a_line() {
        assert_eq!(encoded("p|a\r\nx-admin: 1"), "p|a%0D%0Ax-admin:%201");
        assert_eq!(encoded("50% \u{e9}"), "50%25%20%C3%A9");
    }
}
