//! May the declaration touch this header? Not where the boundary, or a later reader, decides by it:
//! one that frames a message, shows or tells who is asking, or has a key of its own.

use std::collections::BTreeMap;

use http::HeaderName;
use portcullis_config::Declaration;
use portcullis_config::declaration::Declared;
use portcullis_diagnostics::Finding;
use portcullis_model::ProviderId;
use portcullis_reading::owned::OwnedHeaders;

/// Of requests: what frames or ends at this hop, what was checked, and what shows who is asking.
const REQUEST: [&str; 24] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-digest",
    "content-encoding",
    "content-length",
    "content-type",
    "dpop",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "signature",
    "signature-input",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
];

/// Of answers: the same, and what has a key of its own or is the boundary's word.
const ANSWER: [&str; 28] = [
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-type",
    "deprecation",
    "dpop-nonce",
    "keep-alive",
    "link",
    "location",
    "proxy-authenticate",
    "proxy-connection",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "sunset",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-powered-by",
];

/// Says which changes of headers would touch what must not be touched.
pub(super) fn check(
    declaration: &Declaration,
    owned: &OwnedHeaders,
    keys: &BTreeMap<ProviderId, HeaderName>,
    findings: &mut Vec<Finding>,
) {
    for api in declaration.apis.values() {
        let changes = &api.request_headers;
        let set = changes.set.iter().map(|(name, _)| name);
        for name in changes.remove.iter().chain(set) {
            let text = name.value.as_str();
            let decides = REQUEST.contains(&text)
                || owned.strips(text)
                || keys.values().any(|key| *key == name.value);
            if decides {
                findings.push(protected(name));
            }
        }
        for (name, _) in api.routes.iter().filter_map(|route| route.header.as_ref()) {
            let text = name.value.as_str();
            let decides = REQUEST.contains(&text)
                || owned.strips(text)
                || name.value == http::header::COOKIE
                || keys.values().any(|key| *key == name.value);
            if decides {
                findings.push(protected(name));
            }
        }
        // a cookie may be kept from an upstream; one that nobody sent would be a credential
        let cookie = |name: &&Declared<HeaderName>| name.value == http::header::COOKIE;
        findings.extend(changes.set.iter().map(|(name, _)| name).filter(cookie).map(protected));
    }
    for boundary in declaration.boundaries.values() {
        let changes = &boundary.answers.headers;
        let set = changes.set.iter().map(|(name, _)| name);
        for name in changes.remove.iter().chain(set) {
            let text = name.value.as_str();
            if ANSWER.contains(&text)
                || text.starts_with("access-control-")
                || text.starts_with("portcullis-")
            {
                findings.push(protected(name));
            }
        }
    }
}

fn protected(name: &Declared<HeaderName>) -> Finding {
    Finding::error("PC0151", format!("`{}` may not be changed or chosen by", name.value))
        .at(name.span.clone(), "here")
        .why("the boundary decides by this header, or frames messages with it, or owns it")
        .fix("remove it; `cache`, `content_security_policy`, `cors` and `lifecycle` have keys of their own")
}
