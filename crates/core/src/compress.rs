//! Is this answer compressed, and how? Only where the declaration says so, of a media type that it
//! names, in a coding that the client takes, and never twice.
//!
//! How long a compressed answer is tells something of what is in it. Where a caller is identified, and
//! part of the answer can be chosen by somebody else, that gives secrets away byte by byte (BREACH); so
//! those answers stay as they are unless it is declared otherwise.

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use portcullis_config::declaration::{Coding, Compress};
use portcullis_model::Method;

use crate::snapshot::Snapshot;
use crate::trace::Trace;

/// Digests of what is sent (RFC 9530): it must then be sent as it is.
static DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// Chooses the coding of an answer of the upstream, and changes its headers accordingly.
#[must_use]
pub fn choose(
    status: StatusCode,
    headers: &mut HeaderMap,
    trace: &Trace,
    snapshot: &Snapshot,
) -> Option<Coding> {
    let boundary = snapshot.declaration.boundaries.get(trace.crossing.boundary.as_ref()?)?;
    let declared = boundary.answers.compress.as_ref()?;
    let message = trace.message.as_ref()?;
    let is_identified =
        trace.caller.as_ref().is_none_or(|caller| caller.principal().provider.is_some());
    let may = (declared.identified || !is_identified) && message.method != Method::Head;
    if !may || !has_body(status) || !is_compressible(declared, headers) {
        return None;
    }
    // whoever keeps the answer must know that others get another one
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    let accepted = message.accept_encoding.as_deref()?;
    let coding = *declared.codings.iter().find(|coding| takes(accepted, name(**coding)))?;
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name(coding)));
    headers.remove(CONTENT_LENGTH);
    headers.remove(ACCEPT_RANGES);
    weaken(headers);
    Some(coding)
}

const fn name(coding: Coding) -> &'static str {
    match coding {
        Coding::Br => "br",
        Coding::Gzip => "gzip",
    }
}

fn has_body(status: StatusCode) -> bool {
    status.is_success()
        && ![StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::PARTIAL_CONTENT]
            .contains(&status)
}

fn is_compressible(declared: &Compress, headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let media = text(&CONTENT_TYPE).and_then(|text| text.split(';').next()).unwrap_or_default();
    let length = text(&CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    let whole = headers.get_all(CACHE_CONTROL).iter().any(|value| {
        value.as_bytes().to_ascii_lowercase().windows(12).any(|part| part == b"no-transform")
    });
    declared.types.contains(&media.trim().to_ascii_lowercase())
        && length.is_none_or(|length| length >= declared.bytes_min)
        && !whole
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers.contains_key(CONTENT_RANGE)
        && !DIGESTS.iter().any(|name| headers.contains_key(name))
}

/// Whether a client takes a coding (RFC 9110 section 12.5.3): it names it, or `*`, not with `q=0`.
fn takes(accepted: &str, coding: &str) -> bool {
    let mut any = false;
    for item in accepted.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default();
        let refused = parts.any(|part| {
            let weight = part.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("q"));
            weight.is_some_and(|(_, value)| value.trim().bytes().all(|byte| b"0.".contains(&byte)))
        });
        if named.eq_ignore_ascii_case(coding) {
            return !refused;
        }
        any |= named == "*" && !refused;
    }
    any
}

/// What is coded here is not, byte for byte, what the upstream named (RFC 9110 section 8.8.3).
fn weaken(headers: &mut HeaderMap) {
    let Some(tag) = headers.get(ETAG).and_then(|tag| tag.to_str().ok()) else { return };
    if !tag.starts_with("W/")
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{tag}"))
    {
        headers.insert(ETAG, weak);
    }
}

#[cfg(test)]
mod tests {
    use super::takes;

    #[test]
    fn a_coding_is_taken_where_it_is_named_and_not_refused() {
        for accepted in ["gzip", "br, gzip", "GZIP;q=0.5", "*", "*;q=0.1", "br;q=0, gzip;q=1.000"] {
            assert!(takes(accepted, "gzip"), "{accepted}");
        }
        for accepted in ["", "br", "gzip;q=0", "gzip; Q=0.000, *", "*;q=0", "identity", "xgzip"] {
            assert!(!takes(accepted, "gzip"), "{accepted}");
        }
    }
}
