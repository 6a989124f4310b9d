//! What does every answer say besides its content? One set of headers for what the upstream answers
//! and for what the boundary answers itself, so that a refusal is no weaker than a success.
//!
//! It follows from what was noted of the request (the trace) and from the declaration alone. Without a
//! word in the declaration the strict choice stands: no guessing of media types, no script in pages,
//! nothing that is meant for one caller kept by a cache, nothing said of what runs behind.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ORIGIN, SERVER,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_config::declaration::{Answers, Cache, Hsts};

use crate::snapshot::Snapshot;
use crate::trace::Trace;
use crate::{cors, life, protected};

/// Headers that only say what runs behind.
static TELLING: [HeaderName; 5] = [
    SERVER,
    HeaderName::from_static("x-aspnet-version"),
    HeaderName::from_static("x-aspnetmvc-version"),
    HeaderName::from_static("x-generator"),
    HeaderName::from_static("x-powered-by"),
];

/// Media types that browsers show as pages, with script in them.
const PAGES: [&str; 5] =
    ["text/html", "application/xhtml+xml", "image/svg+xml", "application/xml", "text/xml"];

/// The nonce that the next proof is to have (RFC 9449 section 8); an upstream has no say in it.
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

const A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

const STRICTEST: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Completes the headers of an answer to the request that the trace is of.
pub fn complete(headers: &mut HeaderMap, trace: &Trace, snapshot: &Snapshot) {
    let declaration = &snapshot.declaration;
    let api = trace.crossing.api.as_ref().and_then(|id| declaration.apis.get(id));
    let boundary = trace.crossing.boundary.as_ref().and_then(|id| declaration.boundaries.get(id));
    for name in &TELLING {
        headers.remove(name);
    }
    headers.remove(&DPOP_NONCE);
    if let Some(nonce) = trace.nonce.as_ref().and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(DPOP_NONCE, nonce);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let answers = boundary.map(|boundary| &boundary.answers);
    headers.remove(STRICT_TRANSPORT_SECURITY);
    let listener = declaration.listeners.get(&trace.listener);
    if listener.is_some_and(|listener| listener.tls.is_some()) {
        let declared = answers.and_then(|answers| answers.hsts.as_ref());
        headers.insert(STRICT_TRANSPORT_SECURITY, declared.map_or(A_YEAR, hsts));
    }
    let origin = trace.message.as_ref().and_then(|message| message.headers.get(ORIGIN));
    cors::fields(api.and_then(|api| api.cors.as_ref()), origin, headers);
    protected::point(api.and_then(|api| api.protected_resource.as_ref()), headers);
    if let Some(api) = api {
        life::fields(&api.life, headers);
    }
    let is_identified =
        trace.caller.as_ref().is_some_and(|caller| caller.principal().provider.is_some());
    if is_identified && answers.is_none_or(|answers| answers.cache == Cache::NoStore) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    page_policy(answers, headers);
    if let Some(answers) = answers {
        for name in &answers.headers.remove {
            headers.remove(&name.value);
        }
        for (name, value) in &answers.headers.set {
            headers.insert(name.value.clone(), value.clone());
        }
    }
}

fn hsts(declared: &Hsts) -> HeaderValue {
    let below = if declared.subdomains { "; includeSubDomains" } else { "" };
    let text = format!("max-age={}{below}", declared.max_age.as_secs());
    HeaderValue::from_str(&text).unwrap_or(A_YEAR)
}

/// A page whose upstream says nothing about what it may load may load nothing.
fn page_policy(answers: Option<&Answers>, headers: &mut HeaderMap) {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    let is_page = PAGES.iter().any(|page| page.eq_ignore_ascii_case(media));
    if !is_page || headers.contains_key(CONTENT_SECURITY_POLICY) {
        return;
    }
    let declared = answers.and_then(|answers| answers.content_security_policy.clone());
    headers.insert(CONTENT_SECURITY_POLICY, declared.unwrap_or(STRICTEST));
}
