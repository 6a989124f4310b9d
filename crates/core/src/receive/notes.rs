//! What of a head is worth writing down? What the decision read, so that it can be made again, and
//! nothing that may be a credential.

use std::net::IpAddr;

use http::header::{
    AUTHORIZATION, CONNECTION, COOKIE, ORIGIN, PROXY_AUTHORIZATION, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use portcullis_config::declaration::StreamKind;
use portcullis_identity::certificate;
use portcullis_identity::dpop::DPOP;
use portcullis_model::Method;
use portcullis_model::written;
use portcullis_reading::message::Message;
use serde::Serialize;

use crate::cors;
use crate::facts::{Country, Facts};
use crate::snapshot::{CompiledOperation, Snapshot};
use crate::trace::Trace;

/// A head that could not be read in one way, as it came; what may be a credential is withheld.
pub(super) fn note_head(trace: &mut Trace, parts: &Parts, peer: IpAddr, snapshot: &Snapshot) {
    let secret = |name: &HeaderName| {
        [AUTHORIZATION, COOKIE, DPOP, PROXY_AUTHORIZATION].contains(name)
            || snapshot.credential_headers().any(|header| header == name)
    };
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = match secret(name) {
            true => "(withheld)".into(),
            false => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        (name.as_str().to_owned(), value)
    };
    trace.request.method = Method::parse(parts.method.as_str());
    trace.personal_fact(
        "head",
        &HeadFact {
            headers: parts.headers.iter().map(text).collect(),
            method: parts.method.as_str(),
            peer,
            target: parts.uri.to_string(),
        },
    );
}

/// The headers that the contract speaks of, those of a preflight, and those that choose a route.
pub(super) fn note_headers(trace: &mut Trace, message: &Message, operation: &CompiledOperation) {
    let noted = &operation.noted;
    let asked = cors::ASKED
        .iter()
        .filter(|name| message.method == Method::Options && !noted.contains(name));
    let mut headers = Vec::new();
    for name in noted.iter().chain(asked) {
        for value in message.headers.get_all(name) {
            headers.push((name.as_str(), String::from_utf8_lossy(value.as_bytes())));
        }
    }
    let opens = operation.stream.as_ref().is_some_and(|one| one.kind == StreamKind::Websocket);
    if opens {
        for name in [ORIGIN.as_str(), SEC_WEBSOCKET_KEY.as_str(), SEC_WEBSOCKET_VERSION.as_str()] {
            for value in message.headers.get_all(name) {
                headers.push((name, String::from_utf8_lossy(value.as_bytes())));
            }
        }
        if let Some(protocol) = &message.upgrade {
            headers.push((CONNECTION.as_str(), UPGRADE.as_str().into()));
            headers.push((UPGRADE.as_str(), protocol.as_str().into()));
        }
    }
    let cookies = named_cookies(message, operation);
    if !cookies.is_empty() {
        headers.push((COOKIE.as_str(), cookies.join("; ").into()));
    }
    if !headers.is_empty() {
        trace.personal_fact("headers", &headers);
    }
}

/// The cookies that the contract speaks of, and no other: the rest may be credentials.
fn named_cookies(message: &Message, operation: &CompiledOperation) -> Vec<String> {
    if operation.cookies.is_empty() {
        return Vec::new();
    }
    let pairs = portcullis_reading::cookie::pairs(&message.headers).unwrap_or_default();
    pairs
        .into_iter()
        .filter(|(name, _)| operation.cookies.iter().any(|known| known == *name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

pub(super) fn note_message(trace: &mut Trace, message: &Message) {
    trace.request.method = Some(message.method);
    trace.request.host = Some(message.host.as_str().to_owned());
    trace.request.stripped.clone_from(&message.stripped);
    trace.request.digest = Some(digest(message));
    trace.personal_fact(
        "message",
        &MessageFact {
            address: written::address(message.client_address),
            host: message.host.as_str(),
            method: message.method,
            target: message.target(),
        },
    );
}

/// The certificate's facts, or why it is not trusted now.
pub(super) fn note_certificate(trace: &mut Trace, shown: Option<&certificate::Shown>) {
    match shown {
        None => {}
        Some(Ok(certificate)) => trace.personal_fact("certificate", certificate.facts()),
        Some(Err(refused)) => trace.verdict("certificate", Err(refused)),
    }
}

/// SHA-256 over method, host, target and every header that is left, each with its length.
fn digest(message: &Message) -> String {
    let mut whole = Vec::with_capacity(1024);
    let mut add = |bytes: &[u8]| {
        whole.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        whole.extend_from_slice(bytes);
    };
    add(message.method.as_str().as_bytes());
    add(message.host.as_str().as_bytes());
    add(message.target().as_bytes());
    for (name, value) in &message.headers {
        add(name.as_str().as_bytes());
        add(value.as_bytes());
    }
    written::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &whole).as_ref())
}

/// Where the address is said to be.
pub(super) fn note_country(facts: &Facts, trace: &mut Trace) {
    let (available, country) = match &facts.country {
        None => return,
        Some(Country::Known(code)) => (true, Some(code.as_str())),
        Some(Country::Unknown) => (true, None),
        Some(Country::Unavailable) => (false, None),
    };
    trace.personal_fact("country", &CountryFact { available, country });
}

#[derive(Serialize)]
struct HeadFact<'a> {
    headers: Vec<(String, String)>,
    method: &'a str,
    peer: IpAddr,
    target: String,
}

#[derive(Serialize)]
struct MessageFact<'a> {
    address: String,
    host: &'a str,
    method: Method,
    target: String,
}

#[derive(Serialize)]
struct CountryFact<'a> {
    available: bool,
    country: Option<&'a str>,
}
